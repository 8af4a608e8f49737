/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An address with an open session stays allowed, and gets its grace after the last one closes. */

#include <stdio.h>

#include "check.h"
#include "table-support.h"

#define A "192.0.2.10"
#define B "192.0.2.11"

static void test_open_and_close(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event event = stage_event(stage, stage->imap, EVENT_LOGIN, A, "s1");
    struct change change = stage_apply(stage, &event);

    check_int("login", change.kind, CHANGE_ALLOW);
    check_true("in time", !change.is_late);
    check_unsigned("until the limit", change.record.expires_usec, START + MAX_SESSION);
    check_unsigned("one session", change.record.sessions, 1);
    stage_check(stage, "open", A, START + MAX_SESSION, 1);
    check_unsigned("grace is over, nobody goes", stage_pass(stage, START + 8 * HOUR), 0);

    event.kind = EVENT_LOGOUT;
    event.has_addr = false;
    event.time_usec = stage->now;
    event.user[0] = 0;
    change = stage_apply(stage, &event);
    check_int("logout", change.kind, CHANGE_LOGOUT);
    check_int("whose", addr_compare(&change.addr, &event.addr), 0);
    check_text("whose", change.record.user, "alice");
    check_text("whose", change.record.rule, "imap");
    check_unsigned("no session", change.record.sessions, 0);
    check_unsigned("until", change.record.expires_usec, START + 8 * HOUR + GRACE);
    stage_check(stage, "closed", A, START + 8 * HOUR + GRACE, 0);
    stage_check_invariants(stage);
    check_unsigned("still in", stage_pass(stage, START + 8 * HOUR + GRACE - 1), 0);
    check_true("woken in time", table_next_usec(stage->table) <= START + 8 * HOUR + GRACE);
    check_unsigned("over", stage_pass(stage, START + 8 * HOUR + GRACE), 1);
    check_unsigned("nothing to wait for", table_next_usec(stage->table), UINT64_MAX);
    stage_check_invariants(stage);
    stage_free(stage);
}

