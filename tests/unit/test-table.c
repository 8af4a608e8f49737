/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who is allowed until when, against a plain array, with a clock that runs as the test says. */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/rule.h"
#include "map-support.h"
#include "random.h"
#include "store/table.h"
#include "temp-dir.h"

#define GRACE UINT64_C(1000)
#define START UINT64_C(1000000)
#define FULL  40 /* entries that the table may hold */

static struct rules *rules;
static struct networks *nobody;
static const struct rule *short_rule, *long_rule;

static int make_rules(void **state)
{
    struct rule *rule;

    rules = rules_new();
    nobody = networks_new();
    if (!nobody || !rules || rules_get(rules, "short", &rule) < 0)
        return -1;
    rule_set_grace(rule, GRACE);
    short_rule = rule;
    if (rules_get(rules, "long", &rule) < 0)
        return -1;
    rule_set_grace(rule, 3 * GRACE);
    long_rule = rule;
    return 0;
}

static int free_rules(void **state)
{
    rules = rules_free(rules);
    nobody = networks_free(nobody);
    return 0;
}

static struct event event_of(unsigned number, const char *user, const struct rule *rule,
                             uint64_t time_usec)
{
    struct event event = {
        .kind = EVENT_LOGIN,
        .has_addr = true,
        .addr = addr_number(number),
        .rule = rule,
        .time_usec = time_usec,
    };

    snprintf(event.user, sizeof(event.user), "%s", user);
    return event;
}

/* Returns whether there is something to be mended. */
static bool load_with(struct table *table, const struct networks *never, uint64_t now)
{
    struct table_policy policy = { rules, nobody, never, GRACE, 3 * GRACE, 0, 1000 };
    bool beyond = false;

    check_int("load", table_load(table, &policy, now, &beyond), 0);
    return beyond;
}

static bool load(struct table *table, uint64_t now)
{
    return load_with(table, nobody, now);
}

static struct table *table_on(struct map *map, size_t max_entries, uint64_t now)
{
    struct table *table = NULL;

    check_int("table", table_new(map, max_entries, &table), 0);
    (void)load(table, now);
    return table;
}

static enum change_kind login(struct table *table, const struct event *event, uint64_t now,
                              struct record *ret)
{
    struct change change = { .kind = _CHANGE_MAX };

    check_int("login", table_apply(table, event, now, &change), 0);
    check_int("of whom it tells", addr_compare(&change.addr, &event->addr), 0);
    *ret = change.record;
    return change.kind;
}

/* The next address that expires; false if none does. */
static bool expire(struct table *table, uint64_t now, struct addr *ret_addr,
                   struct record *ret_record)
{
    struct change change = { .kind = _CHANGE_MAX };
    bool any = false;

    check_int("expire", table_expire(table, now, &change, &any), 0);
    if (!any)
        return false;
    check_int("kind", change.kind, CHANGE_EXPIRE);
    *ret_addr = change.addr;
    *ret_record = change.record;
    return true;
}

