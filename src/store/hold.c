/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hold.h"

#include <search.h>
#include <stdlib.h>

struct holds {
    void *tree; /* of struct hold, by its address */
    size_t count;
};

static int compare(const void *a, const void *b)
{
    return addr_compare(a, b);
}

struct holds *holds_new(void)
{
    return calloc(1, sizeof(struct holds));
}

void holds_clear(struct holds *holds)
{
    tdestroy(holds->tree, free);
    *holds = (struct holds){ 0 };
}

struct holds *holds_free(struct holds *holds)
{
    if (holds)
        holds_clear(holds);
    free(holds);
    return NULL;
}

struct hold *holds_find(const struct holds *holds, const struct addr *addr)
{
    struct hold *const *node = tfind(addr, &holds->tree, compare);

    return node ? *node : NULL;
}

struct hold *holds_get(struct holds *holds, const struct addr *addr)
{
    struct hold *hold = holds_find(holds, addr);

    if (hold)
        return hold;
    hold = calloc(1, sizeof(*hold));
    if (!hold)
        return NULL;
    hold->addr = *addr;
    if (!tsearch(hold, &holds->tree, compare)) {
        free(hold);
        return NULL;
    }
    holds->count++;
    return hold;
}

void holds_drop(struct holds *holds, struct hold *hold)
{
    (void)tdelete(hold, &holds->tree, compare);
    free(hold);
    holds->count--;
}

size_t holds_count(const struct holds *holds)
{
    return holds->count;
}
