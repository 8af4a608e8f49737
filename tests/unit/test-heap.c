/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The heap against a plain array, and expiry as the watcher does it against a plain table. */

#include <errno.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/heap.h"
#include "random.h"

static struct addr addr_of(uint32_t number)
{
    struct addr addr = { .bytes = { [10] = 0xff, [11] = 0xff } };

    memcpy(addr.bytes + 12, &number, sizeof(number));
    return addr;
}

static uint32_t number_of(const struct addr *addr)
{
    uint32_t number;

    memcpy(&number, addr->bytes + 12, sizeof(number));
    return number;
}

static void test_empty(void **state)
{
    _cleanup_(heap_freep) struct heap *heap = heap_new();
    struct addr addr = addr_of(7), got;
    uint64_t due = 5;

    assert_non_null(heap);
    check_true("empty", !heap_peek(heap, &due, &got));
    check_unsigned("empty", heap_count(heap), 0);
    check_unsigned("untouched", due, 5);
    check_int("push", heap_push(heap, 3, &addr), 0);
    check_true("one", heap_peek(heap, &due, &got));
    check_unsigned("one", due, 3);
    check_unsigned("one", number_of(&got), 7);
    heap_clear(heap);
    check_true("cleared", !heap_peek(heap, &due, &got));
    check_unsigned("cleared", heap_count(heap), 0);
    check_int("push again", heap_push(heap, UINT64_MAX, &addr), 0);
    check_int("push again", heap_push(heap, 0, &addr), 0);
    check_true("peek", heap_peek(heap, &due, &got));
    check_unsigned("peek", due, 0);
    assert_null(heap_free(NULL));
}

/* --- the heap and an array --- */

#define MODEL_MAX 3000

struct model {
    size_t n;
    struct {
        uint64_t due;
        uint32_t number;
    } items[MODEL_MAX];
};

static uint64_t model_earliest(const struct model *model)
{
    uint64_t due = UINT64_MAX;

    for (size_t i = 0; i < model->n; i++)
        if (model->items[i].due < due)
            due = model->items[i].due;
    return due;
}

/* The place of what the heap says comes first: of several at the same time, any one may. */
static size_t model_find_first(const struct model *model, const struct heap *heap)
{
    uint64_t due;
    struct addr addr;

    check_true("there is a first", heap_peek(heap, &due, &addr));
    check_unsigned("due first", due, model_earliest(model));
    for (size_t i = 0; i < model->n; i++)
        if (model->items[i].due == due && model->items[i].number == number_of(&addr))
            return i;
    fail_msg("the heap holds an item that was never pushed");
    return 0;
}

static void model_push(struct model *model, struct heap *heap, uint64_t due, uint32_t number)
{
    struct addr addr = addr_of(number);

    check_int("push", heap_push(heap, due, &addr), 0);
    model->items[model->n].due = due;
    model->items[model->n++].number = number;
}

static void model_step(struct model *model, struct heap *heap, size_t most, uint64_t now,
                       unsigned pushes)
{
    uint64_t due = now + random_below(50); /* narrow, so that many are due at once */
    size_t at;

    if (model->n == 0 || (model->n < most && random_below(10) < pushes)) {
        /* A third of the addresses are in the heap more than once. */
        model_push(model, heap, due, (uint32_t)random_below(3 * MODEL_MAX));
        return;
    }
    at = model_find_first(model, heap);
    if (random_below(2)) {
        uint64_t later = model->items[at].due + random_below(100);

        heap_postpone(heap, later);
        model->items[at].due = later;
    } else {
        heap_pop(heap);
        model->items[at] = model->items[--model->n];
    }
}

/* Small ones meet the borders of the tree all the time, large ones its depth. */
static void compare_with_model(size_t most)
{
    _cleanup_(heap_freep) struct heap *heap = heap_new();
    static struct model model;

    model.n = 0;
    for (uint64_t step = 0; step < 15000; step++) {
        /* It grows for a while, then shrinks, and so on. */
        model_step(&model, heap, most, step / 4, step / most % 2 == 0 ? 8 : 2);
        check_unsigned("count", heap_count(heap), model.n);
    }
    while (model.n > 0) {
        size_t at = model_find_first(&model, heap);

        heap_pop(heap);
        model.items[at] = model.items[--model.n];
    }
    check_unsigned("count at the end", heap_count(heap), 0);
}

static void test_random(void **state)
{
    compare_with_model(6);
    compare_with_model(50);
    compare_with_model(MODEL_MAX);
}

/* --- expiry: one item an address, which may be earlier than the address's own time --- */

#define ADDRESSES 500

static void expire(struct heap *heap, uint64_t expires[static ADDRESSES], uint64_t now)
{
    uint64_t due;
    struct addr addr;

    while (heap_peek(heap, &due, &addr) && due <= now) {
        uint32_t number = number_of(&addr);

        check_true("item of an address that is in the table", expires[number] > 0);
        check_true("never later than the record", due <= expires[number]);
        if (expires[number] > now) {
            heap_postpone(heap, expires[number]);
        } else {
            expires[number] = 0;
            heap_pop(heap);
        }
    }
}

static void login(struct heap *heap, uint64_t expires[static ADDRESSES], uint64_t now)
{
    uint32_t number = (uint32_t)random_below(ADDRESSES);
    struct addr addr = addr_of(number);
    uint64_t until = now + 1 + random_below(1000);

    if (expires[number] == 0)
        check_int("push", heap_push(heap, until, &addr), 0);
    if (until > expires[number])
        expires[number] = until;
}

static void test_expiry(void **state)
{
    _cleanup_(heap_freep) struct heap *heap = heap_new();
    uint64_t expires[ADDRESSES] = { 0 }, naive[ADDRESSES], now = 0;

    for (int step = 0; step < 30000; step++) {
        size_t live = 0;

        if (random_below(4) == 0)
            now += random_below(20);
        login(heap, expires, now);
        memcpy(naive, expires, sizeof(naive));
        expire(heap, expires, now);
        for (size_t i = 0; i < ADDRESSES; i++) {
            check_unsigned("expiry of an address", expires[i], naive[i] > now ? naive[i] : 0);
            live += expires[i] > 0;
        }
        check_unsigned("one item an address", heap_count(heap), live);
    }
    expire(heap, expires, now + 2000);
    check_unsigned("all expired", heap_count(heap), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test_setup(test_random, random_setup),
        cmocka_unit_test_setup(test_expiry, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