static void test_life_of_an_address(void **state)
{
    struct map *map = open_writer(NULL, MAX_ENTRIES, 128, MAP_CREATED);
    struct table *table = table_on(map, FULL, START);
    struct event alice = event_of(0, "alice", short_rule, START);
    struct event bob = event_of(0, "bob", short_rule, START + 600);
    struct record record;
    struct addr addr;

    check_unsigned("nothing to wait for", table_next_usec(table), UINT64_MAX);
    check_int("begin", map_begin(map), 0);
    check_int("new", login(table, &alice, START, &record), CHANGE_ALLOW);
    check_unsigned("until", record.expires_usec, START + GRACE);
    check_text("user", record.user, "alice");
    check_text("rule", record.rule, "short");
    check_unsigned("count", table_count(table), 1);
    check_int("extended", login(table, &bob, START + 600, &record), CHANGE_EXTEND);
    check_unsigned("until", record.expires_usec, START + 600 + GRACE);
    check_unsigned("count", table_count(table), 1);
    check_int("commit", map_commit(map), 0);
    check_int("get", map_get(map, &alice.addr, &record), 0);
    check_text("the latest user", record.user, "bob");

    /* It is looked at when the first time is over, and goes on until the second one is. */
    check_int("begin", map_begin(map), 0);
    check_true("due", table_next_usec(table) <= START + GRACE);
    check_int("first time", expire(table, START + GRACE, &addr, &record), 0);
    check_int("just before", expire(table, START + 599 + GRACE, &addr, &record), 0);
    check_true("due", table_next_usec(table) <= START + 600 + GRACE);
    check_int("now", expire(table, START + 600 + GRACE, &addr, &record), 1);
    check_int("address", addr_compare(&addr, &alice.addr), 0);
    check_text("user", record.user, "bob");
    check_int("no more", expire(table, START + 600 + GRACE, &addr, &record), 0);
    check_int("commit", map_commit(map), 0);
    check_int("gone", map_get(map, &alice.addr, &record), -ENOENT);
    check_unsigned("count", table_count(table), 0);
    check_unsigned("nothing to wait for", table_next_usec(table), UINT64_MAX);
    table_free(table);
    map_close(map);
}

static void test_old_and_future_logins(void **state)
{
    struct map *map = open_writer(NULL, MAX_ENTRIES, 128, MAP_CREATED);
    struct table *table = table_on(map, FULL, START);
    struct event stale = event_of(0, "alice", short_rule, START - GRACE);
    struct event recent = event_of(2, "bob", short_rule, START - GRACE + 1);
    struct event future = event_of(4, "carol", short_rule, START + 50 * GRACE);
    struct event older = event_of(4, "dave", short_rule, START - 10);
    struct record record;

    check_int("begin", map_begin(map), 0);
    check_int("over already", login(table, &stale, START, &record), CHANGE_STALE);
    check_int("over already", map_get(map, &stale.addr, &record), -ENOENT);
    check_int("just not over", login(table, &recent, START, &record), CHANGE_ALLOW);
    check_unsigned("just not over", record.expires_usec, START + 1);
    check_int("from the future", login(table, &future, START, &record), CHANGE_ALLOW);
    check_unsigned("counts from now", record.expires_usec, START + GRACE);
    check_unsigned("counts from now", record.login_usec, START);
    check_int("an older one that is read later", login(table, &older, START, &record),
              CHANGE_EXTEND);
    check_int("get", map_get(map, &future.addr, &record), 0);
    check_unsigned("takes nothing away", record.expires_usec, START + GRACE);
    check_text("the latest user", record.user, "carol");
    check_int("commit", map_commit(map), 0);
    table_free(table);
    map_close(map);
}

static void test_full(void **state)
{
    struct map *map = open_writer(NULL, MAX_ENTRIES, 128, MAP_CREATED);
    struct table *table = table_on(map, 3, START);
    struct record record;
    struct addr addr;

    check_int("begin", map_begin(map), 0);
    for (unsigned i = 0; i < 5; i++) {
        struct event event = event_of(i, "u", short_rule, START);

        check_int("new", login(table, &event, START, &record),
                  i < 3 ? CHANGE_ALLOW : CHANGE_REFUSE);
    }
    check_unsigned("count", table_count(table), 3);
    check_unsigned("records", count_records(map), 3);

    struct event known = event_of(2, "u", short_rule, START + 1);
    struct event refused = event_of(3, "u", short_rule, START + GRACE);

    check_int("those in it are extended", login(table, &known, START + 1, &record), CHANGE_EXTEND);
    check_int("room", expire(table, START + GRACE, &addr, &record), 1);
    check_int("room", expire(table, START + GRACE, &addr, &record), 1);
    check_int("room", expire(table, START + GRACE, &addr, &record), 0);
    check_int("new", login(table, &refused, START + GRACE, &record), CHANGE_ALLOW);
    check_int("commit", map_commit(map), 0);
    table_free(table);
    map_close(map);
}

