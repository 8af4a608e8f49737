/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files that are damaged, files that belong to somebody else, and disks that are full. */

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* tdb.h does not include what it needs. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <tdb.h>

#include "check.h"
#include "child.h"
#include "core/cleanup.h"
#include "export-file.h"
#include "map-support.h"
#include "random.h"
#include "temp-dir.h"

#define FILE_NAME "map.tdb"
#define RECORDS   200

static void write_file(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void check_file(const char *path, const void *data, size_t len)
{
    size_t got_len;
    _cleanup_(freep) char *got = read_whole_file(path, &got_len);

    check_unsigned(path, got_len, len);
    check_true(path, memcmp(got, data, len) == 0);
}

/* The bytes of a map with generation 1 of RECORDS records. */
static char *map_bytes(size_t *ret_len)
{
    const char *path = temp_path("good.tdb");
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED);
    char *bytes;

    check_int("write", write_generation(map, RECORDS, 1), 0);
    map_close(map);
    bytes = read_whole_file(path, ret_len);
    assert_int_equal(unlink(path), 0);
    return bytes;
}

static int pass(const struct addr *addr, const struct record *record, void *userdata)
{
    return 0;
}

/* A writer that checks the map while it reads it finds the same. */
static void check_later(const char *what, const char *bytes, size_t len, bool is_damaged)
{
    const char *path = temp_path("later.tdb");
    struct map_options options = map_options_for(path, MAX_ENTRIES, 128);
    struct map *map = NULL;
    enum map_state state = MAP_KEPT;

    options.checks_later = true;
    write_file(path, bytes, len);
    check_int(what, map_open_writer(&options, &map, &state), 0);
    if (state == MAP_KEPT)
        check_int(what, map_each(map, pass, NULL), is_damaged ? -EBADMSG : 0);
    else
        check_true(what, is_damaged && state == MAP_REPLACED);
    check_int(what, map_publish(map), 0);
    if (map_set_aside(map))
        assert_int_equal(unlink(map_set_aside(map)), 0);
    map_close(map);
    assert_int_equal(unlink(path), 0);
}

/* Neither a writer nor a reader touches what is not ours. */
static void check_refused(const char *what, const char *path, int want)
{
    struct map_options options = map_options_for(path, MAX_ENTRIES, 128);
    struct map *map = NULL;
    enum map_state state;
    size_t files = temp_count();

    check_int(what, map_open_writer(&options, &map, &state), want);
    check_int(what, map_open_reader(path, &map), want);
    check_true(what, map == NULL);
    check_unsigned(what, temp_count(), files);
}

static void test_foreign_text(void **state)
{
    static const char *const files[] = {
        "root:x:0:0:root:/root:/bin/bash\n",
        "#!/usr/bin/perl\nuse strict;\n",
        "x",
        "TDB file of another kind\n\n", /* nearly the magic */
        "SQLite format 3",
    };
    const char *path = temp_path(FILE_NAME);
    struct stat before, after;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        write_file(path, files[i], strlen(files[i]));
        assert_int_equal(stat(path, &before), 0);
        check_refused(files[i], path, -EMEDIUMTYPE);
        check_file(path, files[i], strlen(files[i]));
        assert_int_equal(stat(path, &after), 0);
        check_unsigned(files[i], after.st_ino, before.st_ino);
        check_unsigned(files[i], after.st_mode, before.st_mode);
        check_true(files[i], after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
                                 after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
    }
}

static void test_foreign_large(void **state)
{
    const char *path = temp_path(FILE_NAME);
    static char noise[100000];

    random_bytes(noise, sizeof(noise));
    write_file(path, noise, sizeof(noise));
    check_refused("noise", path, -EMEDIUMTYPE);
    check_file(path, noise, sizeof(noise));
}

static struct tdb_context *raw_open(const char *path, int flags)
{
    struct tdb_context *tdb = tdb_open(path, 0, TDB_NOSYNC, flags, 0600);

    assert_non_null(tdb);
    return tdb;
}

static void raw_store(struct tdb_context *tdb, const char *key, const char *value)
{
    assert_int_equal(tdb_store(tdb, (TDB_DATA){ (unsigned char *)key, strlen(key) },
                               (TDB_DATA){ (unsigned char *)value, strlen(value) }, TDB_REPLACE),
                     0);
}

/* A TDB that another program keeps. */
static void test_foreign_tdb(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct tdb_context *tdb = raw_open(path, O_RDWR | O_CREAT);
    size_t len;

    raw_store(tdb, "INFO/version", "2");
    raw_store(tdb, "192.0.2.10", "some record");
    tdb_close(tdb);

    _cleanup_(freep) char *bytes = read_whole_file(path, &len);

    check_refused("foreign TDB", path, -EMEDIUMTYPE);
    check_file(path, bytes, len);
}

