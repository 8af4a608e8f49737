/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Servers that log the address in one message, and the login in another. */

#include <stdio.h>

#include "check.h"
#include "table-support.h"

#define A "192.0.2.10"
#define B "192.0.2.11"

static struct addr addr_of_session(const struct stage *stage, const char *key)
{
    struct session session = { 0 };

    check_int(key, map_get_session(stage->map, key, &session), 0);
    return session.addr;
}

static void test_connect_and_login(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event event = stage_event(stage, stage->two_line, EVENT_CONNECT, A, "812");
    struct change change = stage_apply(stage, &event);
    struct addr addr = addr_from(A);

    check_int("connect", change.kind, CHANGE_CONNECT);
    check_int("from", addr_compare(&change.addr, &addr), 0);
    check_unsigned("pending", stage_sessions(stage, SESSION_PENDING), 1);
    check_unsigned("none is open", table_session_count(stage->table), 0);
    check_unsigned("nobody is allowed", count_records(stage->map), 0);
    check_unsigned("nothing to wait for", table_next_usec(stage->table), UINT64_MAX);
    stage_check_invariants(stage);
    stage_pass(stage, START + MINUTE);
    event = stage_event(stage, stage->two_line, EVENT_LOGIN, NULL, "812");
    change = stage_apply(stage, &event);
    check_int("login", change.kind, CHANGE_ALLOW);
    check_int("from", addr_compare(&change.addr, &addr), 0);
    stage_check(stage, "open", A, START + MINUTE + MAX_SESSION, 1);
    check_unsigned("not pending", stage_sessions(stage, SESSION_PENDING), 0);
    check_int("logout", stage_do(stage, stage->two_line, EVENT_LOGOUT, NULL, "812"), CHANGE_LOGOUT);
    stage_check(stage, "closed", A, START + MINUTE + GRACE, 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* Many clients at once, the second lines in another order than the first, and a restart between. */
static void test_interleaved(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    char session[16], text[16];

    for (unsigned i = 0; i < 100; i++) {
        snprintf(session, sizeof(session), "%u", i);
        snprintf(text, sizeof(text), "192.0.2.%u", i);
        check_int(session, stage_do(stage, stage->two_line, EVENT_CONNECT, text, session),
                  CHANGE_CONNECT);
    }
    stage_restart(stage);
    for (unsigned i = 0; i < 100; i++) {
        unsigned number = i * 37 % 100;
        struct event event;
        struct change change;
        struct addr addr;

        snprintf(session, sizeof(session), "%u", number);
        snprintf(text, sizeof(text), "192.0.2.%u", number);
        addr = addr_from(text);
        event = stage_event(stage, stage->two_line, EVENT_LOGIN, NULL, session);
        change = stage_apply(stage, &event);
        check_int(session, change.kind, CHANGE_ALLOW);
        check_int(session, addr_compare(&change.addr, &addr), 0);
    }
    check_unsigned("pending", stage_sessions(stage, SESSION_PENDING), 0);
    check_unsigned("open", stage_sessions(stage, SESSION_OPEN), 100);
    stage_check_invariants(stage);
    stage_free(stage);
}

static void test_login_without_connect(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event event;

    check_int("none", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "812"), CHANGE_UNKNOWN);
    stage_do(stage, stage->two_line, EVENT_CONNECT, A, "812");
    check_int("other id", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "813"),
              CHANGE_UNKNOWN);
    check_int("other rule", stage_do(stage, stage->imap, EVENT_LOGIN, NULL, "812"), CHANGE_UNKNOWN);
    check_int("no id", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, NULL), CHANGE_UNKNOWN);
    event = stage_event(stage, stage->two_line, EVENT_LOGIN, NULL, "812");
    snprintf(event.invocation, sizeof(event.invocation), "run2");
    check_int("N11: other run", stage_apply(stage, &event).kind, CHANGE_UNKNOWN);
    check_unsigned("nobody", count_records(stage->map), 0);
    check_unsigned("the last run's connection is gone", stage_sessions(stage, SESSION_PENDING), 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

static void test_connect_without_session(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event event = stage_event(stage, stage->two_line, EVENT_CONNECT, A, "812");

    check_int("no id", stage_do(stage, stage->two_line, EVENT_CONNECT, A, NULL), CHANGE_UNKNOWN);
    event.invocation[0] = 0;
    check_int("no run", stage_apply(stage, &event).kind, CHANGE_UNKNOWN);
    check_unsigned("nothing", stage_sessions(stage, SESSION_PENDING), 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* Connected, and gone without a login. */
static void test_connect_and_fail(void **state)
{
    static const enum event_kind ends[] = { EVENT_FAIL, EVENT_LOGOUT };

    for (size_t i = 0; i < 2; i++) {
        struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
        struct event event;
        struct change change;
        struct addr addr = addr_from(A);

        stage_do(stage, stage->two_line, EVENT_CONNECT, A, "812");
        event = stage_event(stage, stage->two_line, ends[i], NULL, "812");
        change = stage_apply(stage, &event);
        check_int("ended", change.kind, CHANGE_FAIL);
        check_int("whose", addr_compare(&change.addr, &addr), 0);
        check_unsigned("nothing", stage_sessions(stage, SESSION_PENDING), 0);
        check_int("again", stage_do(stage, stage->two_line, ends[i], NULL, "812"), CHANGE_UNKNOWN);
        check_int("login", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "812"),
                  CHANGE_UNKNOWN);
        check_unsigned("nobody", count_records(stage->map), 0);
        stage_check_invariants(stage);
        stage_free(stage);
    }
}

/* N11: the process serves somebody else by now. */
static void test_connect_again(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct addr b = addr_from(B), of_map;

    stage_do(stage, stage->two_line, EVENT_CONNECT, A, "812");
    check_int("again", stage_do(stage, stage->two_line, EVENT_CONNECT, B, "812"), CHANGE_CONNECT);
    of_map = addr_of_session(stage, "@two-line/run1/812");
    check_int("the later one", addr_compare(&of_map, &b), 0);
    check_unsigned("one", stage_sessions(stage, SESSION_PENDING), 1);
    check_int("login", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "812"), CHANGE_ALLOW);
    stage_check(stage, "not the first", A, 0, 0);
    stage_pass(stage, START + HOUR);
    check_int("again", stage_do(stage, stage->two_line, EVENT_CONNECT, A, "812"), CHANGE_CONNECT);
    stage_check(stage, "the session has ended", B, START + HOUR + GRACE, 0);
    check_unsigned("none is open", table_session_count(stage->table), 0);
    check_unsigned("one is pending", stage_sessions(stage, SESSION_PENDING), 1);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* An address of its own goes before the connection's. */
static void test_login_with_address(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    stage_do(stage, stage->two_line, EVENT_CONNECT, A, "812");
    check_int("login", stage_do(stage, stage->two_line, EVENT_LOGIN, B, "812"), CHANGE_ALLOW);
    stage_check(stage, "not the first", A, 0, 0);
    stage_check(stage, "its own", B, START + MAX_SESSION, 1);
    check_unsigned("not pending", stage_sessions(stage, SESSION_PENDING), 0);
    check_int("add", networks_add(stage->never, A, strlen(A)), 0);
    stage_do(stage, stage->two_line, EVENT_CONNECT, A, "813");
    check_int("excluded", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "813"),
              CHANGE_IGNORE_NEVER);
    check_unsigned("not pending", stage_sessions(stage, SESSION_PENDING), 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* A rule with Connect= but no Logout= ties the two lines together, and follows nothing. */
static void test_no_logout(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    rule_clear_patterns(stage->two_line, EVENT_LOGOUT);
    stage_do(stage, stage->two_line, EVENT_CONNECT, A, "812");
    check_int("login", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "812"), CHANGE_ALLOW);
    stage_check(stage, "its grace", A, START + GRACE, 0);
    check_unsigned("not pending", stage_sessions(stage, SESSION_PENDING), 0);
    check_unsigned("not open", stage_sessions(stage, SESSION_OPEN), 0);
    check_int("once", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "812"), CHANGE_UNKNOWN);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* A connection waits for half an hour by the entries' own clock. */
static void test_pending_age(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct event login = stage_event(stage, stage->two_line, EVENT_LOGIN, NULL, "1");

    stage_do(stage, stage->two_line, EVENT_CONNECT, A, "1");
    stage_do(stage, stage->two_line, EVENT_CONNECT, B, "2");
    stage_pass(stage, START + PENDING_USEC - 1);
    check_int("just in time", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "2"),
              CHANGE_ALLOW);
    stage_pass(stage, START + PENDING_USEC);
    check_int("too late", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "1"), CHANGE_UNKNOWN);
    check_unsigned("forgotten", stage_sessions(stage, SESSION_PENDING), 0);

    /* The journal is read hours after the login, which was in time. */
    stage_do(stage, stage->two_line, EVENT_CONNECT, A, "1");
    login.time_usec = stage->now + MINUTE;
    stage_pass(stage, stage->now + 6 * HOUR);
    stage_restart(stage);
    check_int("it was in time", stage_apply(stage, &login).kind, CHANGE_ALLOW);
    stage_check_invariants(stage);
    stage_free(stage);
}

