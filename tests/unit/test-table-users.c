/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many addresses one user can have. */

#include <stdio.h>

#include "check.h"
#include "random.h"
#include "store/table-private.h"
#include "table-support.h"

#define MOST 3

static struct stage *stage;

static int setup(void **state)
{
    stage = stage_new(NULL, 100, 128);
    stage->max_per_user = MOST;
    check_true("nothing to mend", !stage_load(stage));
    return 0;
}

static int teardown(void **state)
{
    stage_free(stage);
    return 0;
}

/* A login, and what the watcher does after it. Returns how many addresses gave way; *ret is the
 * last one. */
static size_t log_in(const struct rule *rule, const char *user, const char *addr,
                     const char *session, struct change *ret)
{
    struct event event = stage_event(stage, rule, EVENT_LOGIN, addr, session);
    struct change change;
    size_t count = 0;
    bool any;

    snprintf(event.user, sizeof(event.user), "%s", user);
    change = stage_apply(stage, &event);
    check_int("begin", map_begin(stage->map), 0);
    for (any = change.kind == CHANGE_ALLOW; any;) {
        check_int("displace", table_displace(stage->table, &event, &change, &any), 0);
        if (!any)
            break;
        check_int("kind", change.kind, CHANGE_DISPLACE);
        check_text("user", change.record.user, user);
        *ret = change;
        count++;
    }
    check_int("commit", map_commit(stage->map), 0);
    stage_check_invariants(stage);
    stage->now += MINUTE;
    return count;
}

static void check_keeps(const char *user, const char *addr)
{
    struct change change;

    check_unsigned(addr, log_in(stage->plain, user, addr, NULL, &change), 0);
}

static void check_displaces(const char *user, const char *addr, const char *oldest)
{
    struct change change;
    char text[ADDR_TEXT_MAX];

    check_unsigned(addr, log_in(stage->plain, user, addr, NULL, &change), 1);
    addr_format(&change.addr, text);
    check_text(addr, text, oldest);
    stage_check(stage, oldest, oldest, 0, 0);
}

static void test_oldest_gives_way(void **state)
{
    check_keeps("eve", "192.0.2.1");
    check_keeps("alice", "192.0.2.100");
    check_keeps("eve", "192.0.2.2");
    check_keeps("eve", "192.0.2.3");
    check_keeps("eve", "192.0.2.1"); /* which is his newest now */
    check_displaces("eve", "192.0.2.4", "192.0.2.2");
    check_displaces("eve", "192.0.2.5", "192.0.2.3");
    check_displaces("eve", "192.0.2.6", "192.0.2.1");
    check_unsigned("addresses", table_count(stage->table), MOST + 1);
    stage_check(stage, "another's", "192.0.2.100", START + MINUTE + GRACE, 0);
}

static void test_who_was_there_last_has_it(void **state)
{
    check_keeps("eve", "192.0.2.1");
    check_keeps("alice", "192.0.2.1");
    check_keeps("eve", "192.0.2.2");
    check_keeps("eve", "192.0.2.3");
    check_keeps("eve", "192.0.2.4");
    check_displaces("eve", "192.0.2.5", "192.0.2.2");
    check_keeps("eve", "192.0.2.1"); /* is no new address, and one too many from now on */
    check_unsigned("addresses", table_count(stage->table), MOST + 1);
    stage_restart(stage);
    check_unsigned("both", table_count(stage->table), MOST + 1);
}

static void test_without_a_name_nothing_is_counted(void **state)
{
    char addr[32];

    for (int i = 0; i < 20; i++) {
        snprintf(addr, sizeof(addr), "192.0.2.%d", i);
        check_keeps("", addr);
    }
    check_unsigned("addresses", table_count(stage->table), 20);
}

/* FNV-1a has the same number for both. */
static void test_users_with_the_same_number(void **state)
{
    static const char costarring[] = "costarring", liquid[] = "liquid";
    struct addr addr = { 0 };

    check_unsigned("number", table_user_number(costarring, &addr),
                   table_user_number(liquid, &addr));
    check_keeps(costarring, "192.0.2.1");
    check_keeps(costarring, "192.0.2.2");
    check_keeps(liquid, "192.0.2.3");
    check_keeps(liquid, "192.0.2.4");
    check_keeps(costarring, "192.0.2.5");
    check_keeps(liquid, "192.0.2.6");
    check_displaces(liquid, "192.0.2.7", "192.0.2.3");
    check_displaces(costarring, "192.0.2.8", "192.0.2.1");
}

