/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The map when memory runs out, the disk is full or the file system refuses, at each call in turn:
 * what was committed stays, and what was not does not become so. */

#include <errno.h>
#include <unistd.h>

#include "check.h"
#include "fault.h"
#include "store/map-private.h"
#include "table-support.h"
#include "temp-dir.h"

#define ENTRIES 20

static const char *path;

static int setup(void **state)
{
    struct map *map;

    check_int("directory", temp_dir_setup(state), 0);
    path = temp_path("map.tdb");
    map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED);
    check_int("write", write_generation(map, ENTRIES, 1), 0);
    map_close(map);
    return 0;
}

/* Opens the map; with another shape than it has, it is made anew. */
static int open_with(unsigned max_entries, unsigned ipv6_bits, struct map **ret)
{
    struct map_options options = map_options_for(path, max_entries, ipv6_bits);
    enum map_state state;
    int r = map_open_writer(&options, ret, &state);

    if (r == 0)
        r = map_publish(*ret);
    if (r < 0 && *ret)
        *ret = map_close(*ret);
    return r;
}

/* Whatever failed, the next one to open it finds all there was. */
static void check_kept(const char *what)
{
    struct map *map;

    check_int(what, map_open_reader(path, &map), 0);
    check_generation(map, ENTRIES, 1);
    map_close(map);
}

static void fail_opening(unsigned max_entries, unsigned ipv6_bits)
{
    int failed = -1;

    for (unsigned n = 0; failed < 0; n++) {
        struct map *map = NULL;
        int r;

        fault_arm(n);
        r = open_with(max_entries, ipv6_bits, &map);
        failed = fault_disarm();
        if (r != failed && !(r == 0 && failed < 0))
            fail_msg("call %u failed with %d: got %d", n, failed, r);
        if (r == 0)
            map_close(map);
        check_kept("after an open that failed");
    }
}

static void test_open(void **state)
{
    fail_opening(MAX_ENTRIES, 128);
}

static void test_convert(void **state)
{
    fail_opening(2 * MAX_ENTRIES, 128);
}

static void test_create(void **state)
{
    int failed = -1;

    check_int("remove", unlink(path), 0);
    for (unsigned n = 0; failed < 0; n++) {
        struct map *map = NULL;
        int r;

        fault_arm(n);
        r = open_with(MAX_ENTRIES, 128, &map);
        failed = fault_disarm();
        if (r != failed && !(r == 0 && failed < 0))
            fail_msg("call %u failed with %d: got %d", n, failed, r);
        if (r == 0) {
            check_unsigned("empty", count_records(map), 0);
            map_close(map);
        }
        (void)unlink(path);
    }
}

static void test_write(void **state)
{
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_KEPT);
    int failed = -1;

    for (unsigned n = 0; failed < 0; n++) {
        int r;

        fault_arm(n);
        r = write_generation(map, ENTRIES, 2);
        failed = fault_disarm();
        check_int("write", r, failed);
        check_generation(map, ENTRIES, failed < 0 ? 1 : 2);
    }
    map_close(map);
}

/* TDB's codes, and what they are to the map's callers. */
static void test_codes(void **state)
{
    static const struct {
        enum TDB_ERROR code;
        int want;
    } cases[] = {
        { TDB_ERR_CORRUPT, -EBADMSG }, { TDB_ERR_IO, -EIO },
        { TDB_ERR_OOM, -ENOMEM },      { TDB_ERR_LOCK, -ENOLCK },
        { TDB_ERR_NOLOCK, -ENOLCK },   { TDB_ERR_LOCK_TIMEOUT, -ENOLCK },
        { TDB_ERR_RDONLY, -EROFS },    { TDB_ERR_NOEXIST, -ENOENT },
    };
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_KEPT);
    struct addr addr = addr_number(0);
    struct record record;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *what = map_error_text(cases[i].want);

        fault_arm_tdb(0, (int)cases[i].code);
        check_int(what, map_get(map, &addr, &record), cases[i].want);
        check_true(what, fault_disarm() < 0);
    }
    check_generation(map, ENTRIES, 1);
    map_close(map);
}

/* A check that could not be made says nothing about the map, which stays in its place. */
static void test_check(void **state)
{
    static const struct {
        enum TDB_ERROR code;
        int want;
    } cases[] = {
        { TDB_ERR_OOM, -ENOMEM },
        { TDB_ERR_LOCK, -ENOLCK },
        { TDB_ERR_NOLOCK, -ENOLCK },
        { TDB_ERR_LOCK_TIMEOUT, -ENOLCK },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *what = map_error_text(cases[i].want);
        struct map *map = NULL;

        fault_arm_tdb(0, (int)cases[i].code);
        check_int(what, open_with(MAX_ENTRIES, 128, &map), cases[i].want);
        check_true(what, fault_disarm() < 0);
        check_kept(what);
    }
}

