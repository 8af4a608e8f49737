/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include <systemd/sd-event.h>

#include "core/cleanup.h"

/* Answers those who ask that the map be brought up to what the journal holds: collects requests,
 * and settles all of them at once when that is done. Whoever may use the socket can cost the
 * watcher one look at the journal for each batch, and no more. */
struct catch_up_server;

/* Called when a request has come in. */
typedef void (*catch_up_asked_func)(void *userdata);

/* Returns 0 or a negative errno. It listens nowhere yet. */
int catch_up_server_new(sd_event *event, catch_up_asked_func asked, void *userdata,
                        struct catch_up_server **ret);
struct catch_up_server *catch_up_server_free(struct catch_up_server *server);
DEFINE_CLEANUP(struct catch_up_server *, catch_up_server_free)

/* Listens at `path` from now on, and tells those who ask how long they should wait; with 0 there,
 * listens no more. That it cannot is logged, and no reason to stop. */
void catch_up_server_listen(struct catch_up_server *server, const char *path,
                            uint64_t timeout_usec);

/* Tells everybody who has asked that the map is up to date, or as much so as it can be. */
void catch_up_server_settle(struct catch_up_server *server);
