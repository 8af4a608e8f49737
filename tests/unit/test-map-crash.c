/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A writer that dies at any instant, and readers beside a writer: whoever looks sees one committed
 * state, records and cursor alike. */

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

/* tdb.h does not include what it needs. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <tdb.h>

#include "check.h"
#include "child.h"
#include "map-support.h"
#include "random.h"
#include "temp-dir.h"

#define FILE_NAME "map.tdb"
#define RECORDS   60
#define NEVER     UINT64_C(1000000000) /* generations that are cancelled */

/* How far the child has come, for the parent to see. */
static _Atomic uint64_t *committed;

static int share(void **state)
{
    committed =
        mmap(NULL, sizeof(*committed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return committed == MAP_FAILED ? -1 : 0;
}

static int unshare_again(void **state)
{
    return munmap(committed, sizeof(*committed));
}

/* Puts a generation that will not count. */
static void write_and_cancel(struct map *map)
{
    struct addr addr = addr_number(1);
    struct record record = record_of(NEVER, NEVER, "never");

    CHILD_CHECK(map_begin(map) == 0);
    CHILD_CHECK(map_put(map, &addr, &record) == 0);
    CHILD_CHECK(map_delete(map, &addr) == 0);
    CHILD_CHECK(map_put_cursor(map, "local", "never", NEVER) == 0);
    map_cancel(map);
}

/* Writes generations one after the other until it is killed, or up to the one in *arg. Their
 * sizes differ, so that records are added and removed all the time. */
static unsigned records_of(uint64_t generation)
{
    return 1 + (unsigned)(generation * 37 % RECORDS);
}

static int write_changing(struct map *map, uint64_t generation)
{
    int r = map_begin(map);
    char text[64];

    snprintf(text, sizeof(text), "generation %llu", (unsigned long long)generation);
    for (unsigned i = 0; i < RECORDS && r == 0; i++) {
        struct addr addr = addr_number(i);
        struct record record = record_of(generation + 1000, generation, text);

        r = i < records_of(generation) ? map_put(map, &addr, &record) : map_delete(map, &addr);
        if (r == -ENOENT)
            r = 0;
    }
    if (r == 0)
        r = map_put_cursor(map, "local", text, generation);
    return r < 0 ? r : map_commit(map);
}

static void write_for_ever(void *arg, int to_parent, int from_parent)
{
    struct map_options options = map_options_for(temp_path(FILE_NAME), MAX_ENTRIES, 128);
    uint64_t last = *(const uint64_t *)arg;
    struct map *map;
    enum map_state state;

    CHILD_CHECK(map_open_writer(&options, &map, &state) == 0);
    CHILD_CHECK(state == MAP_KEPT);
    CHILD_CHECK(write(to_parent, "", 1) == 1);
    for (uint64_t generation = *committed + 1; generation <= last; generation++) {
        CHILD_CHECK(write_changing(map, generation) == 0);
        *committed = generation;
        if (generation % 7 == 0)
            write_and_cancel(map);
    }
    map_close(map);
}

static void wait_a_random_while(uint64_t most_nsec)
{
    struct timespec while_ = { .tv_nsec = (long)random_below(most_nsec) };

    (void)nanosleep(&while_, NULL);
}

static void check_raw(const char *path)
{
    struct tdb_context *tdb = tdb_open(path, 0, TDB_NOSYNC, O_RDWR, 0);

    assert_non_null(tdb);
    check_int("tdb_check()", tdb_check(tdb, NULL, NULL), 0);
    tdb_close(tdb);
}

static void test_killed_writer(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED);
    uint64_t last = UINT64_MAX;

    /* The file has its size before the first kill, as after some time of use. */
    check_int("write", write_generation(map, 4 * RECORDS, 1), 0);
    check_int("begin", map_begin(map), 0);
    for (unsigned i = RECORDS; i < 4 * RECORDS; i++) {
        struct addr addr = addr_number(i);

        check_int("delete", map_delete(map, &addr), 0);
    }
    check_int("commit", map_commit(map), 0);
    map_close(map);
    *committed = 1;

    /* Where everything is slow, many are killed before they have written anything: then the next
     * ones get longer. */
    for (int round = 0; round < 60 || (*committed <= 60 && round < 420); round++) {
        struct child child = child_start(write_for_ever, &last);
        uint64_t generation;

        child_wait_byte(&child);
        wait_a_random_while(UINT64_C(4000000) << round / 60);
        child_kill(&child);
        if (round % 2) { /* the bridge may be the first to see what is left */
            check_int("reader", map_open_reader(path, &map), 0);
            generation = cursor_generation(map);
            check_generation(map, generation > 1 ? records_of(generation) : RECORDS, generation);
            map_close(map);
        }
        map = open_writer(path, MAX_ENTRIES, 128, MAP_KEPT);
        generation = cursor_generation(map);
        check_generation(map, generation > 1 ? records_of(generation) : RECORDS, generation);
        check_true("the last that was committed, or the one that was about to be",
                   generation == *committed || generation == *committed + 1);
        *committed = generation;
        map_close(map);
        check_raw(path);
    }
    check_true("there was something to kill", *committed > 60);
    check_unsigned("one file", temp_count(), 1);
}

static void create_and_fill(void *arg, int to_parent, int from_parent)
{
    struct map_options options = map_options_for(temp_path(FILE_NAME), MAX_ENTRIES, 128);
    struct map *map;
    enum map_state state;

    CHILD_CHECK(write(to_parent, "", 1) == 1);
    CHILD_CHECK(map_open_writer(&options, &map, &state) == 0);
    for (uint64_t generation = 1; generation < 20; generation++)
        CHILD_CHECK(write_generation(map, 50 * (unsigned)generation, generation) == 0);
    CHILD_CHECK(map_publish(map) == 0);
    map_close(map);
}

/* Killed while the file is made and grows: the next start finds a map, or nothing that counts. */
static void test_killed_creator(void **state)
{
    const char *path = temp_path(FILE_NAME);

    for (int round = 0; round < 40; round++) {
        struct map_options options = map_options_for(path, MAX_ENTRIES, 128);
        struct child child = child_start(create_and_fill, NULL);
        struct map *map;
        enum map_state map_state;
        char *cursor = NULL;
        uint64_t usec;
        int r;

        child_wait_byte(&child);
        wait_a_random_while(4000000);
        child_kill(&child);
        r = map_open_reader(path, &map);
        check_true("reader", r == 0 || r == -ENOENT);
        if (r == 0) {
            check_generation(map, 50 * 19, 19);
            map_close(map);
        }
        check_int("writer", map_open_writer(&options, &map, &map_state), 0);
        check_int("state", map_state, r == 0 ? MAP_KEPT : MAP_CREATED);
        r = map_get_cursor(map, "local", &cursor, &usec);
        free(cursor);
        if (r == 0)
            check_generation(map, 50 * (unsigned)usec, usec);
        else
            check_unsigned("empty", count_records(map), 0);
        check_int("publish", map_publish(map), 0);
        check_int("write", write_generation(map, 10, 99), 0);
        map_close(map);
        check_raw(path);
        check_unsigned("one file", temp_count(), 1);
        assert_int_equal(unlink(path), 0);
    }
}

struct seen {
    unsigned times[RECORDS];
    uint64_t least, most; /* generations that there were while it lasted */
};

static int see(const struct addr *addr, const struct record *record, void *userdata)
{
    struct seen *seen = userdata;
    unsigned number = 0;
    struct addr other = addr_number(0);

    while (number < RECORDS - 1 && addr_compare(addr, &other) != 0)
        other = addr_number(++number);
    check_int("an address of ours", addr_compare(addr, &other), 0);
    check_true("readable", record != NULL);
    check_true("a generation of its time", record->login_usec >= seen->least);
    if (record->login_usec > seen->most)
        seen->most = record->login_usec;
    check_true("a member of it", number < records_of(record->login_usec));
    check_unsigned("once", ++seen->times[number], 1);
    return 0;
}

/* A walk through all records may see several states, but misses nothing that is in all of them. */
static void walk(struct map *map, uint64_t generation)
{
    struct seen seen = { .least = generation, .most = generation };
    unsigned always = RECORDS;

    check_int("each", map_each(map, see, &seen), 0);
    generation = cursor_generation(map);
    check_true("not from the future", seen.most <= generation);
    for (uint64_t g = seen.least; g <= generation; g++)
        if (records_of(g) < always)
            always = records_of(g);
    for (unsigned i = 0; i < always; i++)
        check_unsigned("not missed", seen.times[i], 1);
}

/* Each look is at a committed state, and no later look is at an earlier one. */
static uint64_t look(struct map *map, uint64_t earlier)
{
    struct addr first = addr_number(0);
    struct record record;
    uint64_t generation;

    check_int("get", map_get(map, &first, &record), 0);
    check_true("get", record.login_usec >= earlier && record.login_usec < NEVER);
    generation = cursor_generation(map);
    check_true("cursor", generation >= record.login_usec && generation < NEVER);
    walk(map, generation);
    check_int("get", map_get(map, &first, &record), 0);
    check_true("get", record.login_usec >= generation && record.login_usec < NEVER);
    return record.login_usec;
}

static void test_readers_beside_writer(void **state)
{
    const char *path = temp_path(FILE_NAME);
    struct map *map = open_writer(path, MAX_ENTRIES, 128, MAP_CREATED);
    uint64_t last = 1500, generation = 0, different = 0;
    struct child child;

    check_int("write", write_changing(map, 1), 0);
    *committed = 1;
    map_close(map);
    child = child_start(write_for_ever, &last);
    child_wait_byte(&child);
    check_int("reader", map_open_reader(path, &map), 0);
    while (generation < last && *committed < last) {
        uint64_t now = look(map, generation);

        different += now != generation;
        generation = now;
    }
    child_finish(&child);
    check_unsigned("the last state", look(map, generation), last);
    map_close(map);
    check_true("they did meet", different > 5);
    print_message("%llu different states seen\n", (unsigned long long)different);
}

int main(void)
{
#define in_temp_dir(test) cmocka_unit_test_setup_teardown(test, temp_dir_setup, temp_dir_teardown)
    const struct CMUnitTest tests[] = {
        in_temp_dir(test_killed_writer),
        in_temp_dir(test_killed_creator),
        in_temp_dir(test_readers_beside_writer),
    };

    return cmocka_run_group_tests(tests, share, unshare_again);
}
