/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of those who wait is in order both of the request that settles them and of the time when
 * they have waited long enough, so that what is to be settled always stands in front. */

#include "rounds.h"

#include <stddef.h>

#include "core/duration.h"

/* A connection that cannot be made costs some microseconds; this makes them none. */
#define REST_USEC (100 * USEC_PER_SEC / 1000)

/* A watcher that is always late is asked less and less often whether it still is. */
#define PAUSE_FIRST_USEC USEC_PER_SEC
#define PAUSE_MOST_USEC  (30 * USEC_PER_SEC)

void rounds_init(struct rounds *rounds, uint64_t timeout_usec)
{
    *rounds = (struct rounds){ .timeout_usec = timeout_usec };
    TAILQ_INIT(&rounds->waiting);
    TAILQ_INIT(&rounds->settled);
}

bool rounds_join(struct rounds *rounds, struct rounds_wait *wait, uint64_t now_usec)
{
    if (rounds->is_doubtful || now_usec < rounds->rest_usec)
        return false;
    wait->number = rounds->number + 1;
    wait->since_usec = now_usec;
    wait->state = ROUNDS_WAIT_WAITING;
    TAILQ_INSERT_TAIL(&rounds->waiting, wait, entries);
    return true;
}

void rounds_leave(struct rounds *rounds, struct rounds_wait *wait)
{
    switch (wait->state) {
    case ROUNDS_WAIT_NONE:
        return;
    case ROUNDS_WAIT_WAITING:
        TAILQ_REMOVE(&rounds->waiting, wait, entries);
        break;
    case ROUNDS_WAIT_SETTLED:
        TAILQ_REMOVE(&rounds->settled, wait, entries);
        break;
    }
    wait->state = ROUNDS_WAIT_NONE;
}

bool rounds_want_request(const struct rounds *rounds, uint64_t now_usec)
{
    if (rounds->is_asked || now_usec < rounds->rest_usec)
        return false;
    return rounds->is_doubtful || !TAILQ_EMPTY(&rounds->waiting);
}

uint64_t rounds_begin(struct rounds *rounds, uint64_t now_usec)
{
    rounds->is_asked = true;
    rounds->sent_usec = now_usec;
    return ++rounds->number;
}

static void settle_first(struct rounds *rounds)
{
    struct rounds_wait *wait = TAILQ_FIRST(&rounds->waiting);

    TAILQ_REMOVE(&rounds->waiting, wait, entries);
    TAILQ_INSERT_TAIL(&rounds->settled, wait, entries);
    wait->state = ROUNDS_WAIT_SETTLED;
}

static void settle_all(struct rounds *rounds)
{
    while (!TAILQ_EMPTY(&rounds->waiting))
        settle_first(rounds);
}

static void grow_pause(struct rounds *rounds, uint64_t now_usec)
{
    /* After the first one the watcher is asked again at once: it may just have been woken. */
    rounds->rest_usec = now_usec + rounds->pause_usec;
    rounds->pause_usec = rounds->pause_usec > 0 ? 2 * rounds->pause_usec : PAUSE_FIRST_USEC;
    if (rounds->pause_usec > PAUSE_MOST_USEC)
        rounds->pause_usec = PAUSE_MOST_USEC;
}

enum rounds_answer rounds_end(struct rounds *rounds, uint64_t number, uint64_t timeout_usec,
                              uint64_t now_usec)
{
    struct rounds_wait *first;
    bool in_time = now_usec - rounds->sent_usec < rounds->timeout_usec;

    if (!rounds->is_asked || number != rounds->number)
        return ROUNDS_UNASKED;
    rounds->is_asked = false;
    rounds->timeout_usec = timeout_usec;
    while ((first = TAILQ_FIRST(&rounds->waiting)) && first->number <= number)
        settle_first(rounds);
    rounds->is_doubtful = !in_time;
    if (in_time) {
        rounds->pause_usec = 0;
        return ROUNDS_IN_TIME;
    }
    settle_all(rounds);
    grow_pause(rounds, now_usec);
    return ROUNDS_LATE;
}

void rounds_break(struct rounds *rounds, uint64_t now_usec)
{
    settle_all(rounds);
    rounds->is_asked = rounds->is_doubtful = false;
    rounds->pause_usec = 0;
    rounds->rest_usec = now_usec + REST_USEC;
}

bool rounds_expire(struct rounds *rounds, uint64_t now_usec)
{
    struct rounds_wait *first;

    while ((first = TAILQ_FIRST(&rounds->waiting)) &&
           now_usec >= first->since_usec + rounds->timeout_usec)
        settle_first(rounds);
    if (!rounds->is_asked || rounds->is_doubtful ||
        now_usec < rounds->sent_usec + rounds->timeout_usec)
        return false;
    rounds->is_doubtful = true;
    settle_all(rounds);
    return true;
}

uint64_t rounds_next_usec(const struct rounds *rounds)
{
    const struct rounds_wait *first = TAILQ_FIRST(&rounds->waiting);
    uint64_t begin_usec = UINT64_MAX;

    if (first)
        begin_usec = first->since_usec;
    /* Those that the request was sent for may have left. */
    if (rounds->is_asked && !rounds->is_doubtful && rounds->sent_usec < begin_usec)
        begin_usec = rounds->sent_usec;
    return begin_usec == UINT64_MAX ? UINT64_MAX : begin_usec + rounds->timeout_usec;
}

bool rounds_have_settled(const struct rounds *rounds)
{
    return !TAILQ_EMPTY(&rounds->settled);
}

struct rounds_wait *rounds_take_settled(struct rounds *rounds)
{
    struct rounds_wait *wait = TAILQ_FIRST(&rounds->settled);

    if (wait)
        rounds_leave(rounds, wait);
    return wait;
}
