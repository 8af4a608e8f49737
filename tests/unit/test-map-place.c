/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Maps whose file is not what it was any more, and what errors are called. */

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "map-support.h"
#include "temp-dir.h"

static const char *path;
static struct map *map;

static int setup(void **state)
{
    int r = temp_dir_setup(state);

    path = temp_path("map.tdb");
    map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED);
    check_int("write", write_generation(map, 10, 1), 0);
    check_int("its place", map_check_place(map), 0);
    return r;
}

static int teardown(void **state)
{
    map = map_close(map);
    return temp_dir_teardown(state);
}

static void test_deleted(void **state)
{
    check_int("delete", unlink(path), 0);
    check_int("writer", map_check_place(map), -EBADMSG);
    check_int("reader", map_refresh(map), -ENOENT);
    /* It is the same file still, which nobody else can find. */
    check_generation(map, 10, 1);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "we");

    assert_non_null(file);
    check_true(name, fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_replaced(void **state)
{
    check_int("delete", unlink(path), 0);
    write_file(path, "something else\n");
    check_int("writer", map_check_place(map), -EBADMSG);
    check_int("reader", map_refresh(map), -EMEDIUMTYPE);
    check_generation(map, 10, 1);
}

static void test_cut_short(void **state)
{
    check_int("cut", truncate(path, 4096), 0);
    check_int("writer", map_check_place(map), -EBADMSG);
    check_int("reader", map_refresh(map), -EBADMSG);
}

static void test_no_directory(void **state)
{
    struct map_options options = map_options_for("/nonexistent/map.tdb", MAX_ENTRIES, 128);
    struct map *other;
    enum map_state state_of;

    check_int("reader", map_open_reader(options.path, &other), -ENOENT);
    check_int("writer", map_open_writer(&options, &other, &state_of), -ENOENT);
}

/* Files that are none, or that lead elsewhere, are left alone. */
static void test_strange_files(void **state)
{
    static const char *const names[] = { "directory", "link", "fifo", "short", "text" };
    struct map *other;
    enum map_state state_of;

    check_int("directory", mkdir(temp_path("directory"), 0700), 0);
    check_int("fifo", mkfifo(temp_path("fifo"), 0600), 0);
    check_int("link", symlink("map.tdb", temp_path("link")), 0);
    write_file(temp_path("text"), "This is not a database, although it is longer than one's name.");
    write_file(temp_path("short"), "x");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct map_options options = map_options_for(temp_path(names[i]), MAX_ENTRIES, 128);
        struct stat before, after;

        check_int(names[i], lstat(options.path, &before), 0);
        check_int(names[i], map_open_reader(options.path, &other), -EMEDIUMTYPE);
        check_int(names[i], map_open_writer(&options, &other, &state_of), -EMEDIUMTYPE);
        check_int(names[i], lstat(options.path, &after), 0);
        check_true(names[i], before.st_ino == after.st_ino && before.st_size == after.st_size &&
                                 before.st_mode == after.st_mode);
    }
    check_unsigned("files", temp_count(), 1 + sizeof(names) / sizeof(names[0]));
}

static void test_memory(void **state)
{
    struct map *memory = open_writer(NULL, MAX_ENTRIES, 128, MAP_CREATED);

    check_int("nowhere", map_check_place(memory), 0);
    check_int("write", write_generation(memory, 5, 1), 0);
    check_generation(memory, 5, 1);
    map_close(memory);
}

static void test_long_names(void **state)
{
    char *name = malloc(8192), text[16];

    assert_non_null(name);
    memset(name, 'x', 8191);
    name[8191] = '\0';

    uint64_t usec;
    char *cursor;

    check_int("begin", map_begin(map), 0);
    check_int("source", map_put_cursor(map, name, "cursor", 1), -ENAMETOOLONG);
    check_int("cursor", map_put_cursor(map, "local", name, 1), -ENAMETOOLONG);
    check_int("doubts", map_put_doubts(map, name, "rule", "0"), -ENAMETOOLONG);
    map_cancel(map);
    check_int("source", map_get_cursor(map, name, &cursor, &usec), -ENAMETOOLONG);
    check_int("doubts", map_get_doubts(map, name, "rule", text, sizeof(text)), -ENAMETOOLONG);
    check_generation(map, 10, 1);
    free(name);
}

static void test_doubts(void **state)
{
    char text[8];

    check_int("none", map_get_doubts(map, "local", "rule", text, sizeof(text)), -ENOENT);
    check_int("begin", map_begin(map), 0);
    check_int("put", map_put_doubts(map, "local", "rule", "1234567"), 0);
    check_int("commit", map_commit(map), 0);
    check_int("fits", map_get_doubts(map, "local", "rule", text, sizeof(text)), 0);
    check_text("doubts", text, "1234567");
    check_int("too long", map_get_doubts(map, "local", "rule", text, sizeof(text) - 1), -EBADMSG);
}

static void test_error_text(void **state)
{
    check_text("type", map_error_text(-EMEDIUMTYPE), "not a map of pop-before-smtp");
    check_text("version", map_error_text(-EPROTONOSUPPORT), "format of another version");
    check_text("damage", map_error_text(-EBADMSG), "damaged");
    check_true("busy", strstr(map_error_text(-EBUSY), "another process") != NULL);
    check_text("others", map_error_text(-ENOSPC), strerror(ENOSPC));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deleted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_short, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strange_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_doubts, setup, teardown),
        cmocka_unit_test(test_error_text),
    };

    return cmocka_run_group_tests_name("map-place", tests, NULL, NULL);
}
