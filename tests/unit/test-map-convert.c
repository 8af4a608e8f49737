/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A map that is made anew for other settings, and readers that notice. */

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

/* tdb.h does not include what it needs. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <tdb.h>

#include "check.h"
#include "child.h"
#include "map-support.h"
#include "temp-dir.h"

#define FILE_NAME "map.tdb"
#define RECORDS   300

static int raw_hash_size(const char *path)
{
    struct tdb_context *tdb = tdb_open(path, 0, TDB_NOSYNC, O_RDWR, 0);
    int size;

    assert_non_null(tdb);
    size = tdb_hash_size(tdb);
    tdb_close(tdb);
    return size;
}

/* The table's size follows MaxEntries=, or stores get slower with every address. */
static void test_max_entries(void **state)
{
    static const unsigned sizes[] = { 1000, 5000, 1000, 1, 100000, 7 };
    const char *path = temp_path(FILE_NAME);
    struct map *map = open_writer(path, 500, 128, MAP_CREATED);

    check_int("write", write_generation(map, RECORDS, 7), 0);
    map_close(map);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        map = open_writer(path, sizes[i], 128, MAP_CONVERTED);
        check_true("nothing was put aside", map_set_aside(map) == NULL);
        check_generation(map, RECORDS, 7);
        map_close(map);
        check_unsigned("one file", temp_count(), 1);
        check_true("hash size", raw_hash_size(path) >= (int)sizes[i]);
        map = open_writer(path, sizes[i], 128, MAP_KEPT);
        check_generation(map, RECORDS, 7);
        check_int("write", write_generation(map, RECORDS, 7), 0);
        map_close(map);
    }
}

static struct map *map_with_neighbours(const char *path, unsigned bits)
{
    struct map *map = open_writer(path, MAX_ENTRIES, bits, MAP_CREATED);

    check_int("begin", map_begin(map), 0);
    put_user(map, "2001:db8:1:2::a", 100, "first");
    put_user(map, "2001:db8:1:2::b", 300, "last");
    put_user(map, "2001:db8:1:2::c", 200, "middle");
    put_user(map, "2001:db8:1:3::a", 100, "neighbour");
    put_user(map, "192.0.2.10", 100, "bob");
    put_user(map, "192.0.2.11", 100, "carol");
    check_int("cursor", map_put_cursor(map, "local", "s=1", 50), 0);
    check_int("commit", map_commit(map), 0);
    return map;
}

static void test_shorter_prefix(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = map_with_neighbours(path, 128);
    char *cursor = NULL;
    uint64_t usec;

    map_close(map);
    map = open_writer(path, MAX_ENTRIES, 64, MAP_CONVERTED);
    check_user(map, "2001:db8:1:2::ffff", "last"); /* the one that lasts longest stands for all */
    check_user(map, "2001:db8:1:3::ffff", "neighbour");
    check_user(map, "2001:db8:1:4::", NULL);
    check_user(map, "192.0.2.10", "bob");
    check_user(map, "192.0.2.11", "carol");
    check_user(map, "192.0.2.12", NULL);
    check_unsigned("records", count_records(map), 4);
    check_int("cursor", map_get_cursor(map, "local", &cursor, &usec), 0);
    check_text("cursor", cursor, "s=1");
    free(cursor);
    map_close(map);
}

static void test_longer_prefix(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = map_with_neighbours(path, 64);
    char *cursor = NULL;
    uint64_t usec;

    map_close(map);
    map = open_writer(path, MAX_ENTRIES, 128, MAP_CONVERTED);
    /* Who in the network it was is not known: the journal says it when it is read again. */
    check_user(map, "2001:db8:1:2::", NULL);
    check_user(map, "2001:db8:1:2::a", NULL);
    check_user(map, "192.0.2.10", "bob");
    check_user(map, "192.0.2.11", "carol");
    check_unsigned("records", count_records(map), 2);
    check_int("cursor", map_get_cursor(map, "local", &cursor, &usec), -ENOENT);
    map_close(map);
}

static void put_held(struct map *map, const char *address, uint64_t expires_usec,
                     uint64_t login_usec, uint32_t sessions, const char *user)
{
    struct record record = record_of(expires_usec, login_usec, user);
    struct addr addr = addr_from(address);

    record.sessions = sessions;
    check_int(address, map_put(map, &addr, &record), 0);
}

