/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

/* What the signals do that administrators and the service manager send. */
struct signal_handlers {
    sd_event_signal_handler_t terminate; /* SIGTERM, SIGINT */
    sd_event_signal_handler_t reload;    /* SIGHUP */
};

/* From here on they wait for the loop; a reload that comes early must not end the start. Returns 0
 * or a negative errno. */
int signals_block(void);

/* Has the loop call the handlers. Returns 0 or a negative errno. */
int signals_attach(sd_event *event, const struct signal_handlers *handlers, void *userdata);