/* A commit that failed and a code that says nothing: the file system tells. */
static void test_commit_code(void **state)
{
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_KEPT);
    int r;

    /* behind the transaction's start, the entries and the cursor */
    fault_arm_tdb(1 + ENTRIES + 1, TDB_ERR_IO);
    r = write_generation(map, ENTRIES, 2);
    check_true("failed", fault_disarm() < 0);
    check_true("told", r == -EIO || r == -ENOSPC);
    check_generation(map, ENTRIES, 1);
    map_close(map);
}

/* A day of servers of all kinds, each event in a transaction of its own. Ends at the first error,
 * which is returned. */
static int apply(struct stage *stage, const struct rule *rule, enum event_kind kind,
                 const char *addr, const char *session)
{
    struct event event = stage_event(stage, rule, kind, addr, session);
    struct change change;
    size_t ended;
    int r = map_begin(stage->map);

    if (r < 0)
        return r;
    if (table_is_new_run(stage->table, &event))
        r = table_end_run(stage->table, &event, stage->now, &ended);
    if (r == 0)
        r = table_apply(stage->table, &event, stage->now, &change);
    if (r < 0) {
        map_cancel(stage->map);
        return r;
    }
    return map_commit(stage->map);
}

static int pass(struct stage *stage, uint64_t usec)
{
    struct change change;
    bool any = true;
    int r = map_begin(stage->map);

    stage->now += usec;
    if (r < 0)
        return r;
    while (r == 0 && any)
        r = table_expire(stage->table, stage->now, &change, &any);
    if (r < 0) {
        map_cancel(stage->map);
        return r;
    }
    return map_commit(stage->map);
}

static int live(struct stage *stage)
{
    int r = apply(stage, stage->plain, EVENT_LOGIN, "192.0.2.1", NULL);

    if (r == 0)
        r = apply(stage, stage->imap, EVENT_LOGIN, "192.0.2.2", "a");
    if (r == 0)
        r = apply(stage, stage->imap, EVENT_LOGIN, "192.0.2.2", "b");
    if (r == 0)
        r = apply(stage, stage->imap, EVENT_LOGOUT, NULL, "a");
    if (r == 0)
        r = apply(stage, stage->two_line, EVENT_CONNECT, "2001:db8::1", "c");
    if (r == 0)
        r = apply(stage, stage->two_line, EVENT_LOGIN, NULL, "c");
    if (r == 0)
        r = apply(stage, stage->two_line, EVENT_CONNECT, "192.0.2.3", "d");
    if (r == 0)
        r = apply(stage, stage->two_line, EVENT_FAIL, NULL, "d");
    if (r == 0)
        r = pass(stage, HOUR);
    if (r == 0)
        r = apply(stage, stage->two_line, EVENT_LOGOUT, NULL, "c");
    return r == 0 ? pass(stage, 2 * MAX_SESSION) : r;
}

static int load(struct stage *stage)
{
    struct table_policy policy = {
        .rules = stage->rules,
        .local = stage->local,
        .never = stage->never,
        .grace_usec = GRACE,
        .longest_grace_usec = 3 * GRACE,
        .longest_session_usec = MAX_SESSION,
    };
    bool beyond;

    return table_load(stage->table, &policy, stage->now, &beyond);
}

/* After each failure the table is loaded again, and map and memory agree. */
static void test_table(void **state)
{
    int failed = -1;
    unsigned n;

    for (n = 0; failed < 0; n++) {
        struct stage *stage;
        int r;

        (void)unlink(path);
        stage = stage_new(path, MAX_ENTRIES, 128);
        fault_arm(n);
        r = live(stage);
        failed = fault_disarm();
        check_int("what failed is what is told", r, failed);
        (void)stage_reload(stage);
        stage_free(stage);
    }
    check_true("many calls", n > 50);
    print_message("%u calls failed\n", n - 1);
}

static void test_load(void **state)
{
    struct stage *stage;
    int failed = -1;

    (void)unlink(path);
    stage = stage_new(path, MAX_ENTRIES, 128);
    check_int("login", apply(stage, stage->imap, EVENT_LOGIN, "192.0.2.2", "a"), 0);
    check_int("login", apply(stage, stage->plain, EVENT_LOGIN, "192.0.2.1", NULL), 0);
    check_int("connect", apply(stage, stage->two_line, EVENT_CONNECT, "192.0.2.3", "d"), 0);
    for (unsigned n = 0; failed < 0; n++) {
        int r;

        fault_arm(n);
        r = load(stage);
        failed = fault_disarm();
        check_int("load", r, failed);
        (void)stage_reload(stage);
        stage_check(stage, "still there", "192.0.2.1", stage->now + GRACE, 0);
    }
    stage_free(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open, setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_convert, setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_create, setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_write, setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_codes, setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_check, setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_commit_code, setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_table, setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_load, setup, temp_dir_teardown),
    };

    return cmocka_run_group_tests_name("map-faults", tests, NULL, NULL);
}
