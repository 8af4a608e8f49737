/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "check.h"
#include "core/duration.h"
#include "lookup/rounds.h"
#include "random.h"

#define TIMEOUT 100000
#define START   (1000 * USEC_PER_SEC)

static struct rounds new_rounds(void)
{
    return (struct rounds){ 0 };
}

/* Takes out all that are settled, and checks that they are those, in this order. */
static void check_settled(const char *what, struct rounds *rounds,
                          struct rounds_wait *const *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rounds_wait *wait = rounds_take_settled(rounds);

        if (wait != wanted[i])
            fail_msg("%s: number %zu of the settled ones is another", what, i);
        check_int(what, wait->state, ROUNDS_WAIT_NONE);
    }
    check_true(what, !rounds_take_settled(rounds));
}

#define check_all_settled(what, rounds, ...)                                                       \
    check_settled(what, rounds, (struct rounds_wait *const[]){ __VA_ARGS__ },                      \
                  sizeof((struct rounds_wait *const[]){ __VA_ARGS__ }) /                           \
                      sizeof(struct rounds_wait *))

#define check_none_settled(what, rounds) check_settled(what, rounds, NULL, 0)

static void an_answer_settles_those_who_came_before_its_request(void **state)
{
    struct rounds rounds = new_rounds();
    struct rounds_wait a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };

    rounds_init(&rounds, TIMEOUT);
    check_true("nobody", !rounds_want_request(&rounds, START));
    check_true("a", rounds_join(&rounds, &a, START));
    check_true("b", rounds_join(&rounds, &b, START + 1));
    check_true("a and b", rounds_want_request(&rounds, START + 1));
    check_unsigned("first", rounds_begin(&rounds, START + 2), 1);
    check_true("c", rounds_join(&rounds, &c, START + 3));
    check_true("one at a time", !rounds_want_request(&rounds, START + 3));
    check_int("first", rounds_end(&rounds, 1, TIMEOUT, START + 50), ROUNDS_IN_TIME);
    check_all_settled("first", &rounds, &a, &b);

    check_true("d", rounds_join(&rounds, &d, START + 60));
    check_true("c and d", rounds_want_request(&rounds, START + 60));
    check_unsigned("second", rounds_begin(&rounds, START + 61), 2);
    check_int("second", rounds_end(&rounds, 2, TIMEOUT, START + 70), ROUNDS_IN_TIME);
    check_all_settled("second", &rounds, &c, &d);
    check_true("nobody left", !rounds_want_request(&rounds, START + 70));
    check_unsigned("nobody left", rounds_next_usec(&rounds), UINT64_MAX);
}

static void nobody_waits_for_longer_than_the_time_out(void **state)
{
    struct rounds rounds = new_rounds();
    struct rounds_wait a = { 0 }, b = { 0 }, c = { 0 };

    rounds_init(&rounds, TIMEOUT);
    rounds_join(&rounds, &a, START);
    rounds_begin(&rounds, START);
    rounds_join(&rounds, &b, START + 20000);
    rounds_end(&rounds, 1, TIMEOUT, START + 90000);
    check_all_settled("in time", &rounds, &a);
    rounds_begin(&rounds, START + 90000);
    rounds_join(&rounds, &c, START + 95000);

    /* That it waited for the one before, too, does not make this one late. */
    check_unsigned("b is next", rounds_next_usec(&rounds), START + 20000 + TIMEOUT);
    check_true("too early", !rounds_expire(&rounds, START + 20000 + TIMEOUT - 1));
    check_none_settled("too early", &rounds);
    check_true("b", !rounds_expire(&rounds, START + 20000 + TIMEOUT));
    check_all_settled("b", &rounds, &b);
    check_unsigned("the request is next", rounds_next_usec(&rounds), START + 90000 + TIMEOUT);
    check_int("in time for c", rounds_end(&rounds, 2, TIMEOUT, START + 150000), ROUNDS_IN_TIME);
    check_none_settled("c waits for the third", &rounds);
    check_true("c", rounds_want_request(&rounds, START + 150000));
}

static void a_time_out_lets_everybody_go_and_nobody_in(void **state)
{
    struct rounds rounds = new_rounds();
    struct rounds_wait a = { 0 }, b = { 0 }, c = { 0 };

    rounds_init(&rounds, TIMEOUT);
    rounds_join(&rounds, &a, START);
    rounds_begin(&rounds, START);
    rounds_join(&rounds, &b, START + TIMEOUT - 1);
    check_true("doubtful", rounds_expire(&rounds, START + TIMEOUT));
    check_all_settled("both", &rounds, &a, &b);
    check_true("said once", !rounds_expire(&rounds, START + TIMEOUT + 1));
    check_true("c", !rounds_join(&rounds, &c, START + TIMEOUT));
    check_int("c", c.state, ROUNDS_WAIT_NONE);
    check_true("not before it has answered",
               !rounds_want_request(&rounds, START + 1000 * USEC_PER_SEC));
    check_unsigned("no timer", rounds_next_usec(&rounds), UINT64_MAX);
}