/* After a transaction that did not take effect the table is what the map still says. */
static void test_cancelled(void **state)
{
    struct map *map = open_writer(temp_path("map.tdb"), MAX_ENTRIES, 128, MAP_CREATED);
    struct table *table = table_on(map, FULL, START);
    struct event kept = event_of(0, "alice", short_rule, START);
    struct event lost = event_of(2, "bob", short_rule, START + 10);
    struct record record;
    struct addr addr;

    check_int("begin", map_begin(map), 0);
    check_int("new", login(table, &kept, START, &record), CHANGE_ALLOW);
    check_int("commit", map_commit(map), 0);
    check_int("begin", map_begin(map), 0);
    check_int("new", login(table, &lost, START + 10, &record), CHANGE_ALLOW);
    check_int("expired", expire(table, START + GRACE, &addr, &record), 1);
    map_cancel(map);
    check_true("load", !load(table, START + 10));
    check_unsigned("count", table_count(table), 1);
    check_unsigned("due", table_next_usec(table), START + GRACE);
    check_int("begin", map_begin(map), 0);
    check_int("new again", login(table, &lost, START + 10, &record), CHANGE_ALLOW);
    check_int("expired again", expire(table, START + GRACE, &addr, &record), 1);
    check_int("address", addr_compare(&addr, &kept.addr), 0);
    check_int("commit", map_commit(map), 0);
    check_unsigned("records", count_records(map), 1);
    table_free(table);
    map_close(map);
}

/* The clock was a day ahead, and then set right: nobody profits for a day. */
static void test_clock_set_back(void **state)
{
    struct map *map = open_writer(NULL, MAX_ENTRIES, 128, MAP_CREATED);
    struct table *table = table_on(map, FULL, START);
    const uint64_t wrong = START + 1000 * GRACE;
    struct event event = event_of(0, "alice", short_rule, wrong);
    struct event right = event_of(2, "bob", short_rule, START - 5);
    struct record record;
    size_t removed = 7;
    struct addr addr;

    check_int("begin", map_begin(map), 0);
    check_int("new", login(table, &right, START, &record), CHANGE_ALLOW);
    check_int("new", login(table, &event, wrong, &record), CHANGE_ALLOW);
    check_int("commit", map_commit(map), 0);
    check_true("the wrong clock sees nothing", !load(table, wrong));
    check_true("the right one does", load(table, START));
    check_int("mend", table_mend(table, START, &removed), 0);
    check_unsigned("nobody is removed", removed, 0);
    check_true("load", !load(table, START));
    check_int("get", map_get(map, &event.addr, &record), 0);
    check_true("no more than the longest", record.expires_usec <= START + 3 * GRACE);
    check_true("no login that has not been", record.login_usec <= START);
    check_int("get", map_get(map, &right.addr, &record), 0);
    check_unsigned("others are as they were", record.expires_usec, START - 5 + GRACE);
    check_int("begin", map_begin(map), 0);
    check_int("expires", expire(table, START + 3 * GRACE, &addr, &record), 1);
    check_int("expires", expire(table, START + 3 * GRACE, &addr, &record), 1);
    check_int("commit", map_commit(map), 0);
    check_unsigned("all gone", count_records(map), 0);
    table_free(table);
    map_close(map);
}

/* Networks that are excluded by now: their addresses go, at once. */
static void test_networks_excluded(void **state)
{
    struct map *map = open_writer(NULL, MAX_ENTRIES, 128, MAP_CREATED);
    struct table *table = table_on(map, FULL, START);
    _cleanup_(networks_freep) struct networks *networks = networks_new();
    struct record record;
    size_t removed = 0;
    char text[ADDR_TEXT_MAX];

    check_int("begin", map_begin(map), 0);
    for (unsigned i = 0; i < 4; i++) {
        struct event event = event_of(i, "alice", short_rule, START);

        check_int("new", login(table, &event, START, &record), CHANGE_ALLOW);
    }
    check_int("commit", map_commit(map), 0);
    for (unsigned i = 1; i < 3; i++) {
        struct addr addr = addr_number(i);

        check_int("add", networks_add(networks, text, addr_format(&addr, text)), 0);
    }
    check_true("two are beyond", load_with(table, networks, START));
    check_int("mend", table_mend(table, START, &removed), 0);
    check_unsigned("two are removed", removed, 2);
    check_true("none is beyond", !load_with(table, networks, START));
    for (unsigned i = 0; i < 4; i++) {
        struct addr addr = addr_number(i);

        check_int("get", map_get(map, &addr, &record), i == 1 || i == 2 ? -ENOENT : 0);
    }
    check_unsigned("count", table_count(table), 2);
    table_free(table);
    map_close(map);
}

