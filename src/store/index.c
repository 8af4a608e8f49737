/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A hash table of chains, with a power of two of buckets and no more items than those. */

#include "index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 64

struct index {
    index_is_func is;
    struct index_link **buckets;
    size_t n_buckets, count;
};

struct index *index_new(index_is_func is)
{
    struct index *index = calloc(1, sizeof(*index));

    if (!index)
        return NULL;
    index->is = is;
    index->n_buckets = BUCKETS_FIRST;
    index->buckets = calloc(index->n_buckets, sizeof(*index->buckets));
    return index->buckets ? index : index_free(index);
}

struct index *index_free(struct index *index)
{
    if (index)
        free(index->buckets);
    free(index);
    return NULL;
}

/* A word at a time through a mixing function (MurmurHash3's), since the keys of sessions are long.
 * Clients have a say in addresses and the ids of sessions: it begins with where the table lies, so
 * that nobody can know which of them collide. */
static uint32_t hash_key(const struct index *index, const void *key, size_t len)
{
    const unsigned char *bytes = key;
    uint64_t hash = len ^ (uintptr_t)index, word;

    for (size_t i = 0; i < len; i += sizeof(word)) {
        word = 0;
        memcpy(&word, bytes + i, len - i < sizeof(word) ? len - i : sizeof(word));
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 33;
    }
    return (uint32_t)(hash * UINT64_C(0xc4ceb9fe1a85ec53) >> 32);
}

static struct index_link **find_bucket(const struct index *index, uint32_t hash)
{
    return &index->buckets[hash & (index->n_buckets - 1)];
}

static void insert(struct index *index, struct index_link *link)
{
    struct index_link **bucket = find_bucket(index, link->hash);

    link->next = *bucket;
    *bucket = link;
}

static int grow(struct index *index)
{
    struct index_link **old = index->buckets;
    size_t n_old = index->n_buckets;

    index->buckets = calloc(2 * n_old, sizeof(*old));
    if (!index->buckets) {
        index->buckets = old;
        return -ENOMEM;
    }
    index->n_buckets = 2 * n_old;
    for (size_t i = 0; i < n_old; i++) {
        struct index_link *next;

        for (struct index_link *link = old[i]; link; link = next) {
            next = link->next;
            insert(index, link);
        }
    }
    free(old);
    return 0;
}

struct index_link *index_find(const struct index *index, const void *key, size_t len)
{
    uint32_t hash = hash_key(index, key, len);
    struct index_link *link = *find_bucket(index, hash);

    while (link && !(link->hash == hash && index->is(link, key, len)))
        link = link->next;
    return link;
}

int index_add(struct index *index, struct index_link *link, const void *key, size_t len)
{
    if (index->count == index->n_buckets && grow(index) < 0)
        return -ENOMEM;
    link->hash = hash_key(index, key, len);
    insert(index, link);
    index->count++;
    return 0;
}

void index_remove(struct index *index, struct index_link *link)
{
    struct index_link **place = find_bucket(index, link->hash);

    while (*place != link)
        place = &(*place)->next;
    *place = link->next;
    index->count--;
}

size_t index_count(const struct index *index)
{
    return index->count;
}

/* The first item in this bucket or a later one. */
static struct index_link *first_from(const struct index *index, size_t bucket)
{
    for (; bucket < index->n_buckets; bucket++)
        if (index->buckets[bucket])
            return index->buckets[bucket];
    return NULL;
}

struct index_link *index_next(const struct index *index, const struct index_link *link)
{
    if (!link)
        return first_from(index, 0);
    return link->next ? link->next : first_from(index, (link->hash & (index->n_buckets - 1)) + 1);
}

void index_empty(struct index *index, index_each_func func)
{
    for (size_t i = 0; i < index->n_buckets; i++) {
        struct index_link *next;

        for (struct index_link *link = index->buckets[i]; link; link = next) {
            next = link->next;
            func(link);
        }
        index->buckets[i] = NULL;
    }
    index->count = 0;
}