static void test_other_version(void **state)
{
    static const char *const versions[] = { "2", "999", "", "1 ", "one" };
    const char *path = temp_path(FILE_NAME);

    map_close(open_writer(path, MAX_ENTRIES, 128, MAP_CREATED));
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        struct tdb_context *tdb = raw_open(path, O_RDWR);
        size_t len;

        raw_store(tdb, ".format", versions[i]);
        tdb_close(tdb);

        _cleanup_(freep) char *bytes = read_whole_file(path, &len);

        check_refused(versions[i], path, -EPROTONOSUPPORT);
        check_file(path, bytes, len);
    }
}

static void test_not_a_file(void **state)
{
    const char *directory = temp_path("directory"), *fifo = temp_path("fifo");
    const char *link = temp_path("link"), *target = temp_path("target");

    assert_int_equal(mkdir(directory, 0700), 0);
    check_refused("directory", directory, -EMEDIUMTYPE);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    check_refused("FIFO", fifo, -EMEDIUMTYPE); /* and does not wait for its other end */
    check_refused("device", "/dev/null", -EMEDIUMTYPE);
    write_file(target, "precious\n", 9);
    assert_int_equal(symlink(target, link), 0);
    check_refused("link to a foreign file", link, -EMEDIUMTYPE);
    check_file(target, "precious\n", 9);
}

/* Opens a damaged map: it must be kept aside, and a new one must work in its place. */
static void check_replaced(const char *what, const char *path, const char *bytes, size_t len)
{
    struct map *map;
    const char *aside;
    char *cursor;
    uint64_t usec;

    write_file(path, bytes, len);
    check_later(what, bytes, len, true);
    map = open_writer(path, MAX_ENTRIES, 128, MAP_REPLACED);
    aside = map_set_aside(map);
    check_true(what, aside && strncmp(aside, path, strlen(path)) == 0);
    check_file(aside, bytes, len);
    check_unsigned(what, count_records(map), 0);
    check_int(what, map_get_cursor(map, "local", &cursor, &usec), -ENOENT);
    assert_int_equal(unlink(aside), 0);
    check_int(what, write_generation(map, 10, 2), 0);
    check_generation(map, 10, 2);
    map_close(map);
    map = open_writer(path, MAX_ENTRIES, 128, MAP_KEPT);
    check_generation(map, 10, 2);
    map_close(map);
    assert_int_equal(unlink(path), 0);
}

/* What was put aside is evidence, and is not overwritten by what is put aside in the same second.
 */
static void test_put_aside_twice(void **state)
{
    const char *path = temp_path(FILE_NAME);
    char *asides[2];
    size_t len;
    _cleanup_(freep) char *bytes = map_bytes(&len);

    for (size_t i = 0; i < 2; i++) {
        struct map *map;

        write_file(path, bytes, 4096 * (i + 1));
        map = open_writer(path, MAX_ENTRIES, 128, MAP_REPLACED);
        asides[i] = strdup(map_set_aside(map));
        map_close(map);
    }
    for (size_t i = 0; i < 2; i++) {
        check_file(asides[i], bytes, 4096 * (i + 1));
        free(asides[i]);
    }
}

static void test_truncated(void **state)
{
    const char *path = temp_path(FILE_NAME);
    size_t len;
    _cleanup_(freep) char *bytes = map_bytes(&len);
    char what[64];

    check_true("size", len > 8 * 4096);
    for (size_t cut = 0; cut < len; cut += cut < 65536 ? 4096 : 65536) {
        snprintf(what, sizeof(what), "cut at %zu of %zu", cut, len);
        check_replaced(what, path, bytes, cut);
    }
    check_replaced("a header cut short", path, bytes, 100);
    check_replaced("a magic cut short", path, bytes, 5);
    check_replaced("one byte missing", path, bytes, len - 1);
}

static void test_zeroed(void **state)
{
    const char *path = temp_path(FILE_NAME);
    size_t len;
    _cleanup_(freep) char *bytes = map_bytes(&len);

    memset(bytes + 4096, 0, len - 4096);
    check_replaced("all but the first page lost", path, bytes, len);
}

/* Flipped bits: the map works afterwards, and what it then holds is what was there, or nothing. No
 * bit makes an address allowed that was not, except by changing a record that can be told. */
