/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two lists below are of the same signals: sd_event_add_signal() takes blocked ones alone. */

#include "signals.h"

#include <errno.h>
#include <signal.h>

int signals_block(void)
{
    sigset_t mask;

    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGTERM);
    (void)sigaddset(&mask, SIGINT);
    (void)sigaddset(&mask, SIGHUP);
    return sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ? -errno : 0;
}

int signals_attach(sd_event *event, const struct signal_handlers *handlers, void *userdata)
{
    int r = sd_event_add_signal(event, NULL, SIGTERM, handlers->terminate, userdata);

    if (r >= 0)
        r = sd_event_add_signal(event, NULL, SIGINT, handlers->terminate, userdata);
    if (r >= 0)
        r = sd_event_add_signal(event, NULL, SIGHUP, handlers->reload, userdata);
    return r < 0 ? r : 0;
}