static void test_several_sessions(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    check_int("first", stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1"), CHANGE_ALLOW);
    stage_pass(stage, START + MINUTE);
    check_int("second", stage_do(stage, stage->imap, EVENT_LOGIN, A, "s2"), CHANGE_EXTEND);
    stage_check(stage, "both", A, START + MINUTE + MAX_SESSION, 2);
    stage_pass(stage, START + 5 * HOUR);
    check_int("first", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_LOGOUT);
    stage_check(stage, "one is left", A, START + MINUTE + MAX_SESSION, 1);
    stage_pass(stage, START + 6 * HOUR);
    check_int("second", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s2"), CHANGE_LOGOUT);
    stage_check(stage, "none is left", A, START + 6 * HOUR + GRACE, 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* B2: a logout never lets anybody in, and never takes twice. */
static void test_duplicate_and_unknown_logouts(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event other;

    check_int("nobody", stage_do(stage, stage->imap, EVENT_LOGOUT, A, "s1"), CHANGE_UNKNOWN);
    check_unsigned("nobody", count_records(stage->map), 0);
    check_int("login", stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1"), CHANGE_ALLOW);
    check_int("login", stage_do(stage, stage->imap, EVENT_LOGIN, A, "s2"), CHANGE_EXTEND);
    stage_pass(stage, START + HOUR);
    check_int("other id", stage_do(stage, stage->imap, EVENT_LOGOUT, A, "s3"), CHANGE_UNKNOWN);
    check_int("other rule", stage_do(stage, stage->pop, EVENT_LOGOUT, A, "s1"), CHANGE_UNKNOWN);
    other = stage_event(stage, stage->imap, EVENT_LOGOUT, A, NULL);
    other.ends_user = false;
    check_int("an id that is none", stage_apply(stage, &other).kind, CHANGE_UNKNOWN);
    stage_check(stage, "both are open", A, START + MAX_SESSION, 2);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_LOGOUT);
    check_int("again", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_UNKNOWN);
    stage_check(stage, "one is open", A, START + MAX_SESSION, 1);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s2"), CHANGE_LOGOUT);
    stage_pass(stage, START + HOUR + MINUTE);
    check_int("again", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s2"), CHANGE_UNKNOWN);
    stage_check(stage, "does not extend", A, START + HOUR + GRACE, 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

static void test_login_again(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event older;

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    stage_pass(stage, START + HOUR);
    check_int("again", stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1"), CHANGE_EXTEND);
    stage_check(stage, "extended", A, START + HOUR + MAX_SESSION, 1);
    check_int("without the address", stage_do(stage, stage->imap, EVENT_LOGIN, NULL, "s1"),
              CHANGE_EXTEND);
    check_unsigned("one", table_session_count(stage->table), 1);

    /* One that is read late takes nothing away. */
    older = stage_event(stage, stage->imap, EVENT_LOGIN, A, "s1");
    older.time_usec = START + MINUTE;
    check_int("older", stage_apply(stage, &older).kind, CHANGE_EXTEND);
    stage_check(stage, "as it was", A, START + HOUR + MAX_SESSION, 1);
    check_unsigned("not over", stage_pass(stage, START + HOUR + MAX_SESSION - 1), 0);
    check_unsigned("still open", table_session_count(stage->table), 1);
    stage_restart(stage);
    check_unsigned("over", stage_pass(stage, START + HOUR + MAX_SESSION), 1);
    stage_free(stage);
}

/* A login that names no session counts as ever. */
static void test_login_without_session(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event event = stage_event(stage, stage->imap, EVENT_LOGIN, A, "s1");

    event.invocation[0] = 0;
    check_int("no run", stage_apply(stage, &event).kind, CHANGE_ALLOW);
    stage_check(stage, "its grace", A, START + GRACE, 0);
    check_int("none", stage_do(stage, stage->imap, EVENT_LOGIN, B, NULL), CHANGE_ALLOW);
    stage_check(stage, "its grace", B, START + GRACE, 0);
    check_int("no Logout=", stage_do(stage, stage->plain, EVENT_LOGIN, A, "s1"), CHANGE_EXTEND);
    check_unsigned("none", table_session_count(stage->table), 0);
    check_int("neither", stage_do(stage, stage->imap, EVENT_LOGIN, NULL, NULL), CHANGE_UNKNOWN);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* Servers whose goodbye has only the name. */
static void test_logout_by_user(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event event;

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    stage_do(stage, stage->imap, EVENT_LOGIN, B, "s2");
    stage_do(stage, stage->pop, EVENT_LOGIN, A, "s3");
    event = stage_event(stage, stage->imap, EVENT_LOGIN, A, "s4");
    snprintf(event.user, sizeof(event.user), "bob");
    stage_apply(stage, &event);
    stage_pass(stage, START + HOUR);
    event.kind = EVENT_LOGOUT;
    event.session[0] = 0;
    event.ends_user = true;
    event.time_usec = stage->now;
    snprintf(event.unit, sizeof(event.unit), "other.service");
    check_int("another unit", stage_apply(stage, &event).kind, CHANGE_UNKNOWN);
    check_int("alice", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, NULL), CHANGE_LOGOUT);
    stage_check(stage, "bob, and the other rule", A, START + MAX_SESSION, 2);
    stage_check(stage, "all of hers", B, START + HOUR + GRACE, 0);
    check_int("again", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, NULL), CHANGE_UNKNOWN);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* These two have the same hash in the index. */
static void test_logout_by_user_with_same_hash(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event event = stage_event(stage, stage->imap, EVENT_LOGIN, A, "s1");

    snprintf(event.user, sizeof(event.user), "costarring");
    check_int("login", stage_apply(stage, &event).kind, CHANGE_ALLOW);
    event.kind = EVENT_LOGOUT;
    event.session[0] = 0;
    event.ends_user = true;
    snprintf(event.user, sizeof(event.user), "liquid");
    check_int("somebody else", stage_apply(stage, &event).kind, CHANGE_UNKNOWN);
    stage_check(stage, "open", A, START + MAX_SESSION, 1);
    stage_free(stage);
}

/* After the last has ended: its end plus grace, or what its latest login comes to, if later. */
static void test_mixed_graces(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    stage_do(stage, stage->pop, EVENT_LOGIN, A, "s2");
    stage_check(stage, "the longer limit", A, START + MAX_SESSION, 2);
    stage_pass(stage, START + MINUTE);
    check_int("the longer grace", stage_do(stage, stage->pop, EVENT_LOGOUT, NULL, "s2"),
              CHANGE_LOGOUT);
    stage_pass(stage, START + 2 * MINUTE);
    check_int("the shorter one", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"),
              CHANGE_LOGOUT);
    stage_check(stage, "the latest login", A, START + 3 * GRACE, 0);
    stage_pass(stage, START + HOUR);
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    stage_pass(stage, START + 2 * HOUR);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_LOGOUT);
    stage_check(stage, "the end", A, START + 2 * HOUR + GRACE, 0);
    stage_check_invariants(stage);

    /* A session that is limited to less than its grace. */
    rule_set_max_session(stage->imap, MINUTE);
    stage_do(stage, stage->imap, EVENT_LOGIN, B, "s9");
    stage_check(stage, "the grace", B, START + 2 * HOUR + GRACE, 1);
    stage_pass(stage, stage->now + MINUTE);
    stage_check(stage, "the grace", B, START + 2 * HOUR + GRACE, 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* Who was in before the session began stays so after it. */
static void test_session_after_login(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    stage_do(stage, stage->plain, EVENT_LOGIN, A, NULL);
    stage_pass(stage, START + MINUTE);
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    check_unsigned("its item comes due", stage_pass(stage, START + GRACE), 0);
    stage_check(stage, "held", A, START + MINUTE + MAX_SESSION, 1);
    stage_check_invariants(stage);
    stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1");
    stage_check_invariants(stage);
    check_unsigned("before", stage_pass(stage, START + 2 * GRACE - 1), 0);
    check_unsigned("over", stage_pass(stage, START + 2 * GRACE), 1);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* The journal is read long after it was written: whoever has no open session is not let in, and
 * goes without a word when the end is read. */
static void test_late_reading(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event login = stage_event(stage, stage->imap, EVENT_LOGIN, A, "s1");
    struct event logout = stage_event(stage, stage->imap, EVENT_LOGOUT, NULL, "s1");
    struct change change;

    login.time_usec = START - 2 * HOUR;
    logout.time_usec = START - HOUR;
    change = stage_apply(stage, &login);
    check_int("for all that is known", change.kind, CHANGE_ALLOW);
    check_true("late", change.is_late);
    change = stage_apply(stage, &logout);
    check_int("logout", change.kind, CHANGE_LOGOUT);
    check_unsigned("no record", change.record.expires_usec, 0);
    check_unsigned("none", count_records(stage->map), 0);
    check_unsigned("nothing expires", stage_pass(stage, START), 0);
    stage_check_invariants(stage);

    /* A session that is over its limit allows nobody; a grace that is not over does. */
    login.time_usec = START - MAX_SESSION;
    check_int("over", stage_apply(stage, &login).kind, CHANGE_STALE);
    check_unsigned("none", stage_sessions(stage, SESSION_OPEN), 0);
    login.time_usec = START - GRACE + 1;
    change = stage_apply(stage, &login);
    check_int("not over", change.kind, CHANGE_ALLOW);
    check_true("not late", !change.is_late);
    logout.time_usec = START - MINUTE;
    check_int("logout", stage_apply(stage, &logout).kind, CHANGE_LOGOUT);
    stage_check(stage, "its end", A, START - MINUTE + GRACE, 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* More sessions than MaxEntries= are not followed, and their logins count for the grace. */
static void test_sessions_are_bounded(void **state)
{
    struct stage *stage = stage_new(NULL, 3, 128);

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s2");
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s3");
    check_unsigned("all", table_unfollowed(stage->table), 0);
    stage_pass(stage, START + MINUTE);
    check_int("known", stage_do(stage, stage->imap, EVENT_LOGIN, A, "s4"), CHANGE_EXTEND);
    check_int("new", stage_do(stage, stage->imap, EVENT_LOGIN, B, "s5"), CHANGE_ALLOW);
    check_int("one that is open", stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1"),
              CHANGE_EXTEND);
    check_unsigned("two", table_unfollowed(stage->table), 2);
    stage_check(stage, "three", A, START + MINUTE + MAX_SESSION, 3);
    stage_check(stage, "grace", B, START + MINUTE + GRACE, 0);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s5"), CHANGE_UNKNOWN);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_LOGOUT);
    check_int("room", stage_do(stage, stage->imap, EVENT_LOGIN, B, "s5"), CHANGE_EXTEND);
    stage_check(stage, "followed", B, START + MINUTE + MAX_SESSION, 1);
    check_int("C", stage_do(stage, stage->plain, EVENT_LOGIN, "192.0.2.12", NULL), CHANGE_ALLOW);
    check_int("D", stage_do(stage, stage->imap, EVENT_LOGIN, "192.0.2.13", "s9"), CHANGE_REFUSE);
    check_unsigned("no session without an address", stage_sessions(stage, SESSION_OPEN), 3);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* Two clients in one network of IPv6Prefix=64. */
static void test_ipv6_groups(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 64);

    stage_do(stage, stage->imap, EVENT_LOGIN, "2001:db8::1", "s1");
    stage_do(stage, stage->imap, EVENT_LOGIN, "2001:db8::2", "s2");
    stage_do(stage, stage->imap, EVENT_LOGIN, "2001:db8:0:1::1", "s3");
    stage_check(stage, "both", "2001:db8::ffff", START + MAX_SESSION, 2);
    stage_restart(stage);
    stage_pass(stage, START + HOUR);
    check_int("first", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_LOGOUT);
    stage_check(stage, "second", "2001:db8::1", START + MAX_SESSION, 1);
    /* The session's own address counts, not the network's. */
    check_int("moved", stage_do(stage, stage->imap, EVENT_LOGIN, "2001:db8::3", "s2"),
              CHANGE_EXTEND);
    stage_check(stage, "moved", "2001:db8::1", START + HOUR + MAX_SESSION, 1);
    stage_pass(stage, START + 2 * HOUR);
    check_int("second", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s2"), CHANGE_LOGOUT);
    stage_check(stage, "closed", "2001:db8::1", START + 2 * HOUR + GRACE, 0);
    stage_check(stage, "neighbour", "2001:db8:0:1::ffff", START + MAX_SESSION, 1);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* Excluded addresses open nothing, and end what their id was before. */
static void test_ignored(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    check_int("add", networks_add(stage->local, "10.0.0.0/8", 10), 0);
    check_int("local", stage_do(stage, stage->imap, EVENT_LOGIN, "10.0.0.1", "s1"),
              CHANGE_IGNORE_LOCAL);
    check_unsigned("none", stage_sessions(stage, SESSION_OPEN), 0);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, "10.0.0.1", "s1"),
              CHANGE_UNKNOWN);
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    check_int("local", stage_do(stage, stage->imap, EVENT_LOGIN, "10.0.0.1", "s1"),
              CHANGE_IGNORE_LOCAL);
    stage_check(stage, "ended", A, START + GRACE, 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_and_close),
        cmocka_unit_test(test_several_sessions),
        cmocka_unit_test(test_duplicate_and_unknown_logouts),
        cmocka_unit_test(test_login_again),
        cmocka_unit_test(test_login_without_session),
        cmocka_unit_test(test_logout_by_user),
        cmocka_unit_test(test_logout_by_user_with_same_hash),
        cmocka_unit_test(test_mixed_graces),
        cmocka_unit_test(test_session_after_login),
        cmocka_unit_test(test_late_reading),
        cmocka_unit_test(test_sessions_are_bounded),
        cmocka_unit_test(test_ipv6_groups),
        cmocka_unit_test(test_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