/* Logins from there change nothing, and the first of the two lists is named. */
static void test_ignored(void **state)
{
    struct map *map = open_writer(NULL, MAX_ENTRIES, 128, MAP_CREATED);
    struct table *table = table_on(map, FULL, START);
    _cleanup_(networks_freep) struct networks *local = networks_new(), *never = networks_new();
    struct table_policy policy = { rules, local, never, GRACE, 3 * GRACE };
    static const struct {
        const char *addr, *network;
        enum change_kind want;
    } cases[] = {
        { "10.0.0.1", "10.0.0.0/8", CHANGE_IGNORE_LOCAL },
        { "100.64.0.1", "100.64.0.0/10", CHANGE_IGNORE_NEVER },
        { "2001:db8::1", "2001:db8::/32", CHANGE_IGNORE_NEVER },
        { "192.0.2.1", NULL, CHANGE_ALLOW },
    };
    bool beyond = true;

    check_int("add", networks_add(local, "10.0.0.0/8", 10), 0);
    check_int("add", networks_add(never, "100.64.0.0/10", 13), 0);
    check_int("add", networks_add(never, "2001:db8::/32", 13), 0);
    check_int("add", networks_add(never, "10.0.0.0/8", 10), 0);
    check_int("load", table_load(table, &policy, START, &beyond), 0);
    check_true("nothing to mend", !beyond);
    check_int("begin", map_begin(map), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct event event = event_of(0, "alice", short_rule, START);
        struct change change;

        event.addr = addr_from(cases[i].addr);
        check_int(cases[i].addr, table_apply(table, &event, START, &change), 0);
        check_int(cases[i].addr, change.kind, cases[i].want);
        check_text(cases[i].addr, change.network, cases[i].network);
        check_text(cases[i].addr, change.record.user, "alice");
    }
    check_int("commit", map_commit(map), 0);
    check_unsigned("records", count_records(map), 1);
    table_free(table);
    map_close(map);
}

/* --- against a plain array --- */

#define ADDRESSES 60

struct naive {
    bool there;
    uint64_t expires, login;
};

static size_t count_there(const struct naive *naive)
{
    size_t count = 0;

    for (size_t i = 0; i < ADDRESSES; i++)
        count += naive[i].there;
    return count;
}

static enum change_kind naive_login(struct naive *naive, unsigned number, const struct event *event,
                                    uint64_t now)
{
    uint64_t time = event->time_usec < now ? event->time_usec : now;
    uint64_t expires = time + rule_grace_usec(event->rule);
    struct naive *item = &naive[number];

    if (item->there) {
        item->expires = expires > item->expires ? expires : item->expires;
        item->login = time > item->login ? time : item->login;
        return CHANGE_EXTEND;
    }
    if (expires <= now)
        return CHANGE_STALE;
    if (count_there(naive) >= FULL)
        return CHANGE_REFUSE;
    *item = (struct naive){ true, expires, time };
    return CHANGE_ALLOW;
}

static void expire_all(struct table *table, struct naive *naive, uint64_t now)
{
    struct record record;
    struct addr addr;

    while (expire(table, now, &addr, &record)) {
        unsigned number = 0;
        struct addr other = addr_number(0);

        while (addr_compare(&addr, &other) != 0 && number < ADDRESSES)
            other = addr_number(++number);
        check_true("address", number < ADDRESSES && naive[number].there);
        check_unsigned("its last record", record.expires_usec, naive[number].expires);
        check_true("its time is over", naive[number].expires <= now);
        naive[number].there = false;
    }
    for (size_t i = 0; i < ADDRESSES; i++)
        check_true("none is forgotten", !naive[i].there || naive[i].expires > now);
}

