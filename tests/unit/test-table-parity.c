/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the predecessor got wrong about sessions; the numbers are those of its defects. */

#include <stdio.h>

#include "check.h"
#include "random.h"
#include "store/table-private.h"
#include "table-support.h"

#define A "192.0.2.10"
#define B "192.0.2.11"

/* N2: ten thousand logins with their logouts leave nothing behind. */
static void test_N2_ten_thousand_pairs_leave_no_session(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    char session[16], addr[16];

    for (unsigned i = 0; i < 10000; i++) {
        snprintf(session, sizeof(session), "s%u", i);
        snprintf(addr, sizeof(addr), "192.0.2.%u", i % 7);
        stage_pass(stage, stage->now + random_below(MINUTE));
        check_true(session,
                   stage_do(stage, stage->imap, EVENT_LOGIN, addr, session) <= CHANGE_EXTEND);
        if (random_below(2))
            stage_pass(stage, stage->now + random_below(2 * HOUR));
        check_int(session, stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, session),
                  CHANGE_LOGOUT);
    }
    check_unsigned("sessions", table_session_count(stage->table), 0);
    check_unsigned("sessions in the map", stage_sessions(stage, SESSION_OPEN), 0);
    check_unsigned("holds", holds_count(stage->table->holds), 0);
    check_true("addresses", table_count(stage->table) <= 7);
    stage_check_invariants(stage);
    check_true("the last go", stage_pass(stage, stage->now + GRACE) <= 7);
    check_unsigned("nobody is left", table_count(stage->table), 0);
    check_unsigned("records", count_records(stage->map), 0);
    stage_free(stage);
}

/* N3: a failed login ends no session, and lets nobody in. */
static void test_N3_a_failed_login_is_no_logout(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    stage_do(stage, stage->two_line, EVENT_LOGIN, A, "s1");
    stage_pass(stage, START + HOUR);
    check_int("of the session", stage_do(stage, stage->two_line, EVENT_FAIL, A, "s1"),
              CHANGE_UNKNOWN);
    check_int("of another", stage_do(stage, stage->two_line, EVENT_FAIL, A, "s2"), CHANGE_UNKNOWN);
    check_int("of none", stage_do(stage, stage->two_line, EVENT_FAIL, A, NULL), CHANGE_UNKNOWN);
    check_int("of nobody", stage_do(stage, stage->two_line, EVENT_FAIL, B, "s3"), CHANGE_UNKNOWN);
    stage_check(stage, "as it was", A, START + MAX_SESSION, 1);
    stage_check(stage, "nobody", B, 0, 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* N4: a logout that never comes. */
static void test_N4_lost_logout_is_capped(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    check_unsigned("before", stage_pass(stage, START + MAX_SESSION - 1), 0);
    check_true("woken in time", table_next_usec(stage->table) <= START + MAX_SESSION);
    check_unsigned("over", stage_pass(stage, START + MAX_SESSION), 1);
    check_unsigned("gone", table_session_count(stage->table), 0);
    check_unsigned("gone", stage_sessions(stage, SESSION_OPEN), 0);
    check_int("late logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"),
              CHANGE_UNKNOWN);
    check_unsigned("nobody", count_records(stage->map), 0);
    stage_check_invariants(stage);

    /* The end of the longest takes nothing from a login of meanwhile. */
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s2");
    stage_pass(stage, stage->now + MAX_SESSION - MINUTE);
    stage_do(stage, stage->plain, EVENT_LOGIN, A, NULL);
    check_unsigned("capped", stage_pass(stage, stage->now + MINUTE), 0);
    stage_check(stage, "its own grace", A, stage->now - MINUTE + GRACE, 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* N4: a server that was killed logs no goodbyes; the next run of its unit says it all. */
static void test_N4_new_run_ends_sessions_of_its_unit(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event event;
    size_t ended = 0;

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s2");
    stage_do(stage, stage->pop, EVENT_LOGIN, B, "s1");
    stage_pass(stage, START + 2 * HOUR);
    event = stage_event(stage, stage->imap, EVENT_LOGIN, B, "s1");
    check_true("the same run", !table_is_new_run(stage->table, &event));
    event.invocation[0] = 0;
    check_true("not known", !table_is_new_run(stage->table, &event));
    snprintf(event.invocation, sizeof(event.invocation), "run2");
    check_true("another", table_is_new_run(stage->table, &event));
    check_int("begin", map_begin(stage->map), 0);
    check_int("end", table_end_run(stage->table, &event, stage->now, &ended), 0);
    check_int("commit", map_commit(stage->map), 0);
    check_unsigned("two", ended, 2);
    check_true("done", !table_is_new_run(stage->table, &event));
    stage_check(stage, "its grace", A, START + 2 * HOUR + GRACE, 0);
    stage_check(stage, "another unit's", B, START + MAX_SESSION / 2, 1);
    check_int("login", stage_apply(stage, &event).kind, CHANGE_EXTEND);
    check_int("the last run's session", stage_do(stage, stage->pop, EVENT_LOGOUT, NULL, "s2"),
              CHANGE_UNKNOWN);
    stage_check(stage, "both servers", B, START + 2 * HOUR + MAX_SESSION, 2);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* N11: ids of processes are given out again. */
static void test_N11_reused_id(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event event;

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "812");
    stage_pass(stage, START + HOUR);
    check_int("somebody else", stage_do(stage, stage->imap, EVENT_LOGIN, B, "812"), CHANGE_ALLOW);
    stage_check(stage, "the first has ended", A, START + HOUR + GRACE, 0);
    stage_check(stage, "the second is open", B, START + HOUR + MAX_SESSION, 1);
    check_unsigned("one", table_session_count(stage->table), 1);
    stage_pass(stage, START + HOUR + MINUTE);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "812"), CHANGE_LOGOUT);
    stage_check(stage, "the first stays", A, START + HOUR + GRACE, 0);
    stage_check(stage, "the second", B, START + HOUR + MINUTE + GRACE, 0);

    /* The same process in another run of the unit is another session. */
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "812");
    stage_pass(stage, START + 2 * HOUR);
    event = stage_event(stage, stage->imap, EVENT_LOGOUT, NULL, "812");
    snprintf(event.invocation, sizeof(event.invocation), "run2");
    check_int("of another", stage_apply(stage, &event).kind, CHANGE_UNKNOWN);
    stage_check(stage, "by its run", A, START + 2 * HOUR + GRACE, 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_N2_ten_thousand_pairs_leave_no_session, random_setup),
        cmocka_unit_test(test_N3_a_failed_login_is_no_logout),
        cmocka_unit_test(test_N4_lost_logout_is_capped),
        cmocka_unit_test(test_N4_new_run_ends_sessions_of_its_unit),
        cmocka_unit_test(test_N11_reused_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
