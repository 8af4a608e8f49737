/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "check.h"
#include "core/assignment.h"

static void add(struct assignments *assignments, const char *section, const char *key,
                const char *value, bool is_default)
{
    /* The strings are the caller's and change afterwards. */
    char copies[3][16];
    struct assignment assignment = { copies[0], copies[1], copies[2], (char *)"here", is_default };

    snprintf(copies[0], sizeof(copies[0]), "%s", section);
    snprintf(copies[1], sizeof(copies[1]), "%s", key);
    snprintf(copies[2], sizeof(copies[2]), "%s", value);
    check_int(value, assignments_add(assignments, &assignment), 0);
    memset(copies, 'x', sizeof(copies));
}

static void check_values(const char *what, const struct assignments *assignments,
                         const char *const *values, size_t count)
{
    check_unsigned(what, assignments_count(assignments), count);
    for (size_t i = 0; i < count; i++) {
        check_text(what, assignments_at(assignments, i)->value, values[i]);
        check_text(what, assignments_at(assignments, i)->origin, "here");
    }
}

#define check_are(what, assignments, ...)                                                          \
    check_values((what), (assignments), (const char *const[]){ __VA_ARGS__ },                      \
                 sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void test_kept_in_order(void **state)
{
    _cleanup_(assignments_freep) struct assignments *assignments = assignments_new();

    assert_non_null(assignments);
    check_unsigned("none", assignments_count(assignments), 0);
    for (unsigned i = 0; i < 100; i++) {
        char value[16];

        snprintf(value, sizeof(value), "%u", i);
        add(assignments, "a", "k", value, false);
    }
    for (unsigned i = 0; i < 100; i++) {
        char value[16];

        snprintf(value, sizeof(value), "%u", i);
        check_text("in order", assignments_at(assignments, i)->value, value);
    }
}

static void test_drop(void **state)
{
    _cleanup_(assignments_freep) struct assignments *assignments = assignments_new();

    assert_non_null(assignments);
    add(assignments, "a", "k", "1", true);
    add(assignments, "a", "other", "2", true);
    add(assignments, "b", "k", "3", true);
    add(assignments, "a", "k", "4", false);
    add(assignments, "a", "k", "5", false);
    check_unsigned("nothing there", assignments_drop(assignments, "a", "none", false), 0);
    check_unsigned("another section", assignments_drop(assignments, "c", "k", false), 0);
    check_are("untouched", assignments, "1", "2", "3", "4", "5");
    check_unsigned("the default alone", assignments_drop(assignments, "a", "k", true), 1);
    check_are("the default alone", assignments, "2", "3", "4", "5");
    check_unsigned("again", assignments_drop(assignments, "a", "k", true), 0);
    check_unsigned("all of a key", assignments_drop(assignments, "a", "k", false), 2);
    check_are("all of a key", assignments, "2", "3");
    add(assignments, "a", "k", "6", false);
    check_are("after that", assignments, "2", "3", "6");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_in_order),
        cmocka_unit_test(test_drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
