/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The map as its writer and its readers use it when nothing goes wrong with the file. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "map-support.h"
#include "random.h"
#include "temp-dir.h"

#define FILE_NAME "map.tdb"

static int open_reader_of(const char *path, struct map **ret)
{
    *ret = NULL;
    return map_open_reader(path, ret);
}

static void test_created(void **state)
{
    struct map_options options = map_options_for(temp_path(FILE_NAME), MAX_ENTRIES, 128);
    mode_t mask = umask(0077);
    struct map *map = NULL;
    enum map_state map_state = MAP_KEPT;
    struct stat st;

    check_int("open", map_open_writer(&options, &map, &map_state), 0);
    (void)umask(mask);
    check_int("state", map_state, MAP_CREATED);
    check_true("nothing was put aside", map_set_aside(map) == NULL);
    check_int("invisible", stat(options.path, &st), -1);
    check_int("transaction before it is published", write_generation(map, 3, 1), 0);
    check_int("publish", map_publish(map), 0);
    check_int("publish again", map_publish(map), 0);
    check_int("visible", stat(options.path, &st), 0);
    check_unsigned("mode", st.st_mode & 07777, 0660);
    check_unsigned("one file", temp_count(), 1);
    check_generation(map, 3, 1);
    check_int("transaction after", write_generation(map, 4, 2), 0);
    map_close(map);

    check_int("reader", open_reader_of(options.path, &map), 0);
    check_unsigned("prefix", map_ipv6_bits(map), 128);
    check_generation(map, 4, 2);
    map_close(map);
    assert_null(map_close(NULL));
}

static void test_kept(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = open_writer(path, MAX_ENTRIES, 64, MAP_CREATED);
    struct stat before, after;
    enum map_state map_state;
    struct map_options options = map_options_for(path, MAX_ENTRIES, 64);

    check_int("write", write_generation(map, 100, 7), 0);
    map_close(map);
    assert_int_equal(stat(path, &before), 0);

    check_int("open", map_open_writer(&options, &map, &map_state), 0);
    check_int("state", map_state, MAP_KEPT);
    assert_int_equal(stat(path, &after), 0);
    check_unsigned("same file, in its place at once", after.st_ino, before.st_ino);
    check_generation(map, 100, 7);
    map_close(map);
}

/* What an unpublished map learned is not lost if the writer dies before it is ready. */
static void test_never_published(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map_options options = map_options_for(path, MAX_ENTRIES, 128);
    struct map *map, *reader;
    enum map_state map_state;

    check_int("open", map_open_writer(&options, &map, &map_state), 0);
    check_int("write", write_generation(map, 5, 1), 0);
    check_int("a reader cannot tell", open_reader_of(path, &reader), -ENOENT);
    map_close(map);
    check_int("a reader cannot tell", open_reader_of(path, &reader), -ENOENT);

    map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED);
    check_int("write", write_generation(map, 6, 2), 0);
    check_generation(map, 6, 2);
    map_close(map);
    check_unsigned("one file", temp_count(), 1);
}

static void test_get_and_delete(void **state)
{
    struct map *map = open_writer(temp_path(FILE_NAME), MAX_ENTRIES, 128, MAP_CREATED);
    struct addr mapped = addr_from("::ffff:192.0.2.10"), other = addr_from("192.0.2.11");

    check_user(map, "192.0.2.10", NULL);
    check_int("begin", map_begin(map), 0);
    put_user(map, "192.0.2.10", 100, "alice");
    put_user(map, "2001:db8::10", 100, "two words, ip=[6.6.6.6]");
    put_user(map, "192.0.2.10", 200, "bob");
    check_user(map, "192.0.2.10", "bob"); /* the writer sees its own changes */
    check_int("commit", map_commit(map), 0);
    check_user(map, "192.0.2.10", "bob");
    check_user(map, "::ffff:192.0.2.10", "bob");
    check_user(map, "2001:db8::10", "two words, ip=[6.6.6.6]");
    check_user(map, "2001:db8::11", NULL);
    check_unsigned("records", count_records(map), 2);

    check_int("begin", map_begin(map), 0);
    check_int("delete", map_delete(map, &mapped), 0);
    check_true("delete what is not there", map_delete(map, &other) <= 0);
    map_cancel(map);
    check_user(map, "192.0.2.10", "bob");
    check_int("begin", map_begin(map), 0);
    check_int("delete", map_delete(map, &mapped), 0);
    check_int("commit", map_commit(map), 0);
    check_user(map, "192.0.2.10", NULL);
    check_unsigned("records", count_records(map), 1);
    map_close(map);
}

