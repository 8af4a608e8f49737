/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each item is in a binary min-heap by its time and in a list by its user. There may be a million
 * of them, and most users have one or two, so both are numbers in the items themselves: a slot
 * holds one item, and beside it what happens to be in the same place of the heap and of the table
 * of lists. */

#include "roster.h"

#include <errno.h>
#include <stdlib.h>

struct slot {
    struct addr addr;
    uint64_t due_usec;
    uint32_t user;
    uint32_t next;  /* of the user's list, or of those that are free */
    uint32_t place; /* of this item in the heap */
    uint32_t heap;  /* the item that is in this place of the heap; no later than at 2i+1, 2i+2 */
};

struct roster {
    struct slot *slots;
    size_t capacity, used; /* those from `used` on have never held an item */
    size_t count;
    uint32_t free;
    uint32_t *lists;    /* the first item of each */
    size_t lists_count; /* a power of two */
};

struct roster *roster_new(void)
{
    struct roster *roster = calloc(1, sizeof(*roster));

    if (roster)
        roster->free = ROSTER_NONE;
    return roster;
}

void roster_clear(struct roster *roster)
{
    free(roster->slots);
    free(roster->lists);
    *roster = (struct roster){ .free = ROSTER_NONE };
}

struct roster *roster_free(struct roster *roster)
{
    if (roster)
        roster_clear(roster);
    free(roster);
    return NULL;
}

/* --- the heap --- */

static uint64_t due_at(const struct roster *roster, size_t place)
{
    return roster->slots[roster->slots[place].heap].due_usec;
}

static void put_at(struct roster *roster, size_t place, uint32_t item)
{
    roster->slots[place].heap = item;
    roster->slots[item].place = (uint32_t)place;
}

static void sift_up(struct roster *roster, uint32_t item)
{
    size_t i = roster->slots[item].place;

    for (; i > 0 && due_at(roster, (i - 1) / 2) > roster->slots[item].due_usec; i = (i - 1) / 2)
        put_at(roster, i, roster->slots[(i - 1) / 2].heap);
    put_at(roster, i, item);
}

static void sift_down(struct roster *roster, uint32_t item)
{
    size_t i = roster->slots[item].place;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < roster->count && due_at(roster, child + 1) < due_at(roster, child))
            child++;
        if (child >= roster->count || due_at(roster, child) >= roster->slots[item].due_usec)
            break;
        put_at(roster, i, roster->slots[child].heap);
        i = child;
    }
    put_at(roster, i, item);
}

/* --- the lists --- */

static uint32_t *list_of(const struct roster *roster, uint32_t user)
{
    return &roster->lists[user & (roster->lists_count - 1)];
}

static void link_item(struct roster *roster, uint32_t item)
{
    uint32_t *list = list_of(roster, roster->slots[item].user);

    roster->slots[item].next = *list;
    *list = item;
}

static void unlink_item(struct roster *roster, uint32_t item)
{
    uint32_t *link = list_of(roster, roster->slots[item].user);

    while (*link != item)
        link = &roster->slots[*link].next;
    *link = roster->slots[item].next;
}

/* As many lists as slots, so that they are short. */
static int grow_lists(struct roster *roster, size_t count)
{
    uint32_t *lists = malloc(count * sizeof(*lists));

    if (!lists)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        lists[i] = ROSTER_NONE;
    free(roster->lists);
    roster->lists = lists;
    roster->lists_count = count;
    for (size_t place = 0; place < roster->count; place++)
        link_item(roster, roster->slots[place].heap);
    return 0;
}

static int grow(struct roster *roster)
{
    size_t capacity = roster->capacity ? roster->capacity + roster->capacity / 2 : 64;
    struct slot *slots;

    if (roster->count >= roster->lists_count &&
        grow_lists(roster, roster->lists_count ? 2 * roster->lists_count : 64) < 0)
        return -ENOMEM;
    if (roster->free != ROSTER_NONE || roster->used < roster->capacity)
        return 0;
    if (capacity >= ROSTER_NONE)
        return -ENOMEM;
    slots = reallocarray(roster->slots, capacity, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    roster->slots = slots;
    roster->capacity = capacity;
    return 0;
}

/* --- items --- */

int roster_add(struct roster *roster, const struct addr *addr, uint64_t due_usec, uint32_t user,
               uint32_t *ret_item)
{
    uint32_t item;
    struct slot *slot;

    if (grow(roster) < 0)
        return -ENOMEM;
    item = roster->free;
    if (item == ROSTER_NONE)
        item = (uint32_t)roster->used++;
    else
        roster->free = roster->slots[item].next;
    slot = &roster->slots[item];
    slot->addr = *addr;
    slot->due_usec = due_usec;
    slot->user = user;
    link_item(roster, item);
    slot->place = (uint32_t)roster->count++;
    sift_up(roster, item);
    *ret_item = item;
    return 0;
}

void roster_remove(struct roster *roster, uint32_t item)
{
    uint32_t last = roster->slots[--roster->count].heap;

    unlink_item(roster, item);
    if (last != item) {
        roster->slots[last].place = roster->slots[item].place;
        sift_up(roster, last);
        sift_down(roster, last);
    }
    roster->slots[item].next = roster->free;
    roster->free = item;
}

uint32_t roster_first(const struct roster *roster)
{
    if (roster->count == 0 || due_at(roster, 0) == UINT64_MAX)
        return ROSTER_NONE;
    return roster->slots[0].heap;
}

const struct addr *roster_addr(const struct roster *roster, uint32_t item)
{
    return &roster->slots[item].addr;
}

uint64_t roster_due_usec(const struct roster *roster, uint32_t item)
{
    return roster->slots[item].due_usec;
}

void roster_set_due_usec(struct roster *roster, uint32_t item, uint64_t due_usec)
{
    roster->slots[item].due_usec = due_usec;
    sift_up(roster, item);
    sift_down(roster, item);
}

void roster_set_user(struct roster *roster, uint32_t item, uint32_t user)
{
    unlink_item(roster, item);
    roster->slots[item].user = user;
    link_item(roster, item);
}

uint32_t roster_next_of_user(const struct roster *roster, uint32_t user, uint32_t item)
{
    if (item != ROSTER_NONE)
        item = roster->slots[item].next;
    else if (roster->lists_count > 0)
        item = *list_of(roster, user);
    while (item != ROSTER_NONE && roster->slots[item].user != user)
        item = roster->slots[item].next;
    return item;
}

uint32_t roster_find(const struct roster *roster, const struct addr *addr, uint32_t user)
{
    uint32_t item = roster_next_of_user(roster, user, ROSTER_NONE);

    while (item != ROSTER_NONE && addr_compare(&roster->slots[item].addr, addr) != 0)
        item = roster_next_of_user(roster, user, item);
    return item;
}

size_t roster_count(const struct roster *roster)
{
    return roster->count;
}