static void connect_number(struct stage *stage, unsigned number)
{
    char session[16];

    snprintf(session, sizeof(session), "%u", number);
    stage->now++;
    check_int(session, stage_do(stage, stage->two_line, EVENT_CONNECT, A, session), CHANGE_CONNECT);
}

/* So many connections wait at a time; the oldest goes first, and only when one more comes. */
static void test_pending_number(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    for (unsigned i = 0; i < PENDING_MAX; i++)
        connect_number(stage, i);
    check_int("all are there", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "0"),
              CHANGE_ALLOW);
    check_unsigned("one less", stage_sessions(stage, SESSION_PENDING), PENDING_MAX - 1);
    connect_number(stage, PENDING_MAX);
    check_unsigned("full", stage_sessions(stage, SESSION_PENDING), PENDING_MAX);
    check_int("the oldest", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "1"),
              CHANGE_EXTEND);
    connect_number(stage, PENDING_MAX + 1);
    connect_number(stage, PENDING_MAX + 2);
    check_unsigned("no more", stage_sessions(stage, SESSION_PENDING), PENDING_MAX);
    check_int("the oldest went", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "2"),
              CHANGE_UNKNOWN);
    check_int("the next did not", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "3"),
              CHANGE_EXTEND);
    /* The same one again needs no room. */
    connect_number(stage, PENDING_MAX + 3);
    connect_number(stage, PENDING_MAX + 3);
    check_int("none went for it", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "4"),
              CHANGE_EXTEND);
    stage_free(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect_and_login),
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_login_without_connect),
        cmocka_unit_test(test_connect_without_session),
        cmocka_unit_test(test_connect_and_fail),
        cmocka_unit_test(test_connect_again),
        cmocka_unit_test(test_login_with_address),
        cmocka_unit_test(test_no_logout),
        cmocka_unit_test(test_pending_age),
        cmocka_unit_test(test_pending_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
