/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "check.h"
#include "store/index.h"

struct number {
    struct index_link link;
    uint32_t value;
    bool is_in, was_seen;
};

static bool is_number(const struct index_link *link, const void *key, size_t len)
{
    return len == sizeof(uint32_t) &&
           ((const struct number *)link)->value == *(const uint32_t *)key;
}

static void check_all(const struct index *index, const struct number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct index_link *found = index_find(index, &numbers[i].value, sizeof(uint32_t));

        check_true("found", found == (numbers[i].is_in ? &numbers[i].link : NULL));
    }
}

static void mark_out(struct index_link *link)
{
    ((struct number *)link)->is_in = false;
}

/* Across several sizes of the table: what was added is found, and seen once each; what was taken
 * out is not. */
static void test_index(void **state)
{
    static struct number numbers[5000];
    const size_t count = sizeof(numbers) / sizeof(numbers[0]);
    _cleanup_(index_freep) struct index *index = index_new(is_number);
    struct index_link *link = NULL;
    size_t seen = 0;

    assert_non_null(index);
    assert_null(index_next(index, NULL));
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = (struct number){ .value = i * 7, .is_in = true };
        check_int("add", index_add(index, &numbers[i].link, &numbers[i].value, sizeof(i)), 0);
    }
    for (size_t i = 0; i < count; i += 3) {
        index_remove(index, &numbers[i].link);
        numbers[i].is_in = false;
    }
    check_all(index, numbers, count);
    while ((link = index_next(index, link))) {
        struct number *number = (struct number *)link;

        check_true("seen once", number->is_in && !number->was_seen);
        number->was_seen = true;
        seen++;
    }
    check_unsigned("seen", seen, index_count(index));
    check_unsigned("count", index_count(index), count - (count + 2) / 3);

    index_empty(index, mark_out);
    check_unsigned("empty", index_count(index), 0);
    check_all(index, numbers, count);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(test_index) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