static void test_flipped_bits(void **state)
{
    const char *path = temp_path(FILE_NAME);
    size_t len;
    _cleanup_(freep) char *good = map_bytes(&len);
    _cleanup_(freep) char *bytes = map_bytes(&len);
    unsigned replaced = 0;

    for (int i = 0; i < 150; i++) {
        struct map_options options = map_options_for(path, MAX_ENTRIES, 128);
        struct map *map = NULL;
        enum map_state map_state = MAP_KEPT;
        int r;

        memcpy(bytes, good, len);
        for (uint64_t n = 1 + random_below(20); n > 0; n--)
            bytes[random_below(random_below(2) ? len : 8192)] ^= (char)(1 << random_below(8));
        write_file(path, bytes, len);
        (void)alarm(20); /* TDB can run in circles on a broken chain; then this program dies */
        r = map_open_writer(&options, &map, &map_state);
        (void)alarm(0);
        if (r < 0) {
            if (r != -EMEDIUMTYPE && r != -EPROTONOSUPPORT)
                fail_msg("round %d: %s", i, strerror(-r));
            check_file(path, bytes, len);
        } else {
            check_int("publish", map_publish(map), 0);
            check_unsigned("records", count_records(map) % RECORDS, 0);
            check_later("flipped bits", bytes, len, map_state == MAP_REPLACED);
            if (map_state == MAP_REPLACED) {
                check_file(map_set_aside(map), bytes, len);
                assert_int_equal(unlink(map_set_aside(map)), 0);
                replaced++;
            }
            check_int("write", write_generation(map, 10, 2), 0);
            map_close(map);
        }
        assert_int_equal(unlink(path), 0);
    }
    check_true("some damage was seen", replaced > 30);
}

/* A damaged map must not make readers fail in any other way than by an error. */
static void test_reader_of_damaged(void **state)
{
    const char *path = temp_path(FILE_NAME);
    size_t len;
    _cleanup_(freep) char *bytes = map_bytes(&len);
    struct map *map = NULL;

    write_file(path, bytes, 0);
    check_true("empty", map_open_reader(path, &map) < 0);
    write_file(path, bytes, 100);
    check_true("cut short", map_open_reader(path, &map) < 0);
    write_file(path, bytes, 4096);
    check_true("cut at a page", map_open_reader(path, &map) < 0 || map);
    map_close(map);
}

/* --- a full disk --- */

static void limit_file_size(rlim_t size)
{
    struct rlimit limit;

    CHILD_CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = size;
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void fill_the_disk(void *arg, int to_parent, int from_parent)
{
    const char *path = temp_path(FILE_NAME);
    struct map_options options = map_options_for(path, MAX_ENTRIES, 128);
    struct addr addr = addr_number(0);
    struct record record;
    struct map *map;
    enum map_state state;
    struct stat st;
    uint64_t usec = 0;
    char *cursor;
    int r = 0;

    CHILD_CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    CHILD_CHECK(map_open_writer(&options, &map, &state) == 0);
    CHILD_CHECK(stat(path, &st) == 0);
    limit_file_size((rlim_t)st.st_size);
    for (uint64_t generation = 2; generation < 20 && r == 0; generation++)
        r = write_generation(map, 20000, generation);
    CHILD_CHECK(r < 0);

    /* The old entries serve, the cursor has not moved, and the next try works. */
    CHILD_CHECK(map_get(map, &addr, &record) == 0);
    CHILD_CHECK(record.login_usec == 1);
    CHILD_CHECK(map_get_cursor(map, "local", &cursor, &usec) == 0);
    CHILD_CHECK(usec == 1);
    free(cursor);
    limit_file_size(RLIM_INFINITY);
    CHILD_CHECK(write_generation(map, RECORDS, 3) == 0);
    map_close(map);
}

static void test_disk_full(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED);
    struct child child;

    check_int("write", write_generation(map, RECORDS, 1), 0);
    map_close(map);
    child = child_start(fill_the_disk, NULL);
    child_finish(&child);
    map = open_writer(path, MAX_ENTRIES, 128, MAP_KEPT);
    check_generation(map, RECORDS, 3);
    map_close(map);
}

int main(void)
{
#define in_temp_dir(test) cmocka_unit_test_setup_teardown(test, temp_dir_setup, temp_dir_teardown)
    const struct CMUnitTest tests[] = {
        in_temp_dir(test_foreign_text), in_temp_dir(test_foreign_large),
        in_temp_dir(test_foreign_tdb),  in_temp_dir(test_other_version),
        in_temp_dir(test_not_a_file),   in_temp_dir(test_put_aside_twice),
        in_temp_dir(test_truncated),    in_temp_dir(test_zeroed),
        in_temp_dir(test_flipped_bits), in_temp_dir(test_reader_of_damaged),
        in_temp_dir(test_disk_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