static void compare(struct map *map, struct table *table, const struct naive *naive, uint64_t now)
{
    uint64_t soonest = UINT64_MAX;

    for (unsigned i = 0; i < ADDRESSES; i++) {
        struct addr addr = addr_number(i);
        struct record record;

        check_int("there", map_get(map, &addr, &record), naive[i].there ? 0 : -ENOENT);
        if (!naive[i].there)
            continue;
        check_unsigned("expires", record.expires_usec, naive[i].expires);
        check_unsigned("login", record.login_usec, naive[i].login);
        if (naive[i].expires < soonest)
            soonest = naive[i].expires;
    }
    check_unsigned("count", table_count(table), count_there(naive));
    check_true("woken in time", table_next_usec(table) <= soonest);
    check_true("not woken for nothing", soonest < UINT64_MAX || table_next_usec(table) == soonest);
    check_true("not woken at once again", table_next_usec(table) > now);
}

static void test_random(void **state)
{
    struct map *map = open_writer(NULL, MAX_ENTRIES, 128, MAP_CREATED);
    uint64_t now = START;
    struct table *table = table_on(map, FULL, now);
    struct naive naive[ADDRESSES] = { 0 };
    unsigned seen[_CHANGE_MAX] = { 0 };

    for (int step = 0; step < 3000; step++) {
        now += random_below(3) ? random_below(60) : 0;
        check_int("begin", map_begin(map), 0);
        for (uint64_t n = random_below(6); n > 0; n--) {
            unsigned number = (unsigned)random_below(ADDRESSES);
            uint64_t time = now - 2 * GRACE + random_below(2 * GRACE + 300);
            struct event event =
                event_of(number, "u", random_below(4) ? short_rule : long_rule, time);
            enum change_kind want = naive_login(naive, number, &event, now);
            struct record record;

            check_int("login", login(table, &event, now, &record), want);
            seen[want]++;
        }
        expire_all(table, naive, now);
        check_int("commit", map_commit(map), 0);
        compare(map, table, naive, now);
        if (random_below(100) == 0)
            check_true("load", !load(table, now));
    }
    check_true("everything happened", seen[CHANGE_ALLOW] > 100 && seen[CHANGE_EXTEND] > 100 &&
                                          seen[CHANGE_STALE] > 100 && seen[CHANGE_REFUSE] > 100);
    table_free(table);
    map_close(map);
}

/* A record that cannot be read allows nobody and does not stay. */
static void test_unreadable(void **state)
{
    struct map *map = open_writer(NULL, MAX_ENTRIES, 128, MAP_CREATED);
    struct addr address = addr_number(0), addr;
    struct record bad = { .expires_usec = START + 10, .rule = "" }, record;
    struct table *table;

    check_int("begin", map_begin(map), 0);
    check_int("put", map_put(map, &address, &bad), 0);
    check_int("commit", map_commit(map), 0);
    check_int("it cannot be read", map_get(map, &address, &record), -EBADMSG);
    table = table_on(map, FULL, START);
    check_true("due", table_next_usec(table) <= START);
    check_int("begin", map_begin(map), 0);
    check_int("removed", expire(table, START, &addr, &record), 1);
    check_int("address", addr_compare(&addr, &address), 0);
    check_int("commit", map_commit(map), 0);
    check_unsigned("gone", count_records(map), 0);
    table_free(table);
    map_close(map);
}

int main(void)
{
#define in_temp_dir(test) cmocka_unit_test_setup_teardown(test, temp_dir_setup, temp_dir_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_of_an_address),
        cmocka_unit_test(test_old_and_future_logins),
        cmocka_unit_test(test_full),
        in_temp_dir(test_cancelled),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_networks_excluded),
        cmocka_unit_test(test_ignored),
        cmocka_unit_test_setup(test_random, random_setup),
        cmocka_unit_test(test_unreadable),
    };

    return cmocka_run_group_tests(tests, make_rules, free_rules);
}
