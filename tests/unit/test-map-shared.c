/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The map as others see it: programs that know its format, and processes beside the writer. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

static int open_reader_of(const char *path, struct map **ret)
{
    *ret = NULL;
    return map_open_reader(path, ret);
}

/* --- the public format, as other programs see it --- */

static char *raw_fetch(const char *path, const char *key)
{
    struct tdb_context *tdb = tdb_open(path, 0, TDB_NOSYNC, O_RDWR, 0);
    TDB_DATA value;
    char *text;

    assert_non_null(tdb);
    value = tdb_fetch(tdb, (TDB_DATA){ (unsigned char *)key, strlen(key) });
    tdb_close(tdb);
    if (!value.dptr)
        return NULL;
    text = strndup((char *)value.dptr, value.dsize);
    free(value.dptr);
    return text;
}

static void raw_store(const char *path, const char *key, const char *value)
{
    struct tdb_context *tdb = tdb_open(path, 0, TDB_NOSYNC, O_RDWR, 0);

    assert_non_null(tdb);
    assert_int_equal(tdb_store(tdb, (TDB_DATA){ (unsigned char *)key, strlen(key) },
                               (TDB_DATA){ (unsigned char *)value, strlen(value) }, TDB_REPLACE),
                     0);
    tdb_close(tdb);
}

static void test_public_format(void **state)
{
    static const struct {
        const char *key, *value;
    } cases[] = {
        { "192.0.2.10", "100 50 0 dovecot alice" },
        { "2001:db8:1:2::/64", "200 100 0 dovecot two words" },
        { ".format", "1" },
        { ".prefix", "64" },
        { ".cursor/local", "300 s=1;i=2" },
    };
    const char *path = temp_path(FILE_NAME);
    struct map *map = open_writer(path, MAX_ENTRIES, 64, MAP_CREATED);

    check_int("begin", map_begin(map), 0);
    put_user(map, "192.0.2.10", 100, "alice");
    put_user(map, "2001:db8:1:2::10", 200, "two words");
    check_int("cursor", map_put_cursor(map, "local", "s=1;i=2", 300), 0);
    check_int("commit", map_commit(map), 0);
    map_close(map);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *value = raw_fetch(path, cases[i].key);

        check_text(cases[i].key, value, cases[i].value);
        free(value);
    }
}

static int count_unreadable(const struct addr *addr, const struct record *record, void *userdata)
{
    *(int *)userdata += record == NULL;
    return 0;
}

/* One bad record harms nobody else. */
static void test_unreadable_record(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED);
    struct addr bad = addr_from("192.0.2.66");
    struct record record;
    int unreadable = 0;

    check_int("write", write_generation(map, 10, 1), 0);
    map_close(map);
    raw_store(path, "192.0.2.66", "18446744073709551615 for ever");

    check_int("reader", open_reader_of(path, &map), 0);
    check_int("bad record", map_get(map, &bad, &record), -EBADMSG);
    check_int("each", map_each(map, count_unreadable, &unreadable), 0);
    check_int("each", unreadable, 1);
    check_unsigned("others", cursor_generation(map), 1);
    map_close(map);
}

/* --- a second process --- */

static void hold_writer(void *arg, int to_parent, int from_parent)
{
    struct map_options options = map_options_for(temp_path(FILE_NAME), MAX_ENTRIES, 128);
    struct map *map;
    enum map_state map_state;
    char byte;

    CHILD_CHECK(map_open_writer(&options, &map, &map_state) == 0);
    if (*(const bool *)arg) {
        CHILD_CHECK(write_generation(map, 10, 5) == 0);
        CHILD_CHECK(map_publish(map) == 0);
    }
    CHILD_CHECK(write(to_parent, "", 1) == 1);
    CHILD_CHECK(read(from_parent, &byte, 1) == 0);
    map_close(map);
}

static void test_one_writer(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map_options options = map_options_for(path, MAX_ENTRIES, 128);
    struct map *map = NULL;
    enum map_state map_state;

    for (int publish = 0; publish < 2; publish++) {
        struct child child = child_start(hold_writer, &(bool){ publish });

        child_wait_byte(&child);
        check_int("second writer", map_open_writer(&options, &map, &map_state), -EBUSY);
        check_true("second writer", map == NULL);
        check_int("reader", open_reader_of(path, &map), publish ? 0 : -ENOENT);
        if (publish)
            check_generation(map, 10, 5);
        map_close(map);
        map = NULL;
        child_finish(&child);
    }
    map = open_writer(path, MAX_ENTRIES, 128, MAP_KEPT);
    check_generation(map, 10, 5);
    map_close(map);
}

static void test_reader_errors(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = NULL;
    int r;

    check_int("no file", map_open_reader(path, &map), -ENOENT);
    check_int("no directory", map_open_reader(temp_path("none/map.tdb"), &map), -ENOENT);
    check_true("untouched", map == NULL);
    check_unsigned("made nothing", temp_count(), 0);
    map_close(open_writer(path, MAX_ENTRIES, 128, MAP_CREATED));
    assert_int_equal(chmod(path, 0), 0);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    r = map_open_reader(path, &map);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    check_int("not permitted", r, -EACCES);
    check_true("untouched", map == NULL);
}

int main(void)
{
#define in_temp_dir(test) cmocka_unit_test_setup_teardown(test, temp_dir_setup, temp_dir_teardown)
    const struct CMUnitTest tests[] = {
        in_temp_dir(test_public_format),
        in_temp_dir(test_unreadable_record),
        in_temp_dir(test_one_writer),
        in_temp_dir(test_reader_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