static void test_cancel(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED);
    struct addr addr = addr_number(0);

    check_int("write", write_generation(map, 50, 1), 0);
    check_int("begin", map_begin(map), 0);
    put_user(map, "192.0.2.10", 100, "alice");
    check_int("delete", map_delete(map, &addr), 0);
    check_int("cursor", map_put_cursor(map, "local", "other", 99), 0);
    check_int("cursor", map_put_cursor(map, "new", "other", 99), 0);
    map_cancel(map);
    check_generation(map, 50, 1);
    map_cancel(map); /* without a transaction it is nothing */
    map_close(map);

    map = open_writer(path, MAX_ENTRIES, 128, MAP_KEPT);
    check_generation(map, 50, 1);
    check_int("begin", map_begin(map), 0);
    put_user(map, "192.0.2.10", 100, "alice");
    map_close(map); /* a transaction that is open then has not happened */
    map = open_writer(path, MAX_ENTRIES, 128, MAP_KEPT);
    check_generation(map, 50, 1);
    map_close(map);
}

static void test_cursors(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED);
    static const char long_source[] = "/var/log/journal/remote/with a blank/and=equals";
    char long_cursor[600], *cursor = NULL;
    uint64_t usec = 5;

    memset(long_cursor, 's', sizeof(long_cursor) - 1);
    long_cursor[sizeof(long_cursor) - 1] = '\0';
    check_int("never read", map_get_cursor(map, "local", &cursor, &usec), -ENOENT);
    check_true("untouched", cursor == NULL && usec == 5);
    check_int("begin", map_begin(map), 0);
    check_int("put", map_put_cursor(map, "local", "s=53d2;i=11b;b=a05a;m=7cae;t=660d;x=4a82", 1),
              0);
    check_int("put", map_put_cursor(map, "local", "s=53d2;i=11c;b=a05a;m=7cae;t=660d;x=4a82", 2),
              0);
    check_int("put", map_put_cursor(map, long_source, long_cursor, UINT64_MAX), 0);
    check_int("commit", map_commit(map), 0);
    map_close(map);

    check_int("reader", open_reader_of(path, &map), 0);
    check_int("local", map_get_cursor(map, "local", &cursor, &usec), 0);
    check_text("local", cursor, "s=53d2;i=11c;b=a05a;m=7cae;t=660d;x=4a82");
    check_unsigned("local", usec, 2);
    free(cursor);
    check_int("long", map_get_cursor(map, long_source, &cursor, &usec), 0);
    check_text("long", cursor, long_cursor);
    check_unsigned("long", usec, UINT64_MAX);
    free(cursor);
    check_int("other", map_get_cursor(map, "loca", &cursor, &usec), -ENOENT);
    check_unsigned("a cursor is no record", count_records(map), 0);
    map_close(map);
}

static void test_prefix(void **state)
{
    struct map *map = open_writer(temp_path(FILE_NAME), MAX_ENTRIES, 64, MAP_CREATED);

    check_int("begin", map_begin(map), 0);
    put_user(map, "2001:db8:1:2:aaaa:bbbb:cccc:dddd", 100, "alice");
    put_user(map, "192.0.2.10", 100, "bob");
    check_int("commit", map_commit(map), 0);
    check_user(map, "2001:db8:1:2::1", "alice");
    check_user(map, "2001:db8:1:2:ffff:ffff:ffff:ffff", "alice");
    check_user(map, "2001:db8:1:3::", NULL);
    check_user(map, "2001:db8:1:1:ffff:ffff:ffff:ffff", NULL);
    check_user(map, "192.0.2.10", "bob");
    check_user(map, "192.0.2.11", NULL);
    map_close(map);
}

