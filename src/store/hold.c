/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hold.h"

#include <stdlib.h>
#include <string.h>

#include "index.h"

struct holds {
    struct index *by_addr; /* of struct entry */
};

struct entry {
    struct index_link link; /* first, so that the one is the other */
    struct hold hold;
};

static struct hold *hold_of(struct index_link *link)
{
    return link ? &((struct entry *)link)->hold : NULL;
}

static struct entry *entry_of(struct hold *hold)
{
    return (struct entry *)((char *)hold - offsetof(struct entry, hold));
}

static bool is_of(const struct index_link *link, const void *key, size_t len)
{
    return memcmp(&((const struct entry *)link)->hold.addr, key, len) == 0;
}

static void free_link(struct index_link *link)
{
    free(link);
}

struct holds *holds_new(void)
{
    struct holds *holds = calloc(1, sizeof(*holds));

    if (!holds)
        return NULL;
    holds->by_addr = index_new(is_of);
    return holds->by_addr ? holds : holds_free(holds);
}

void holds_clear(struct holds *holds)
{
    index_empty(holds->by_addr, free_link);
}

struct holds *holds_free(struct holds *holds)
{
    if (holds && holds->by_addr) {
        holds_clear(holds);
        index_free(holds->by_addr);
    }
    free(holds);
    return NULL;
}

struct hold *holds_find(const struct holds *holds, const struct addr *addr)
{
    return hold_of(index_find(holds->by_addr, addr, sizeof(*addr)));
}

struct hold *holds_get(struct holds *holds, const struct addr *addr)
{
    struct hold *hold = holds_find(holds, addr);
    struct entry *entry;

    if (hold)
        return hold;
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    entry->hold.addr = *addr;
    if (index_add(holds->by_addr, &entry->link, addr, sizeof(*addr)) < 0) {
        free(entry);
        return NULL;
    }
    return &entry->hold;
}

void holds_drop(struct holds *holds, struct hold *hold)
{
    index_remove(holds->by_addr, &entry_of(hold)->link);
    free(entry_of(hold));
}

size_t holds_count(const struct holds *holds)
{
    return index_count(holds->by_addr);
}
