/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cleanup.h"

/* Finds items by their keys, which are strings of bytes, in no order. The items are the caller's;
 * each has a link in it, by which it is known here, and keeps its own key. */
struct index;

struct index_link {
    struct index_link *next; /* in the same bucket */
    uint32_t hash;
};

/* True if the key is the item's. */
typedef bool (*index_is_func)(const struct index_link *link, const void *key, size_t len);

typedef void (*index_each_func)(struct index_link *link);

struct index *index_new(index_is_func is);

/* Neither touches the items; call index_empty() with what frees them before. */
struct index *index_free(struct index *index);
DEFINE_CLEANUP(struct index *, index_free)

/* Takes all items out, and hands each to `func`. */
void index_empty(struct index *index, index_each_func func);

/* NULL if there is none. */
struct index_link *index_find(const struct index *index, const void *key, size_t len);

/* Adds an item whose key is not there. Returns 0 or -ENOMEM. */
int index_add(struct index *index, struct index_link *link, const void *key, size_t len);

/* Takes out an item that is there. */
void index_remove(struct index *index, struct index_link *link);

size_t index_count(const struct index *index);

/* The item behind another, in no order; the first behind NULL. NULL past the last. */
struct index_link *index_next(const struct index *index, const struct index_link *link);