static int find_group(const struct addr *addr, const struct record *record, void *userdata)
{
    struct addr want = addr_from("2001:db8:1:2::");

    check_bytes("the group's address", addr, sizeof(*addr), &want, sizeof(want));
    ++*(int *)userdata;
    return 0;
}

static int stop_at_once(const struct addr *addr, const struct record *record, void *userdata)
{
    ++*(int *)userdata;
    return 42;
}

static void test_each(void **state)
{
    struct map *map = open_writer(temp_path(FILE_NAME), MAX_ENTRIES, 64, MAP_CREATED);
    int calls = 0;

    check_int("empty", map_each(map, find_group, &calls), 0);
    check_int("begin", map_begin(map), 0);
    put_user(map, "2001:db8:1:2::7", 100, "alice");
    check_int("commit", map_commit(map), 0);
    check_int("each", map_each(map, find_group, &calls), 0);
    check_int("each", calls, 1);
    check_int("write", write_generation(map, 100, 1), 0);
    calls = 0;
    check_int("ends early", map_each(map, stop_at_once, &calls), 42);
    check_int("ends early", calls, 1);
    map_close(map);
}

static void test_in_memory(void **state)
{
    struct map *map = open_writer(NULL, MAX_ENTRIES, 128, MAP_CREATED);

    check_int("write", write_generation(map, 100, 1), 0);
    check_generation(map, 100, 1);
    check_int("write", write_generation(map, 100, 2), 0);
    check_generation(map, 100, 2);
    check_true("nothing was put aside", map_set_aside(map) == NULL);
    map_close(map);
    check_unsigned("no file", temp_count(), 0);
}

/* --- many records --- */

#define ADDRESSES 4000

static void random_change(struct map *map, uint64_t expires[static ADDRESSES])
{
    unsigned number = (unsigned)random_below(ADDRESSES);
    struct addr addr = addr_number(number);

    if (expires[number] && random_below(3) == 0) {
        check_int("delete", map_delete(map, &addr), 0);
        expires[number] = 0;
    } else {
        struct record record = record_of(1 + random_magnitude() / 2, 1, "u");

        check_int("put", map_put(map, &addr, &record), 0);
        expires[number] = record.expires_usec;
    }
}

static void check_all(struct map *map, const uint64_t expires[static ADDRESSES])
{
    size_t count = 0;

    for (unsigned i = 0; i < ADDRESSES; i++) {
        struct addr addr = addr_number(i);
        struct record record = { 0 };

        check_int("get", map_get(map, &addr, &record), expires[i] ? 0 : -ENOENT);
        check_unsigned("get", record.expires_usec, expires[i]);
        count += expires[i] > 0;
    }
    check_unsigned("records", count_records(map), count);
}

static void test_random(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = open_writer(path, 5000, 128, MAP_CREATED);
    static uint64_t expires[ADDRESSES], before[ADDRESSES];

    memset(expires, 0, sizeof(expires));
    for (int round = 0; round < 30; round++) {
        memcpy(before, expires, sizeof(before));
        check_int("begin", map_begin(map), 0);
        for (uint64_t n = random_below(500); n > 0; n--)
            random_change(map, expires);
        if (random_below(4)) {
            check_int("commit", map_commit(map), 0);
        } else {
            map_cancel(map);
            memcpy(expires, before, sizeof(expires));
        }
        if (round % 10 == 9) {
            map_close(map);
            map = open_writer(path, 5000, 128, MAP_KEPT);
            check_all(map, expires);
        }
    }
    map_close(map);
}

int main(void)
{
#define in_temp_dir(test) cmocka_unit_test_setup_teardown(test, temp_dir_setup, temp_dir_teardown)
    const struct CMUnitTest tests[] = {
        in_temp_dir(test_created),         in_temp_dir(test_kept),
        in_temp_dir(test_never_published), in_temp_dir(test_get_and_delete),
        in_temp_dir(test_cancel),          in_temp_dir(test_cursors),
        in_temp_dir(test_prefix),          in_temp_dir(test_each),
        in_temp_dir(test_in_memory),       in_temp_dir(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
