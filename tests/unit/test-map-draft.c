/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a transaction reads of its own changes, and what of them reaches the file. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "map-support.h"
#include "store/map-private.h"
#include "temp-dir.h"

static const char session_key[] = "@imap/run/1";

static struct session open_session(void)
{
    return (struct session){
        .state = SESSION_OPEN, .since_usec = 5, .addr = addr_from("192.0.2.1"), .unit = "a.service"
    };
}

static bool is_in_file(const struct map *map, const char *key)
{
    return tdb_exists(map->tdb, string_data(key));
}

static void test_own_changes(void **state)
{
    struct map *map = open_writer(temp_path("map.tdb"), MAX_ENTRIES, 128, MAP_CREATED);
    struct addr addr = addr_from("192.0.2.1"), absent = addr_from("192.0.2.2");
    struct record record;

    check_int("begin", map_begin(map), 0);
    check_int("not yet", map_get(map, &addr, &record), -ENOENT);
    put_user(map, "192.0.2.1", 10, "alice");
    check_user(map, "192.0.2.1", "alice");
    put_user(map, "192.0.2.1", 20, "bob");
    check_user(map, "192.0.2.1", "bob");
    check_int("delete", map_delete(map, &addr), 0);
    check_int("deleted", map_get(map, &addr, &record), -ENOENT);
    check_int("twice", map_delete(map, &addr), -ENOENT);
    check_int("never there", map_delete(map, &absent), -ENOENT);
    put_user(map, "192.0.2.1", 30, "carol");
    check_int("commit", map_commit(map), 0);
    check_user(map, "192.0.2.1", "carol");

    check_int("begin", map_begin(map), 0);
    check_int("delete unread", map_delete(map, &addr), 0);
    put_user(map, "192.0.2.2", 30, "dave");
    map_cancel(map);
    check_user(map, "192.0.2.1", "carol");
    check_user(map, "192.0.2.2", NULL);

    check_int("begin", map_begin(map), 0);
    check_int("delete unread", map_delete(map, &addr), 0);
    check_int("commit", map_commit(map), 0);
    check_true("gone from the file", !is_in_file(map, "192.0.2.1"));
    map_close(map);
}

/* What comes and goes inside a transaction leaves no trace; what was there goes. */
static void test_sessions(void **state)
{
    struct map *map = open_writer(temp_path("map.tdb"), MAX_ENTRIES, 128, MAP_CREATED);
    struct session session = open_session(), got;

    for (unsigned commits_between = 0; commits_between < 2; commits_between++) {
        check_int("begin", map_begin(map), 0);
        check_int("absent", map_get_session(map, session_key, &got), -ENOENT);
        check_int("put", map_put_session(map, session_key, &session), 0);
        if (commits_between) {
            check_int("commit", map_commit(map), 0);
            check_true("in the file", is_in_file(map, session_key));
            check_int("begin", map_begin(map), 0);
        }
        check_int("get", map_get_session(map, session_key, &got), 0);
        check_unsigned("since", got.since_usec, 5);
        check_int("delete", map_delete_session(map, session_key), 0);
        check_int("commit", map_commit(map), 0);
        check_true("not in the file", !is_in_file(map, session_key));
    }
    map_close(map);
}

/* A record that cannot be read is an error each time that it is asked for, and can be removed. */
static void test_damaged(void **state)
{
    struct map *map = open_writer(temp_path("map.tdb"), MAX_ENTRIES, 128, MAP_CREATED);
    struct addr addr = addr_from("192.0.2.1");
    struct record record;

    check_int("begin", map_begin(map), 0);
    check_int("store", map_store(map, "192.0.2.1", "junk", 4), 0);
    check_int("commit", map_commit(map), 0);
    check_int("begin", map_begin(map), 0);
    check_int("read", map_get(map, &addr, &record), -EBADMSG);
    check_int("again", map_get(map, &addr, &record), -EBADMSG);
    check_int("delete", map_delete(map, &addr), 0);
    check_int("read", map_get(map, &addr, &record), -ENOENT);
    check_int("commit", map_commit(map), 0);
    check_int("read", map_get(map, &addr, &record), -ENOENT);
    map_close(map);
}

static int count_one(const struct addr *addr, const struct record *record, void *userdata)
{
    ++*(unsigned *)userdata;
    return 0;
}

/* More than is kept in memory at a time; and a scan sees what has not been committed. */
static void test_large(void **state)
{
    struct map *map = open_writer(temp_path("map.tdb"), 100000, 128, MAP_CREATED);
    struct record record = record_of(10, 5, "alice");
    unsigned seen = 0;

    check_int("begin", map_begin(map), 0);
    for (unsigned i = 0; i < 40000; i++) {
        struct addr addr = addr_number(i);

        check_int("put", map_put(map, &addr, &record), 0);
    }
    for (unsigned i = 0; i < 40000; i += 2) {
        struct addr addr = addr_number(i);

        check_int("delete", map_delete(map, &addr), 0);
    }
    check_int("scan", map_each(map, count_one, &seen), 0);
    check_unsigned("seen", seen, 20000);
    check_int("commit", map_commit(map), 0);
    check_unsigned("kept", count_records(map), 20000);
    map_close(map);
}

int main(void)
{
#define in_temp_dir(test) cmocka_unit_test_setup_teardown(test, temp_dir_setup, temp_dir_teardown)
    const struct CMUnitTest tests[] = {
        in_temp_dir(test_own_changes),
        in_temp_dir(test_sessions),
        in_temp_dir(test_damaged),
        in_temp_dir(test_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