/* Makes a request that is answered late, by so much; returns the time of the answer. */
static uint64_t be_late(struct rounds *rounds, uint64_t usec)
{
    uint64_t number = rounds_begin(rounds, usec);

    (void)rounds_expire(rounds, usec + TIMEOUT);
    check_int("late", rounds_end(rounds, number, TIMEOUT, usec + TIMEOUT), ROUNDS_LATE);
    return usec + TIMEOUT;
}

static void an_answer_in_time_ends_the_doubt(void **state)
{
    struct rounds rounds = new_rounds();
    struct rounds_wait a = { 0 };
    uint64_t usec;

    rounds_init(&rounds, TIMEOUT);
    usec = be_late(&rounds, START);
    check_true("still in doubt", !rounds_join(&rounds, &a, usec));
    check_true("asked at once", rounds_want_request(&rounds, usec));
    check_unsigned("second", rounds_begin(&rounds, usec), 2);
    check_int("second", rounds_end(&rounds, 2, TIMEOUT, usec + 10), ROUNDS_IN_TIME);
    check_true("a", rounds_join(&rounds, &a, usec + 10));
    check_true("a", rounds_want_request(&rounds, usec + 10));
}

static void one_that_stays_late_is_asked_less_and_less(void **state)
{
    static const uint64_t pauses[] = { 0, 1, 2, 4, 8, 16, 30, 30, 30 };
    struct rounds rounds = new_rounds();
    uint64_t usec = START;

    rounds_init(&rounds, TIMEOUT);
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        usec = be_late(&rounds, usec);
        if (pauses[i] > 0)
            check_true("pause", !rounds_want_request(&rounds, usec + pauses[i] * USEC_PER_SEC - 1));
        usec += pauses[i] * USEC_PER_SEC;
        check_true("over", rounds_want_request(&rounds, usec));
    }
    rounds_end(&rounds, rounds_begin(&rounds, usec), TIMEOUT, usec + 1);
    usec = be_late(&rounds, usec + 1);
    check_true("all is forgiven", rounds_want_request(&rounds, usec));
}

/* The timer may run late, so that it is the answer that comes first. */
static void a_late_answer_before_the_timer(void **state)
{
    struct rounds rounds = new_rounds();
    struct rounds_wait a = { 0 }, b = { 0 }, c = { 0 };

    rounds_init(&rounds, TIMEOUT);
    rounds_join(&rounds, &a, START);
    rounds_begin(&rounds, START);
    rounds_join(&rounds, &b, START + 10);
    check_int("late", rounds_end(&rounds, 1, TIMEOUT, START + TIMEOUT), ROUNDS_LATE);
    check_all_settled("both", &rounds, &a, &b);
    check_true("doubtful", !rounds_join(&rounds, &c, START + TIMEOUT));
}

static void answers_to_other_requests_are_none(void **state)
{
    struct rounds rounds = new_rounds();
    struct rounds_wait a = { 0 };

    rounds_init(&rounds, TIMEOUT);
    check_int("none was made", rounds_end(&rounds, 0, 1, START), ROUNDS_UNASKED);
    check_int("none was made", rounds_end(&rounds, 1, 1, START), ROUNDS_UNASKED);
    rounds_join(&rounds, &a, START);
    rounds_begin(&rounds, START);
    rounds_end(&rounds, 1, TIMEOUT, START + 1);
    check_int("again", rounds_end(&rounds, 1, 1, START + 1), ROUNDS_UNASKED);
    check_all_settled("a", &rounds, &a);
    rounds_join(&rounds, &a, START + 2);
    rounds_begin(&rounds, START + 2);
    check_int("the first", rounds_end(&rounds, 1, 1, START + 3), ROUNDS_UNASKED);
    check_int("the third", rounds_end(&rounds, 3, 1, START + 3), ROUNDS_UNASKED);
    check_none_settled("a", &rounds);
    check_unsigned("time-out", rounds.timeout_usec, TIMEOUT);
}

static void a_broken_connection_settles_all_and_rests(void **state)
{
    struct rounds rounds = new_rounds();
    struct rounds_wait a = { 0 }, b = { 0 }, c = { 0 };
    uint64_t usec = START + 10;

    rounds_init(&rounds, TIMEOUT);
    rounds_join(&rounds, &a, START);
    rounds_begin(&rounds, START);
    rounds_join(&rounds, &b, START);
    rounds_break(&rounds, usec);
    check_all_settled("both", &rounds, &a, &b);
    check_true("rest", !rounds_join(&rounds, &c, usec + 99999));
    check_true("rest", !rounds_want_request(&rounds, usec + 99999));
    check_true("over", rounds_join(&rounds, &c, usec + 100000));
    check_true("over", rounds_want_request(&rounds, usec + 100000));
    check_unsigned("a new number", rounds_begin(&rounds, usec + 100000), 2);

    /* Whoever is there next is not the one that was in doubt. */
    rounds_expire(&rounds, usec + 100000 + TIMEOUT);
    check_true("doubtful", rounds.is_doubtful);
    rounds_break(&rounds, usec + 300000);
    check_all_settled("c", &rounds, &c);
    check_true("c", rounds_join(&rounds, &c, usec + 400000));
}

