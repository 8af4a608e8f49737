/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The roster against a plain array, and expiry as the watcher does it against a plain table. */

#include <errno.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/roster.h"
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

static uint32_t add(struct roster *roster, uint32_t number, uint64_t due_usec, uint32_t user)
{
    struct addr addr = addr_of(number);
    uint32_t item = ROSTER_NONE;

    check_int("add", roster_add(roster, &addr, due_usec, user, &item), 0);
    return item;
}

static void test_empty(void **state)
{
    _cleanup_(roster_freep) struct roster *roster = roster_new();
    struct addr addr = addr_of(7);
    uint32_t item;

    assert_non_null(roster);
    check_unsigned("empty", roster_first(roster), ROSTER_NONE);
    check_unsigned("empty", roster_count(roster), 0);
    check_unsigned("empty", roster_next_of_user(roster, 1, ROSTER_NONE), ROSTER_NONE);
    check_unsigned("empty", roster_find(roster, &addr, 1), ROSTER_NONE);
    item = add(roster, 7, 3, 1);
    check_unsigned("one", roster_first(roster), item);
    check_unsigned("one", roster_due_usec(roster, item), 3);
    check_unsigned("one", number_of(roster_addr(roster, item)), 7);
    check_unsigned("one", roster_find(roster, &addr, 1), item);
    check_unsigned("another user", roster_find(roster, &addr, 2), ROSTER_NONE);
    roster_clear(roster);
    check_unsigned("cleared", roster_first(roster), ROSTER_NONE);
    check_unsigned("cleared", roster_count(roster), 0);
    item = add(roster, 7, UINT64_MAX, 1);
    check_unsigned("never due", roster_first(roster), ROSTER_NONE);
    check_unsigned("there all the same", roster_find(roster, &addr, 1), item);
    item = add(roster, 8, 0, 1);
    check_unsigned("due", roster_first(roster), item);
    assert_null(roster_free(NULL));
}

/* Users whose numbers fall into the same list, and a user that changes. */
static void test_users(void **state)
{
    _cleanup_(roster_freep) struct roster *roster = roster_new();
    uint32_t first, second, other;

    assert_non_null(roster);
    first = add(roster, 1, 10, 5);
    other = add(roster, 2, 10, 5 + 64);
    second = add(roster, 3, 10, 5);
    check_unsigned("user", roster_next_of_user(roster, 5, ROSTER_NONE), second);
    check_unsigned("user", roster_next_of_user(roster, 5, second), first);
    check_unsigned("user", roster_next_of_user(roster, 5, first), ROSTER_NONE);
    check_unsigned("other", roster_next_of_user(roster, 5 + 64, ROSTER_NONE), other);
    check_unsigned("other", roster_next_of_user(roster, 5 + 64, other), ROSTER_NONE);
    roster_set_user(roster, first, 5 + 64);
    check_unsigned("moved", roster_next_of_user(roster, 5 + 64, ROSTER_NONE), first);
    check_unsigned("moved", roster_next_of_user(roster, 5 + 64, first), other);
    check_unsigned("moved", roster_next_of_user(roster, 5, second), ROSTER_NONE);
    roster_remove(roster, second);
    check_unsigned("removed", roster_next_of_user(roster, 5, ROSTER_NONE), ROSTER_NONE);
    check_unsigned("given out again", add(roster, 4, 10, 6), second);
}

/* --- the roster and an array --- */

#define MODEL_MAX 3000
#define USERS     40

