/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "draft.h"

#include <stdlib.h>
#include <string.h>

struct draft {
    struct index *items;
};

/* The link is the first member. */
static struct draft_item *item_of(struct index_link *link)
{
    return (struct draft_item *)link;
}

static bool is_item(const struct index_link *link, const void *key, size_t len)
{
    const struct draft_item *item = (const struct draft_item *)link;

    return item->key_len == len && memcmp(item->key, key, len) == 0;
}

struct draft *draft_new(void)
{
    struct draft *draft = calloc(1, sizeof(*draft));

    if (!draft)
        return NULL;
    draft->items = index_new(is_item);
    return draft->items ? draft : draft_free(draft);
}

static void free_item(struct index_link *link)
{
    free(item_of(link));
}

void draft_clear(struct draft *draft)
{
    index_empty(draft->items, free_item);
}

struct draft *draft_free(struct draft *draft)
{
    if (draft && draft->items) {
        draft_clear(draft);
        index_free(draft->items);
    }
    free(draft);
    return NULL;
}

struct draft_item *draft_find(const struct draft *draft, const char *key, size_t len)
{
    return item_of(index_find(draft->items, key, len));
}

struct draft_item *draft_add(struct draft *draft, const struct draft_kind *kind, const char *key,
                             size_t len)
{
    struct draft_item *item = malloc(sizeof(*item) + kind->size + len + 1);

    if (!item)
        return NULL;
    *item = (struct draft_item){ .kind = kind, .key_len = len };
    item->key = item->value + kind->size;
    memcpy(item->key, key, len);
    item->key[len] = 0;
    if (index_add(draft->items, &item->link, item->key, len) == 0)
        return item;
    free(item);
    return NULL;
}

size_t draft_count(const struct draft *draft)
{
    return index_count(draft->items);
}

struct draft_item *draft_next(const struct draft *draft, const struct draft_item *item)
{
    return item_of(index_next(draft->items, item ? &item->link : NULL));
}
