/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/cleanup.h"
#include "poller.h"
#include "rounds.h"

/* Asks the watcher to put into the map what the journal holds already, for lookups that would miss.
 * The watcher may be away, stopped or slow at any time: nobody is kept waiting by that for longer
 * than CatchUpTimeout=, and it is found again without being looked for while nothing is asked. */
struct catch_up;

/* Somebody who may have to wait; zeroed at first, and then left alone but for `done`, which is
 * called when there is nothing to wait for any more, whatever the reason. */
struct catch_up_wait {
    struct rounds_wait wait;
    void (*done)(void *userdata);
    void *userdata;
};

/* `path` is the watcher's socket, or "" to never ask; it remains the caller's, and so does
 * `poller`. Returns 0 or a negative errno. */
int catch_up_new(struct poller *poller, const char *path, struct catch_up **ret);
struct catch_up *catch_up_free(struct catch_up *catch_up);
DEFINE_CLEANUP(struct catch_up *, catch_up_free)

/* To be called at the end of each turn: calls some of those who have nothing to wait for any more.
 */
void catch_up_serve(struct catch_up *catch_up);

/* After that: asks the watcher, if somebody waits for it. */
void catch_up_send(struct catch_up *catch_up);

/* Returns true if the map may say more in a moment, and has `wait` called then, by a later
 * catch_up_serve(); false if waiting is of no use. */
bool catch_up_ask(struct catch_up *catch_up, struct catch_up_wait *wait);

/* Does not wait any more; no matter whether it did. */
void catch_up_leave(struct catch_up *catch_up, struct catch_up_wait *wait);
