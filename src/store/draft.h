/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "index.h"

/* What a transaction has read and changed so far, by the map's keys. An address whose client comes
 * ten times in one batch, or a session that begins and ends in it, is read and written once, or
 * never. */
struct draft;

/* A value as the program sees it, and how the map has it. */
struct draft_kind {
    size_t size;
    size_t (*encode)(const void *value, char *ret); /* at most DRAFT_TEXT_MAX bytes */
    int (*decode)(const void *data, size_t len, void *ret);
};

#define DRAFT_TEXT_MAX 1024

struct draft_item {
    struct index_link link;
    const struct draft_kind *kind;
    bool exists;         /* for the program */
    bool may_be_in_file; /* false: certainly not */
    bool is_changed;     /* against the file */
    size_t key_len;
    char *key; /* ends with NUL */
    _Alignas(max_align_t) char value[];
};

struct draft *draft_new(void);
struct draft *draft_free(struct draft *draft);
DEFINE_CLEANUP(struct draft *, draft_free)

/* Forgets everything. */
void draft_clear(struct draft *draft);

/* NULL if nothing is known of the key yet. */
struct draft_item *draft_find(const struct draft *draft, const char *key, size_t len);

/* A new item, not existing and not changed, for a key of which nothing is known; NULL if there is
 * no memory. */
struct draft_item *draft_add(struct draft *draft, const struct draft_kind *kind, const char *key,
                             size_t len);

size_t draft_count(const struct draft *draft);

/* The item behind another, as index_next(). */
struct draft_item *draft_next(const struct draft *draft, const struct draft_item *item);