static void the_time_out_is_the_one_that_was_told_last(void **state)
{
    struct rounds rounds = new_rounds();
    struct rounds_wait a = { 0 };

    rounds_init(&rounds, TIMEOUT);
    rounds_begin(&rounds, START);
    check_int("in time", rounds_end(&rounds, 1, 5000, START + 50000), ROUNDS_IN_TIME);
    rounds_join(&rounds, &a, START + 60000);
    check_unsigned("short", rounds_next_usec(&rounds), START + 65000);
    rounds_begin(&rounds, START + 60000);
    check_true("short", rounds_expire(&rounds, START + 65000));
}

static void leaving(void **state)
{
    struct rounds rounds = new_rounds();
    struct rounds_wait a = { 0 }, b = { 0 }, c = { 0 };

    rounds_init(&rounds, TIMEOUT);
    rounds_leave(&rounds, &a);
    rounds_join(&rounds, &a, START);
    rounds_join(&rounds, &b, START);
    rounds_join(&rounds, &c, START);
    rounds_leave(&rounds, &b);
    rounds_begin(&rounds, START);
    rounds_end(&rounds, 1, TIMEOUT, START + 1);
    rounds_leave(&rounds, &a);
    check_all_settled("c", &rounds, &c);
    rounds_join(&rounds, &a, START + 2);
    rounds_leave(&rounds, &a);
    check_true("nobody", !rounds_want_request(&rounds, START + 2));
    rounds_leave(&rounds, &a);
}

#define N_WAITS 16

/* Whatever happens in whatever order: nobody is forgotten, or waits for longer than the time-out,
 * or is settled by a request that was sent before it came. */
static void at_random(void **state)
{
    struct rounds rounds = new_rounds();
    struct rounds_wait waits[N_WAITS] = { 0 }, *wait;
    uint64_t usec = START;

    rounds_init(&rounds, TIMEOUT);
    for (unsigned step = 0; step < 200000; step++) {
        uint64_t before = usec;

        wait = &waits[random_below(N_WAITS)];
        usec += random_below(8) == 0 ? random_below(2 * TIMEOUT) : random_below(1000);
        if (rounds_next_usec(&rounds) <= usec) {
            /* The loop would have been woken then. */
            usec = rounds_next_usec(&rounds) > before ? rounds_next_usec(&rounds) : before;
            (void)rounds_expire(&rounds, usec);
            check_true("time goes on", rounds_next_usec(&rounds) > usec);
        }
        switch (random_below(8)) {
        case 0:
        case 1:
        case 2:
            if (wait->state == ROUNDS_WAIT_NONE && rounds_join(&rounds, wait, usec))
                check_unsigned("joined", wait->number, rounds.number + 1);
            break;
        case 3:
        case 4:
            if (rounds_want_request(&rounds, usec))
                (void)rounds_begin(&rounds, usec);
            break;
        case 5:
            if (rounds.is_asked)
                check_true("asked",
                           rounds_end(&rounds, rounds.number, TIMEOUT, usec) != ROUNDS_UNASKED);
            break;
        case 6:
            rounds_leave(&rounds, wait);
            break;
        case 7:
            if (random_below(16) == 0)
                rounds_break(&rounds, usec);
            break;
        }
        TAILQ_FOREACH(wait, &rounds.waiting, entries) {
            check_true("not too long", usec < wait->since_usec + TIMEOUT);
            check_true("nobody waits for one in doubt", !rounds.is_doubtful);
            check_true("not answered yet", wait->number > rounds.number ||
                                               (rounds.is_asked && wait->number == rounds.number));
        }
        if (random_below(2) == 0)
            (void)rounds_take_settled(&rounds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_settles_those_who_came_before_its_request),
        cmocka_unit_test(nobody_waits_for_longer_than_the_time_out),
        cmocka_unit_test(a_time_out_lets_everybody_go_and_nobody_in),
        cmocka_unit_test(an_answer_in_time_ends_the_doubt),
        cmocka_unit_test(one_that_stays_late_is_asked_less_and_less),
        cmocka_unit_test(a_late_answer_before_the_timer),
        cmocka_unit_test(answers_to_other_requests_are_none),
        cmocka_unit_test(a_broken_connection_settles_all_and_rests),
        cmocka_unit_test(the_time_out_is_the_one_that_was_told_last),
        cmocka_unit_test(leaving),
        cmocka_unit_test_setup(at_random, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