static void put_session(struct map *map, const char *key, const char *address)
{
    struct session session = { .state = SESSION_OPEN, .since_usec = 7, .unit = "u", .user = "x" };

    session.addr = addr_from(address);
    check_int(key, map_put_session(map, key, &session), 0);
}

static void check_session(struct map *map, const char *key, const char *address)
{
    struct session session = { 0 };
    struct addr addr = addr_from(address);

    check_int(key, map_get_session(map, key, &session), 0);
    check_int(key, session.state, SESSION_OPEN);
    check_unsigned(key, session.since_usec, 7);
    check_int(key, addr_compare(&session.addr, &addr), 0);
}

static void put_grace(struct map *map, const char *address, uint64_t until_usec)
{
    struct addr addr = addr_from(address);

    check_int(address, map_put_grace(map, &addr, until_usec), 0);
}

/* 0: there is none. */
static void check_grace(struct map *map, const char *address, uint64_t want)
{
    struct addr addr = addr_from(address);
    uint64_t until_usec = 0;

    check_int(address, map_get_grace(map, &addr, &until_usec), want ? 0 : -ENOENT);
    check_unsigned(address, until_usec, want);
}

static struct map *map_with_sessions(const char *path, unsigned bits)
{
    struct map *map = open_writer(path, MAX_ENTRIES, bits, MAP_CREATED);

    check_int("begin", map_begin(map), 0);
    put_held(map, "192.0.2.10", 500, 400, 1, "bob");
    put_held(map, "2001:db8:1:2::a", 900, 100, 2, "longest");
    put_grace(map, "192.0.2.10", 450);
    put_session(map, "@r/1/s0", "192.0.2.10");
    put_session(map, "@r/1/s1", "2001:db8:1:2::a");
    put_session(map, "@r/1/s2 /", "2001:db8:1:2::a");
    check_int("cursor", map_put_cursor(map, "local", "s=1", 50), 0);
    check_int("doubts", map_put_doubts(map, "local", "r", "1 2 3"), 0);
    check_int("commit", map_commit(map), 0);
    return map;
}

static void check_held(struct map *map, const char *address, uint64_t expires_usec,
                       uint64_t login_usec, uint32_t sessions, const char *user)
{
    struct addr addr = addr_from(address);
    struct record record;

    check_int(address, map_get(map, &addr, &record), 0);
    check_unsigned(address, record.expires_usec, expires_usec);
    check_unsigned(address, record.login_usec, login_usec);
    check_unsigned(address, record.sessions, sessions);
    check_text(address, record.user, user);
}

/* Sessions stay open, and so do doubts, whatever the new size. */
static void test_sessions_survive(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = map_with_sessions(path, 128);
    char doubts[16];

    map_close(map);
    map = open_writer(path, 5000, 128, MAP_CONVERTED);
    check_session(map, "@r/1/s0", "192.0.2.10");
    check_session(map, "@r/1/s1", "2001:db8:1:2::a");
    check_session(map, "@r/1/s2 /", "2001:db8:1:2::a");
    check_held(map, "192.0.2.10", 500, 400, 1, "bob");
    check_held(map, "2001:db8:1:2::a", 900, 100, 2, "longest");
    check_grace(map, "192.0.2.10", 450);
    check_grace(map, "2001:db8:1:2::a", 0);
    check_int("doubts", map_get_doubts(map, "local", "r", doubts, sizeof(doubts)), 0);
    check_text("doubts", doubts, "1 2 3");
    map_close(map);
}

/* Clients of one network become one: with all their sessions, the later expiry and the later login.
 */
static void test_sessions_merge(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = map_with_sessions(path, 128);

    check_int("begin", map_begin(map), 0);
    put_held(map, "2001:db8:1:2::b", 300, 290, 1, "latest");
    put_session(map, "@r/1/s3", "2001:db8:1:2::b");
    put_held(map, "2001:db8:1:2::c", 310, 280, 0, "no session");
    put_held(map, "2001:db8:1:3::a", 600, 500, 1, "next network");
    put_grace(map, "2001:db8:1:3::a", 550);
    put_held(map, "2001:db8:1:3::b", 700, 490, 1, "next network");
    put_grace(map, "2001:db8:1:3::b", 560);
    check_int("commit", map_commit(map), 0);
    map_close(map);
    map = open_writer(path, MAX_ENTRIES, 64, MAP_CONVERTED);
    check_held(map, "2001:db8:1:2::", 900, 290, 3, "latest");
    check_held(map, "192.0.2.10", 500, 400, 1, "bob");
    check_session(map, "@r/1/s1", "2001:db8:1:2::a");
    check_session(map, "@r/1/s3", "2001:db8:1:2::b");
    check_unsigned("records", count_records(map), 3);
    /* What the client without a session has stays to its network when the sessions have ended. */
    check_grace(map, "2001:db8:1:2::", 310);
    check_grace(map, "2001:db8:1:3::", 560);
    check_grace(map, "192.0.2.10", 450);
    map_close(map);
}

