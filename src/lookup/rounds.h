/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* Who waits for which catch-up, and whether it is worth waiting at all. Times are monotonic, and an
 * argument; nothing here is ever waited for, or sent. There is one request at a time: those that
 * came before it was sent are settled by its answer, those that come later by the next one's.
 *
 * Nobody waits for longer than the time-out. A watcher that has missed it is in doubt: from then on
 * nobody waits, until it has answered a request in time that nobody waited for. */

struct rounds_wait {
    TAILQ_ENTRY(rounds_wait) entries;
    uint64_t number, since_usec;
    enum { ROUNDS_WAIT_NONE, ROUNDS_WAIT_WAITING, ROUNDS_WAIT_SETTLED } state;
};

TAILQ_HEAD(rounds_waits, rounds_wait);

struct rounds {
    struct rounds_waits waiting; /* in the order in which they came */
    struct rounds_waits settled;
    uint64_t number;       /* of the latest request */
    uint64_t sent_usec;    /* when it was sent */
    uint64_t timeout_usec; /* how long it may take */
    uint64_t rest_usec;    /* no request before this time */
    uint64_t pause_usec;   /* the length of the pause that the next late answer brings */
    bool is_asked;         /* it was not answered yet */
    bool is_doubtful;
};

enum rounds_answer {
    ROUNDS_IN_TIME,
    ROUNDS_LATE,
    ROUNDS_UNASKED, /* there is no such request: whoever says that cannot be believed */
};

void rounds_init(struct rounds *rounds, uint64_t timeout_usec);

/* Has `wait` wait for the next request's answer. Returns false if that is not worth while, and then
 * leaves it alone. */
bool rounds_join(struct rounds *rounds, struct rounds_wait *wait, uint64_t now_usec);

/* Takes `wait` out, wherever it is. */
void rounds_leave(struct rounds *rounds, struct rounds_wait *wait);

/* Whether a request should be sent now: somebody waits for it, or there is a doubt to be settled.
 */
bool rounds_want_request(const struct rounds *rounds, uint64_t now_usec);

/* A request goes out. Returns its number. */
uint64_t rounds_begin(struct rounds *rounds, uint64_t now_usec);

/* An answer came in, and with it the time-out for the following requests. */
enum rounds_answer rounds_end(struct rounds *rounds, uint64_t number, uint64_t timeout_usec,
                              uint64_t now_usec);

/* The connection is gone, or could not be made: settles everybody, and rests for a while. */
void rounds_break(struct rounds *rounds, uint64_t now_usec);

/* Settles those who have waited long enough. Returns true if it has just become doubtful whether
 * the watcher will ever answer. */
bool rounds_expire(struct rounds *rounds, uint64_t now_usec);

/* When rounds_expire() will have something to do; UINT64_MAX: never, as it looks now. */
uint64_t rounds_next_usec(const struct rounds *rounds);

bool rounds_have_settled(const struct rounds *rounds);

/* The one that was settled first, which it no longer is; NULL if there is none. */
struct rounds_wait *rounds_take_settled(struct rounds *rounds);