struct model {
    size_t n;
    struct {
        uint64_t due;
        uint32_t number, user, item;
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

static void compare_first(const struct model *model, const struct roster *roster)
{
    uint32_t first = roster_first(roster);
    uint64_t earliest = model_earliest(model);

    check_true("first", (first == ROSTER_NONE) == (earliest == UINT64_MAX));
    if (first != ROSTER_NONE)
        check_unsigned("due first", roster_due_usec(roster, first), earliest);
}

static void compare_users(const struct model *model, const struct roster *roster)
{
    uint32_t user = (uint32_t)random_below(USERS);
    size_t want = 0, got = 0;

    for (size_t i = 0; i < model->n; i++)
        want += model->items[i].user == user;
    for (uint32_t item = ROSTER_NONE;
         (item = roster_next_of_user(roster, user, item)) != ROSTER_NONE;)
        got++;
    check_unsigned("items of a user", got, want);
}

static void compare_item(const struct model *model, const struct roster *roster, size_t i)
{
    struct addr addr = addr_of(model->items[i].number);
    uint32_t item = roster_find(roster, &addr, model->items[i].user);

    check_unsigned("found", item, model->items[i].item);
    check_unsigned("due", roster_due_usec(roster, item), model->items[i].due);
}

static uint64_t random_due(uint64_t now)
{
    /* Narrow, so that many are due at once. */
    return random_below(10) == 0 ? UINT64_MAX : now + random_below(50);
}

static void model_add(struct model *model, struct roster *roster, uint64_t due, uint32_t number)
{
    uint32_t user = (uint32_t)random_below(USERS);

    model->items[model->n].due = due;
    model->items[model->n].number = number;
    model->items[model->n].user = user;
    model->items[model->n++].item = add(roster, number, due, user);
}

static void model_change(struct model *model, struct roster *roster, uint64_t now)
{
    size_t at = random_below(model->n);

    compare_item(model, roster, at);
    switch (random_below(4)) {
    case 0:
        model->items[at].due = random_due(now);
        roster_set_due_usec(roster, model->items[at].item, model->items[at].due);
        break;
    case 1:
        model->items[at].user = (uint32_t)random_below(USERS);
        roster_set_user(roster, model->items[at].item, model->items[at].user);
        break;
    default:
        roster_remove(roster, model->items[at].item);
        model->items[at] = model->items[--model->n];
        break;
    }
}

/* Small ones meet the borders of the tree all the time, large ones its depth. */
static void compare_with_model(size_t most)
{
    _cleanup_(roster_freep) struct roster *roster = roster_new();
    static struct model model;

    model.n = 0;
    for (uint32_t step = 0; step < 15000; step++) {
        /* It grows for a while, then shrinks, and so on. */
        unsigned additions = step / most % 2 == 0 ? 8 : 3;

        if (model.n == 0 || (model.n < most && random_below(10) < additions))
            model_add(&model, roster, random_due(step / 4), step);
        else
            model_change(&model, roster, step / 4);
        check_unsigned("count", roster_count(roster), model.n);
        compare_first(&model, roster);
        compare_users(&model, roster);
    }
    while (model.n > 0) {
        roster_remove(roster, model.items[--model.n].item);
        compare_first(&model, roster);
    }
    check_unsigned("count at the end", roster_count(roster), 0);
}

static void test_random(void **state)
{
    compare_with_model(6);
    compare_with_model(50);
    compare_with_model(MODEL_MAX);
}

/* --- expiry: one item an address, which may be earlier than the address's own time --- */

#define ADDRESSES 500

static void expire(struct roster *roster, uint64_t expires[static ADDRESSES], uint64_t now)
{
    uint32_t item;

    while ((item = roster_first(roster)) != ROSTER_NONE && roster_due_usec(roster, item) <= now) {
        uint32_t number = number_of(roster_addr(roster, item));

        check_true("item of an address that is in the table", expires[number] > 0);
        check_true("never later than the record", roster_due_usec(roster, item) <= expires[number]);
        if (expires[number] > now) {
            roster_set_due_usec(roster, item, expires[number]);
        } else {
            expires[number] = 0;
            roster_remove(roster, item);
        }
    }
}

static void login(struct roster *roster, uint64_t expires[static ADDRESSES], uint64_t now)
{
    uint32_t number = (uint32_t)random_below(ADDRESSES);
    uint64_t until = now + 1 + random_below(1000);

    if (expires[number] == 0)
        (void)add(roster, number, until, 0);
    if (until > expires[number])
        expires[number] = until;
}

static void test_expiry(void **state)
{
    _cleanup_(roster_freep) struct roster *roster = roster_new();
    uint64_t expires[ADDRESSES] = { 0 }, naive[ADDRESSES], now = 0;

    for (int step = 0; step < 30000; step++) {
        size_t live = 0;

        if (random_below(4) == 0)
            now += random_below(20);
        login(roster, expires, now);
        memcpy(naive, expires, sizeof(naive));
        expire(roster, expires, now);
        for (size_t i = 0; i < ADDRESSES; i++) {
            check_unsigned("expiry of an address", expires[i], naive[i] > now ? naive[i] : 0);
            live += expires[i] > 0;
        }
        check_unsigned("one item an address", roster_count(roster), live);
    }
    expire(roster, expires, now + 2000);
    check_unsigned("all expired", roster_count(roster), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_users),
        cmocka_unit_test_setup(test_random, random_setup),
        cmocka_unit_test_setup(test_expiry, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