/* Who in the network had a session is not asked: the journal is read again. */
static void test_sessions_are_dropped(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = map_with_sessions(path, 64);
    struct session session;
    char *cursor = NULL;
    uint64_t usec;

    map_close(map);
    map = open_writer(path, MAX_ENTRIES, 96, MAP_CONVERTED);
    check_user(map, "2001:db8:1:2::a", NULL);
    check_user(map, "192.0.2.10", "bob");
    check_int("session", map_get_session(map, "@r/1/s0", &session), -ENOENT);
    check_int("session", map_get_session(map, "@r/1/s1", &session), -ENOENT);
    check_int("cursor", map_get_cursor(map, "local", &cursor, &usec), -ENOENT);
    check_grace(map, "192.0.2.10", 0);
    map_close(map);
}

/* What happens to the file while the other process has it open. */
static void convert(void *arg, int to_parent, int from_parent)
{
    struct map_options options = map_options_for(temp_path(FILE_NAME), 5000, 64);
    struct map *map;
    enum map_state state;
    char byte;

    CHILD_CHECK(read(from_parent, &byte, 1) == 0); /* waits for child_finish() */
    CHILD_CHECK(map_open_writer(&options, &map, &state) == 0);
    CHILD_CHECK(state == MAP_CONVERTED);
    CHILD_CHECK(write_generation(map, RECORDS, 2) == 0);
    map_close(map);
}

static void test_refresh(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED), *reader;
    struct child child;

    check_int("write", write_generation(map, RECORDS, 1), 0);
    map_close(map);
    child = child_start(convert, NULL); /* now: a child must not inherit an open TDB */
    check_int("reader", map_open_reader(path, &reader), 0);
    check_int("nothing new", map_refresh(reader), 0);
    check_generation(reader, RECORDS, 1);

    child_finish(&child);
    check_generation(reader, RECORDS, 1); /* the old file, as long as nobody asks */
    check_unsigned("prefix", map_ipv6_bits(reader), 128);
    check_int("another file", map_refresh(reader), 0);
    check_generation(reader, RECORDS, 2);
    check_unsigned("prefix", map_ipv6_bits(reader), 64);
    check_user(reader, "2001:db8:0:1:ffff::", "generation 2");
    check_int("nothing new", map_refresh(reader), 0);
    map_close(reader);
}

static void test_refresh_fails(void **state)
{
    const char *path = temp_path(FILE_NAME), *away = temp_path("away");
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED), *reader;
    FILE *file;

    check_int("write", write_generation(map, RECORDS, 1), 0);
    map_close(map);
    check_int("reader", map_open_reader(path, &reader), 0);

    assert_int_equal(rename(path, away), 0);
    check_int("gone", map_refresh(reader), -ENOENT);
    check_generation(reader, RECORDS, 1);

    file = fopen(path, "we");
    assert_non_null(file);
    fputs("not a map\n", file);
    assert_int_equal(fclose(file), 0);
    check_int("foreign", map_refresh(reader), -EMEDIUMTYPE);
    check_generation(reader, RECORDS, 1);

    assert_int_equal(rename(away, path), 0);
    check_int("back", map_refresh(reader), 0);
    check_generation(reader, RECORDS, 1);
    map_close(reader);
}

int main(void)
{
#define in_temp_dir(test) cmocka_unit_test_setup_teardown(test, temp_dir_setup, temp_dir_teardown)
    const struct CMUnitTest tests[] = {
        in_temp_dir(test_max_entries),    in_temp_dir(test_shorter_prefix),
        in_temp_dir(test_longer_prefix),  in_temp_dir(test_refresh),
        in_temp_dir(test_refresh_fails),  in_temp_dir(test_sessions_survive),
        in_temp_dir(test_sessions_merge), in_temp_dir(test_sessions_are_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
