/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include <systemd/sd-event.h>

#include "core/cleanup.h"

/* The clients' sockets, as one source of the event loop: sd-event asks the kernel anew, and for all
 * that are ready, after each one that it has served. Here all of them are served in one turn, so
 * that what costs the same for one and for many is done once a turn, at its end. */
struct poller;
struct poller_item;

/* `revents` as in epoll_wait(2). */
typedef void (*poller_func)(uint32_t revents, void *userdata);

typedef void (*poller_turn_func)(void *userdata);

int poller_new(sd_event *event, struct poller **ret);

/* All items must have been removed. */
struct poller *poller_free(struct poller *poller);
DEFINE_CLEANUP(struct poller *, poller_free)

sd_event *poller_event(const struct poller *poller);

/* Has `func` called at the end of each turn. */
void poller_set_turn_end(struct poller *poller, poller_turn_func func, void *userdata);

/* Has the next turn begin at once, even if no socket is ready. */
void poller_hurry(struct poller *poller);

/* Has `func` called whenever the socket is ready for `events`. Returns 0 or a negative errno. */
int poller_add(struct poller *poller, int fd, uint32_t events, poller_func func, void *userdata,
               struct poller_item **ret);

/* Waits for other events from now on. Returns 0 or a negative errno. */
int poller_item_set_events(struct poller_item *item, uint32_t events);

/* Also from inside of any item's `func`. Leaves the socket open. */
struct poller_item *poller_item_remove(struct poller_item *item);
