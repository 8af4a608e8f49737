/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a table makes of the sessions that it finds in its map: after a restart, a failed
 * transaction, a reload of the configuration, a step of the clock, or damage. */

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "check.h"
#include "core/limits.h"
#include "table-support.h"
#include "temp-dir.h"

#define A "192.0.2.10"
#define B "192.0.2.11"

static void test_restart(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s2");
    stage_do(stage, stage->two_line, EVENT_CONNECT, B, "812");
    stage_pass(stage, START + 3 * HOUR);
    stage_restart(stage);
    stage_check(stage, "held", A, START + MAX_SESSION, 2);
    check_int("pending", stage_do(stage, stage->two_line, EVENT_LOGOUT, NULL, "812"), CHANGE_FAIL);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_LOGOUT);
    stage_restart(stage);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s2"), CHANGE_LOGOUT);
    stage_restart(stage);
    stage_check(stage, "closed", A, START + 3 * HOUR + GRACE, 0);
    check_unsigned("over", stage_pass(stage, START + 3 * HOUR + GRACE), 1);
    stage_check_invariants(stage);

    /* The watcher was away when the session's time was over. */
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s3");
    stage->now += 3 * MAX_SESSION;
    stage_restart(stage);
    check_true("due", table_next_usec(stage->table) <= stage->now);
    check_unsigned("over", stage_pass(stage, stage->now), 1);
    check_unsigned("none", stage_sessions(stage, SESSION_OPEN), 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* What a login by itself comes to is known after a restart as well. */
static void test_restart_keeps_grace(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    stage_do(stage, stage->pop, EVENT_LOGIN, A, "s1");
    stage_restart(stage);
    stage_do(stage, stage->imap, EVENT_LOGIN, B, "s1");
    stage_pass(stage, START + MINUTE);
    stage_do(stage, stage->pop, EVENT_LOGIN, B, "s2");
    stage_restart(stage);
    check_int("logout", stage_do(stage, stage->pop, EVENT_LOGOUT, NULL, "s2"), CHANGE_LOGOUT);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_LOGOUT);
    stage_check(stage, "its latest login", B, START + MINUTE + 3 * GRACE, 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* An earlier login's grace that lasts longer than the latest one's is known as well, and is not
 * kept for longer than it is needed. */
static void test_restart_keeps_longer_grace(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct addr addr = addr_from(A);
    uint64_t usec;

    stage_do(stage, stage->pop, EVENT_LOGIN, A, NULL);
    stage_pass(stage, START + MINUTE);
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    check_int("noted", map_get_grace(stage->map, &addr, &usec), 0);
    stage_restart(stage);
    stage_pass(stage, START + 2 * MINUTE);
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s2");
    stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1");
    stage_restart(stage);
    stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s2");
    stage_check(stage, "the earlier login's", A, START + 3 * GRACE, 0);
    check_int("forgotten", map_get_grace(stage->map, &addr, &usec), -ENOENT);

    /* A login that lasts longer makes it needless. */
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s3");
    check_int("noted", map_get_grace(stage->map, &addr, &usec), 0);
    stage_restart(stage);
    stage_do(stage, stage->pop, EVENT_LOGIN, A, "s4");
    check_int("needless", map_get_grace(stage->map, &addr, &usec), -ENOENT);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* Nobody ends the session any more, or the address is excluded, or the clock is set back. */
static void test_longer_grace_is_mended(void **state)
{
    struct addr addr = addr_from(A);
    uint64_t usec;

    for (int how = 0; how < 4; how++) {
        struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

        stage_do(stage, stage->pop, EVENT_LOGIN, A, NULL);
        stage_pass(stage, START + MINUTE);
        stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
        if (how == 1)
            check_int("add", networks_add(stage->never, A, strlen(A)), 0);
        else if (how < 3)
            rule_clear_patterns(stage->imap, EVENT_LOGOUT);
        if (how >= 2)
            stage->now = START - 1000 * HOUR;
        check_unsigned("removed", stage_reload(stage), how == 1);
        if (how == 0)
            stage_check(stage, "the earlier login's", A, START + 3 * GRACE, 0);
        else if (how == 1)
            stage_check(stage, "excluded", A, 0, 0);
        else if (how == 2)
            stage_check(stage, "from now on", A, stage->now + 3 * GRACE, 0);
        if (how == 3) {
            check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"),
                      CHANGE_LOGOUT);
            stage_check(stage, "from now on", A, stage->now + 3 * GRACE, 0);
        }
        check_int("forgotten", map_get_grace(stage->map, &addr, &usec), -ENOENT);
        stage_check_invariants(stage);
        stage_free(stage);
    }
}

static void test_cancelled(void **state)
{
    struct stage *stage = stage_new(temp_path("map.tdb"), MAX_ENTRIES, 128);
    struct event event;
    struct change change;

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    stage_do(stage, stage->two_line, EVENT_CONNECT, B, "812");
    stage->now += HOUR;
    check_int("begin", map_begin(stage->map), 0);
    event = stage_event(stage, stage->imap, EVENT_LOGOUT, NULL, "s1");
    check_int("logout", table_apply(stage->table, &event, stage->now, &change), 0);
    check_int("logout", change.kind, CHANGE_LOGOUT);
    event = stage_event(stage, stage->two_line, EVENT_CONNECT, B, "813");
    check_int("connect", table_apply(stage->table, &event, stage->now, &change), 0);
    event = stage_event(stage, stage->imap, EVENT_LOGIN, B, "s2");
    check_int("login", table_apply(stage->table, &event, stage->now, &change), 0);
    map_cancel(stage->map);
    check_true("nothing to mend", !stage_load(stage));
    stage_check_invariants(stage);
    stage_check(stage, "open", A, START + MAX_SESSION, 1);
    stage_check(stage, "not in", B, 0, 0);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_LOGOUT);
    check_int("not open", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s2"), CHANGE_UNKNOWN);
    check_int("not pending", stage_do(stage, stage->two_line, EVENT_FAIL, NULL, "813"),
              CHANGE_UNKNOWN);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* Nobody ends the sessions of such a rule any more. */
static void test_rule_lost(void **state)
{
    for (int how = 0; how < 3; how++) {
        struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
        struct rules *rules = stage->rules;

        stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
        stage_do(stage, stage->imap, EVENT_LOGIN, B, "s2");
        stage_do(stage, stage->pop, EVENT_LOGIN, B, "s3");
        stage_pass(stage, START + HOUR);
        if (how == 0)
            rule_set_enabled(stage->imap, false);
        else if (how == 1)
            rule_clear_patterns(stage->imap, EVENT_LOGOUT);
        else
            stage->rules = rules_new();
        check_true("beyond", stage_load(stage));
        check_unsigned("nobody is removed", stage_reload(stage), 0);
        stage_check(stage, "left its grace", A, START + HOUR + GRACE, 0);
        if (how < 2)
            stage_check(stage, "the other rule's", B, START + MAX_SESSION, 1);
        else
            stage_check(stage, "left its grace", B, START + HOUR + GRACE, 0);
        check_unsigned("expires", stage_pass(stage, START + HOUR + GRACE), how < 2 ? 1 : 2);
        stage_check_invariants(stage);
        if (how == 2)
            rules_free(rules);
        stage_free(stage);
    }
}

/* Connections wait for a rule with Connect= only. */
static void test_connect_lost(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    stage_do(stage, stage->two_line, EVENT_CONNECT, A, "812");
    stage_do(stage, stage->two_line, EVENT_LOGIN, B, "813");
    rule_clear_patterns(stage->two_line, EVENT_CONNECT);
    check_unsigned("nobody is removed", stage_reload(stage), 0);
    check_unsigned("not pending", stage_sessions(stage, SESSION_PENDING), 0);
    stage_check(stage, "open", B, START + MAX_SESSION, 1);
    stage_free(stage);
}

static void test_networks_excluded(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    stage_do(stage, stage->imap, EVENT_LOGIN, B, "s2");
    stage_pass(stage, START + HOUR);
    check_int("add", networks_add(stage->never, A, strlen(A)), 0);
    check_unsigned("one", stage_reload(stage), 1);
    stage_check(stage, "gone", A, 0, 0);
    stage_check(stage, "open", B, START + MAX_SESSION, 1);
    check_unsigned("its session is gone", stage_sessions(stage, SESSION_OPEN), 1);
    check_int("logout", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_UNKNOWN);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* One client of a group is excluded: its session goes, the group has what is left. */
static void test_part_of_group_excluded(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 64);

    stage_do(stage, stage->imap, EVENT_LOGIN, "2001:db8::1", "s1");
    stage_do(stage, stage->imap, EVENT_LOGIN, "2001:db8::2", "s2");
    stage_do(stage, stage->imap, EVENT_LOGIN, "2001:db8:1::1", "s3");
    stage_pass(stage, START + HOUR);
    check_int("add", networks_add(stage->local, "2001:db8::1", 11), 0);
    check_int("add", networks_add(stage->local, "2001:db8:1::1", 13), 0);
    check_unsigned("no whole group", stage_reload(stage), 0);
    stage_check(stage, "the other client's", "2001:db8::", START + MAX_SESSION, 1);
    stage_check(stage, "left its grace", "2001:db8:1::", START + HOUR + GRACE, 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

/* The clock was ahead, and then set right: the sessions count from then. */
static void test_clock_set_back(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    stage->now = START + 1000 * HOUR;
    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    stage_do(stage, stage->two_line, EVENT_CONNECT, B, "812");
    stage->now = START;
    check_true("beyond", stage_load(stage));
    check_unsigned("nobody is removed", stage_reload(stage), 0);
    check_unsigned("open", table_session_count(stage->table), 1);
    stage_pass(stage, START + HOUR);
    check_true("mended for good", !stage_load(stage));
    check_unsigned("over", stage_pass(stage, START + MAX_SESSION), 1);
    check_unsigned("none", stage_sessions(stage, SESSION_OPEN), 0);
    check_int("pending", stage_do(stage, stage->two_line, EVENT_LOGIN, NULL, "812"),
              CHANGE_UNKNOWN);

    /* A connection alone is reason enough. */
    stage->now += 1000 * HOUR;
    stage_do(stage, stage->two_line, EVENT_CONNECT, B, "813");
    stage->now -= 1000 * HOUR;
    check_true("beyond", stage_load(stage));
    stage_reload(stage);
    check_true("mended for good", !stage_load(stage));
    stage_free(stage);
}

/* A longer or shorter MaxSession= holds for those who are in already. */
static void test_limit_changed(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    stage_do(stage, stage->imap, EVENT_LOGIN, B, "s2");
    rule_set_max_session(stage->imap, 2 * HOUR);
    stage_reload(stage);
    check_unsigned("not yet", stage_pass(stage, START + 2 * HOUR - 1), 0);
    check_unsigned("over", stage_pass(stage, START + 2 * HOUR), 2);
    check_unsigned("none", stage_sessions(stage, SESSION_OPEN), 0);
    stage_check_invariants(stage);
    stage_free(stage);
}

static void put_session(struct stage *stage, const char *key, const struct session *session)
{
    check_int("begin", map_begin(stage->map), 0);
    check_int(key, map_put_session(stage->map, key, session), 0);
    check_int("commit", map_commit(stage->map), 0);
}

/* Sessions that cannot be read, are nobody's, or do not fit what their address says. */
static void test_damage(void **state)
{
    struct stage *stage = stage_new(NULL, MAX_ENTRIES, 128);
    struct session session = { .state = SESSION_OPEN, .since_usec = START, .unit = "u" };
    struct session unreadable = { .state = SESSION_OPEN, .since_usec = START };
    struct record record;
    struct addr addr = addr_from(A);

    stage_do(stage, stage->imap, EVENT_LOGIN, A, "s1");
    session.addr = addr_from(B);
    put_session(stage, "@imap/run1/bad", &unreadable);
    put_session(stage, "@imap/run1/s2", &session); /* whose address is not in the map */
    put_session(stage, "@gone/run1/s2", &session);
    put_session(stage, "@imap", &session);
    check_int("it cannot be read", map_get_session(stage->map, "@imap/run1/bad", &session),
              -EBADMSG);
    check_unsigned("nobody is removed", stage_reload(stage), 0);
    check_unsigned("one", stage_sessions(stage, SESSION_OPEN), 1);
    stage_check(stage, "as it was", A, START + MAX_SESSION, 1);

    /* More than the record says, and then less. */
    session.addr = addr;
    put_session(stage, "@imap/run1/s3", &session);
    stage_reload(stage);
    stage_check(stage, "two", A, START + MAX_SESSION, 2);
    check_int("begin", map_begin(stage->map), 0);
    check_int("delete", map_delete_session(stage->map, "@imap/run1/s1"), 0);
    check_int("commit", map_commit(stage->map), 0);
    stage_reload(stage);
    stage_check(stage, "one", A, START + MAX_SESSION, 1);
    check_int("begin", map_begin(stage->map), 0);
    check_int("delete", map_delete_session(stage->map, "@imap/run1/s3"), 0);
    check_int("commit", map_commit(stage->map), 0);
    stage_pass(stage, START + HOUR);
    stage_reload(stage);
    stage_check(stage, "none", A, START + HOUR + GRACE, 0);

    /* A record that says nothing of the session which there is. */
    put_session(stage, "@imap/run1/s4", &session);
    stage_reload(stage);
    check_int("get", map_get(stage->map, &addr, &record), 0);
    check_unsigned("one", record.sessions, 1);
    stage_check_invariants(stage);
    stage_free(stage);
}

static off_t file_size(const char *path)
{
    struct stat status;

    check_int("stat", stat(path, &status), 0);
    return status.st_size;
}

/* Of a shorter Grace=, say: in one transaction they would need 1.5 times as much room again. */
static void test_very_many(void **state)
{
    const unsigned count = 4 * MEND_MAX;
    const char *path = temp_path("map.tdb");
    struct stage *stage = stage_new(path, count, 128);
    size_t removed = 7;
    off_t before;

    for (unsigned i = 0; i < count; i++) {
        struct addr addr = addr_number(i);
        struct record record = record_of(START + 9 * GRACE, START, "alice");

        if (i % MEND_MAX == 0)
            check_int("begin", map_begin(stage->map), 0);
        check_int("put", map_put(stage->map, &addr, &record), 0);
        if (i % MEND_MAX == MEND_MAX - 1 || i == count - 1)
            check_int("commit", map_commit(stage->map), 0);
    }
    before = file_size(path);
    check_true("all of them", stage_load(stage));
    check_int("mend", table_mend(stage->table, START, &removed), 0);
    check_unsigned("nobody is removed", removed, 0);
    check_true("mended", !stage_load(stage));
    check_unsigned("all are there", table_count(stage->table), count);
    check_unsigned("all are mended", table_next_usec(stage->table), START + 3 * GRACE);
    print_message("%lld KiB, then %lld KiB\n", (long long)before / 1024,
                  (long long)file_size(path) / 1024);
    check_true("the file hardly grows", file_size(path) < 2 * before);
    stage_free(stage);
}

int main(void)
{
#define in_temp_dir(test) cmocka_unit_test_setup_teardown(test, temp_dir_setup, temp_dir_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_restart_keeps_grace),
        cmocka_unit_test(test_restart_keeps_longer_grace),
        cmocka_unit_test(test_longer_grace_is_mended),
        in_temp_dir(test_cancelled),
        cmocka_unit_test(test_rule_lost),
        cmocka_unit_test(test_connect_lost),
        cmocka_unit_test(test_networks_excluded),
        cmocka_unit_test(test_part_of_group_excluded),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_limit_changed),
        cmocka_unit_test(test_damage),
        in_temp_dir(test_very_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