static void test_open_sessions_go_with_their_address(void **state)
{
    struct change change;

    check_unsigned("first", log_in(stage->imap, "eve", "192.0.2.1", "s1", &change), 0);
    check_unsigned("first", log_in(stage->imap, "eve", "192.0.2.1", "s2", &change), 0);
    check_keeps("eve", "192.0.2.2");
    check_keeps("eve", "192.0.2.3");
    check_displaces("eve", "192.0.2.4", "192.0.2.1");
    check_unsigned("sessions", stage_sessions(stage, SESSION_OPEN), 0);
    check_int("its end", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_UNKNOWN);
    stage_check(stage, "stays out", "192.0.2.1", 0, 0);
    stage_restart(stage);
}

static void test_where_others_have_sessions_nobody_gives_way(void **state)
{
    struct change change;

    (void)log_in(stage->imap, "alice", "192.0.2.1", "s1", &change);
    (void)log_in(stage->imap, "eve", "192.0.2.1", "s2", &change);
    check_keeps("eve", "192.0.2.2");
    check_keeps("eve", "192.0.2.3");
    check_displaces("eve", "192.0.2.4", "192.0.2.2");
    stage_check(stage, "alice's too", "192.0.2.1", START + MINUTE + MAX_SESSION, 2);
    check_int("hers ends", stage_do(stage, stage->imap, EVENT_LOGOUT, NULL, "s1"), CHANGE_LOGOUT);
    check_displaces("eve", "192.0.2.5", "192.0.2.1");
    check_unsigned("sessions", stage_sessions(stage, SESSION_OPEN), 0);
}

static void test_lower_limit(void **state)
{
    struct change change;
    char addr[32];

    stage->max_per_user = 10;
    stage_reload(stage);
    for (int i = 0; i < 10; i++) {
        snprintf(addr, sizeof(addr), "192.0.2.%d", i);
        check_keeps("eve", addr);
    }
    stage->max_per_user = MOST;
    stage_reload(stage);
    check_unsigned("nobody yet", table_count(stage->table), 10);
    check_keeps("eve", "192.0.2.1");
    check_unsigned("all at once", log_in(stage->plain, "eve", "192.0.2.100", NULL, &change), 8);
    check_unsigned("addresses", table_count(stage->table), MOST);
}

/* --- one run without an end, and one that is started anew all the time --- */

static int compare_record(const struct addr *addr, const struct record *record, void *userdata)
{
    struct stage *other = userdata;
    char text[ADDR_TEXT_MAX], got[RECORD_TEXT_MAX], want[RECORD_TEXT_MAX];
    struct record theirs;

    addr_format(addr, text);
    check_int(text, map_get(other->map, addr, &theirs), 0);
    record_encode(record, got);
    record_encode(&theirs, want);
    check_text(text, got, want);
    return 0;
}

static void random_step(struct change *change)
{
    static const char *const users[] = { "alice", "bob", "eve", "costarring", "liquid", "" };
    const struct rule *rules[] = { stage->plain, stage->imap };
    const struct rule *rule = rules[random_below(2)];
    char addr[32], session[32];

    snprintf(addr, sizeof(addr), "192.0.2.%u", (unsigned)random_below(25));
    snprintf(session, sizeof(session), "s%u", (unsigned)random_below(12));
    if (random_below(3) == 0)
        (void)stage_do(stage, rule, EVENT_LOGOUT, NULL, session);
    else
        (void)log_in(rule, users[random_below(6)], addr, session, change);
    (void)stage_pass(stage, stage->now + random_below(3 * MINUTE));
}

static void test_restarts_change_nothing(void **state)
{
    struct stage *steady = stage, *restarted;
    struct change change = { .kind = _CHANGE_MAX };
    size_t displaced = 0;

    (void)setup(state);
    restarted = stage;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        stage = steady;
        random_seed(seed);
        random_step(&change);
        displaced += change.kind == CHANGE_DISPLACE;
        change.kind = _CHANGE_MAX;
        stage = restarted;
        random_seed(seed);
        random_step(&change);
        if (seed % 3 == 0)
            stage_restart(stage);
        check_unsigned("addresses", table_count(steady->table), table_count(restarted->table));
    }
    check_int("the same", map_each(steady->map, compare_record, restarted), 0);
    check_unsigned("sessions", stage_sessions(steady, SESSION_OPEN),
                   stage_sessions(restarted, SESSION_OPEN));
    check_true("it happened", displaced > 100);
    stage_free(restarted);
    stage = steady;
}

#define unit(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(test_oldest_gives_way),
        unit(test_who_was_there_last_has_it),
        unit(test_without_a_name_nothing_is_counted),
        unit(test_users_with_the_same_number),
        unit(test_open_sessions_go_with_their_address),
        unit(test_where_others_have_sessions_nobody_gives_way),
        unit(test_lower_limit),
        unit(test_restarts_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
