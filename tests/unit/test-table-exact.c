/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interrupting the watcher changes nothing: of two tables that are told the same, one goes on all
 * the time, and the other is made anew from its map after each transaction, and has some of them
 * fail. Their maps are the same, byte for byte.
 *
 * Changing what it goes by, the clock included, lets nobody stay who should not. */

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "random.h"
#include "store/map-private.h"
#include "table-support.h"
#include "temp-dir.h"

#define BATCH     6
#define ENTRIES   9
#define LINES_MAX 128
#define CLIENTS   12
#define SESSIONS  14
#define STEPS     1500

struct dump {
    char *line[LINES_MAX];
    size_t count;
};

static int add_line(struct tdb_context *tdb, TDB_DATA key, TDB_DATA value, void *userdata)
{
    struct dump *dump = userdata;

    assert_true(dump->count < LINES_MAX);
    return asprintf(&dump->line[dump->count++], "%.*s = %.*s", (int)key.dsize, (char *)key.dptr,
                    (int)value.dsize, (char *)value.dptr) < 0;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct dump dump_map(struct map *map)
{
    struct dump dump = { .count = 0 };

    check_true("traverse", tdb_traverse_read(map->tdb, add_line, &dump) >= 0);
    qsort(dump.line, dump.count, sizeof(dump.line[0]), compare_lines);
    return dump;
}

static size_t count_keys(struct map *map)
{
    return (size_t)tdb_traverse_read(map->tdb, NULL, NULL);
}

static void compare_maps(struct map *got, struct map *want)
{
    struct dump a = dump_map(got), b = dump_map(want);

    for (size_t i = 0; i < a.count || i < b.count; i++)
        check_text("line", i < a.count ? a.line[i] : "(none)", i < b.count ? b.line[i] : "(none)");
    for (size_t i = 0; i < a.count; i++)
        free(a.line[i]);
    for (size_t i = 0; i < b.count; i++)
        free(b.line[i]);
}

/* IPv4, and IPv6 of which some clients share a network. */
static struct addr random_client(void)
{
    unsigned number = (unsigned)random_below(CLIENTS);
    char text[32];

    snprintf(text, sizeof(text), number % 2 ? "192.0.2.%u" : "2001:db8:0:1::%u", number);
    return addr_from(text);
}

/* An event as it is for one of the two; the other has rules of its own. */
struct told {
    struct event event;
    unsigned rule;
};

static const struct rule *rule_of(const struct stage *stage, unsigned number)
{
    const struct rule *const rules[] = { stage->imap, stage->pop, stage->two_line, stage->plain };

    return rules[number];
}

static enum event_kind random_kind(const struct stage *stage, const struct rule *rule)
{
    if (rule == stage->two_line)
        return (enum event_kind)random_below(_EVENT_KIND_MAX);
    return rule == stage->plain || random_below(2) ? EVENT_LOGIN : EVENT_LOGOUT;
}

static struct told random_event(const struct stage *stage, unsigned *run)
{
    struct told told = { .rule = (unsigned)random_below(4) };
    const struct rule *rule = rule_of(stage, told.rule);
    char session[16];

    snprintf(session, sizeof(session), "%u", (unsigned)random_below(SESSIONS));
    told.event =
        stage_event(stage, rule, random_kind(stage, rule), NULL, random_below(20) ? session : NULL);
    told.event.has_addr = told.event.kind == EVENT_CONNECT || random_below(4) > 0;
    if (told.event.has_addr)
        told.event.addr = random_client();
    if (random_below(5) == 0)
        told.event.time_usec -= random_below(random_below(2) ? GRACE : MAX_SESSION);
    *run += random_below(100) == 0;
    snprintf(told.event.user, sizeof(told.event.user), "user %u", (unsigned)random_below(3));
    snprintf(told.event.invocation, sizeof(told.event.invocation), "run%u", *run);
    return told;
}

static void pass(struct stage *stage)
{
    struct change change;
    bool any = true;

    while (any)
        check_int("expire", table_expire(stage->table, stage->now, &change, &any), 0);
}

static void tell(struct stage *stage, const struct told *told, size_t count)
{
    check_int("begin", map_begin(stage->map), 0);
    pass(stage);
    for (size_t i = 0; i < count; i++) {
        struct event event = told[i].event;
        struct change change;
        size_t ended;

        event.rule = rule_of(stage, told[i].rule);
        if (!rule_enabled(event.rule))
            continue;
        if (table_is_new_run(stage->table, &event))
            check_int("run", table_end_run(stage->table, &event, stage->now, &ended), 0);
        check_int("apply", table_apply(stage->table, &event, stage->now, &change), 0);
    }
    pass(stage);
}

static void tell_both(struct stage *whole, struct stage *broken, unsigned *run)
{
    struct told told[BATCH];
    size_t count = 1 + random_below(BATCH);

    whole->now += random_below(4) ? random_below(10 * MINUTE) : random_below(6 * HOUR);
    broken->now = whole->now;
    for (size_t i = 0; i < count; i++)
        told[i] = random_event(whole, run);
    tell(whole, told, count);
    check_int("commit", map_commit(whole->map), 0);
    if (random_below(3) == 0) {
        tell(broken, told, 1 + random_below(count));
        map_cancel(broken->map);
        check_true("nothing to mend", !stage_load(broken));
    }
    tell(broken, told, count);
    check_int("commit", map_commit(broken->map), 0);
    stage_restart(broken);
}

static void test_interrupted(void **state)
{
    struct stage *whole = stage_new(NULL, ENTRIES, 64);
    struct stage *broken = stage_new(temp_path("map.tdb"), ENTRIES, 64);
    unsigned run = 1;

    for (unsigned i = 0; i < STEPS; i++) {
        tell_both(whole, broken, &run);
        compare_maps(broken->map, whole->map);
        stage_check_invariants(whole);
    }
    whole->now += 3 * MAX_SESSION;
    broken->now = whole->now;
    tell(whole, NULL, 0);
    tell(broken, NULL, 0);
    check_int("commit", map_commit(whole->map), 0);
    check_int("commit", map_commit(broken->map), 0);
    compare_maps(broken->map, whole->map);
    check_unsigned("nobody is left", table_count(broken->table), 0);
    check_unsigned("nothing else is left but .format and .prefix", count_keys(broken->map),
                   2 + stage_sessions(broken, SESSION_PENDING));
    stage_free(whole);
    stage_free(broken);
}

static void change_rule(struct stage *stage)
{
    struct rule *const rules[] = { stage->imap, stage->pop, stage->two_line, stage->plain };
    struct rule *rule = rules[random_below(4)];

    rule_set_enabled(rule, random_below(4) > 0);
    rule_set_grace(rule, MINUTE + random_below(3 * GRACE - MINUTE));
    rule_set_max_session(rule, MINUTE + random_below(MAX_SESSION - MINUTE));
}

static void change_networks(struct networks **networks)
{
    networks_free(*networks);
    *networks = networks_new();
    assert_non_null(*networks);
    for (uint64_t n = random_below(3); n > 0; n--) {
        struct addr addr = random_client();
        char text[ADDR_TEXT_MAX];

        check_int("add", networks_add(*networks, text, addr_format(&addr, text)), 0);
    }
    if (random_below(4) == 0)
        check_int("add", networks_add(*networks, "2001:db8::/48", 13), 0);
}

/* Clocks are set back and forth, and rules and networks changed; the watcher loads anew then. */
static void change_world(struct stage *stage)
{
    switch (random_below(4)) {
    case 0:
        change_rule(stage);
        break;
    case 1:
        change_networks(random_below(2) ? &stage->local : &stage->never);
        break;
    case 2:
        stage->now -= random_below(random_below(2) ? HOUR : 100 * HOUR);
        break;
    default:
        stage->now += random_below(random_below(2) ? HOUR : 100 * HOUR);
    }
    (void)stage_reload(stage);
}

static int check_record(const struct addr *addr, const struct record *record, void *userdata)
{
    const struct stage *stage = userdata;
    unsigned bits = addr_is_ipv4(addr) ? 128 : 64;
    uint64_t longest = record->sessions > 0 ? MAX_SESSION : 3 * GRACE;

    check_true("the login has been", record->login_usec <= stage->now);
    check_true("for no longer", record->expires_usec <= stage->now + longest);
    check_true("not local", !networks_contain_group(stage->local, addr, bits));
    check_true("not excluded", !networks_contain_group(stage->never, addr, bits));
    return 0;
}

static int check_session(const char *key, const struct session *session, void *userdata)
{
    const struct stage *stage = userdata;
    struct session_key parts;

    check_true(key, session && session->since_usec <= stage->now);
    check_int(key, session_key_decode(key, strlen(key), &parts), 0);
    check_true(key, rule_enabled(rules_find(stage->rules, parts.rule)));
    check_true(key, session->state == SESSION_PENDING ||
                        !(networks_contain(stage->local, &session->addr, NULL) ||
                          networks_contain(stage->never, &session->addr, NULL)));
    return 0;
}

static void test_changed(void **state)
{
    struct stage *stage = stage_new(NULL, ENTRIES, 64);
    unsigned run = 1;

    for (unsigned i = 0; i < STEPS; i++) {
        struct told told[BATCH];

        stage->now += random_below(20 * MINUTE);
        for (size_t n = 0; n < BATCH; n++)
            told[n] = random_event(stage, &run);
        tell(stage, told, BATCH);
        check_int("commit", map_commit(stage->map), 0);
        if (random_below(5) == 0)
            change_world(stage);
        (void)stage_pass(stage, stage->now);
        stage_check_invariants(stage);
        check_int("scan", map_scan(stage->map, check_record, check_session, stage), 0);
    }
    (void)stage_pass(stage, stage->now + MAX_SESSION + 3 * GRACE);
    check_unsigned("all go in the end", table_count(stage->table), 0);
    check_unsigned("nothing else is left but .format and .prefix", count_keys(stage->map),
                   2 + stage_sessions(stage, SESSION_PENDING));
    stage_free(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_interrupted, temp_dir_setup, temp_dir_teardown),
        cmocka_unit_test_setup(test_changed, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
