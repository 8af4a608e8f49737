/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The invariant: each address in the map has exactly one item in the heap, due no later than its
 * record expires. A login that extends touches the record only; the item finds out when it comes
 * due. While a transaction is open the heap runs ahead of the map, so one that fails is followed by
 * table_load(). */

#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/heap.h"
#include "core/rule.h"

struct table {
    struct map *map;
    struct heap *heap;
    size_t max_entries;
};

struct table *table_free(struct table *table)
{
    if (table)
        heap_free(table->heap);
    free(table);
    return NULL;
}

int table_new(struct map *map, size_t max_entries, struct table **ret)
{
    _cleanup_(table_freep) struct table *table = calloc(1, sizeof(*table));

    if (!table)
        return -ENOMEM;
    table->map = map;
    table->max_entries = max_entries;
    table->heap = heap_new();
    if (!table->heap)
        return -ENOMEM;
    *ret = TAKE_PTR(table);
    return 0;
}

static bool is_excluded(const struct table_bounds *bounds, const struct addr *addr)
{
    unsigned bits = addr_is_ipv4(addr) ? 128 : bounds->ipv6_bits;

    for (size_t i = 0; i < sizeof(bounds->excluded) / sizeof(bounds->excluded[0]); i++)
        if (networks_contain_group(bounds->excluded[i], addr, bits))
            return true;
    return false;
}

static bool is_beyond(const struct table_bounds *bounds, const struct addr *addr,
                      const struct record *record)
{
    return record->login_usec > bounds->now_usec ||
           record->expires_usec > record->login_usec + bounds->longest_usec ||
           is_excluded(bounds, addr);
}

struct load {
    struct table *table;
    const struct table_bounds *bounds;
    bool is_beyond;
};

static int load_record(const struct addr *addr, const struct record *record, void *userdata)
{
    struct load *load = userdata;

    if (record && is_beyond(load->bounds, addr, record))
        load->is_beyond = true;
    /* An unreadable record allows nobody; it comes due at once, and is then removed. */
    return heap_push(load->table->heap, record ? record->expires_usec : 0, addr);
}

int table_load(struct table *table, const struct table_bounds *bounds)
{
    struct load load = { table, bounds, false };
    int r;

    heap_clear(table->heap);
    r = map_each(table->map, load_record, &load);
    return r < 0 ? r : load.is_beyond;
}

/* Addresses that were found while the map must not be changed. */
struct found {
    const struct table_bounds *bounds;
    struct addr *addrs;
    size_t count, capacity;
};

static int find_beyond(const struct addr *addr, const struct record *record, void *userdata)
{
    struct found *found = userdata;

    if (!record || !is_beyond(found->bounds, addr, record))
        return 0;
    if (found->count == found->capacity) {
        size_t capacity = found->capacity ? 2 * found->capacity : 64;
        struct addr *addrs = reallocarray(found->addrs, capacity, sizeof(*addrs));

        if (!addrs)
            return -ENOMEM;
        found->addrs = addrs;
        found->capacity = capacity;
    }
    found->addrs[found->count++] = *addr;
    return 0;
}

static int shorten(struct table *table, const struct table_bounds *bounds, const struct addr *addr)
{
    struct record record;
    int r = map_get(table->map, addr, &record);

    if (r < 0)
        return r;
    if (record.login_usec > bounds->now_usec)
        record.login_usec = bounds->now_usec;
    if (record.expires_usec > record.login_usec + bounds->longest_usec)
        record.expires_usec = record.login_usec + bounds->longest_usec;
    return map_put(table->map, addr, &record);
}

int table_mend(struct table *table, const struct table_bounds *bounds)
{
    struct found found = { .bounds = bounds };
    int r = map_each(table->map, find_beyond, &found), removed = 0;

    for (size_t i = 0; i < found.count && r == 0; i++) {
        bool excluded = is_excluded(bounds, &found.addrs[i]);

        r = excluded ? map_delete(table->map, &found.addrs[i])
                     : shorten(table, bounds, &found.addrs[i]);
        removed += excluded;
    }
    free(found.addrs);
    return r < 0 ? r : removed;
}

static void fill_record(const struct event *event, uint64_t time_usec, struct record *ret)
{
    const char *name = rule_name(event->rule);

    *ret = (struct record){
        .expires_usec = time_usec + rule_grace_usec(event->rule),
        .login_usec = time_usec,
    };
    memcpy(ret->rule, name, strlen(name));
    memcpy(ret->user, event->user, sizeof(ret->user));
}

/* The later expiry counts, the later login tells who it was. */
static void merge_record(const struct record *old, struct record *record)
{
    uint64_t expires_usec = record->expires_usec;

    if (old->login_usec > record->login_usec)
        *record = *old;
    if (old->expires_usec > expires_usec)
        expires_usec = old->expires_usec;
    record->expires_usec = expires_usec;
}

int table_login(struct table *table, const struct event *event, uint64_t now_usec,
                enum table_change *ret_change, struct record *ret_record)
{
    uint64_t time_usec = event->time_usec < now_usec ? event->time_usec : now_usec;
    struct record record, old;
    enum table_change change = TABLE_EXTEND;
    int r;

    fill_record(event, time_usec, &record);
    r = map_get(table->map, &event->addr, &old);
    if (r == 0)
        merge_record(&old, &record);
    else if (r != -ENOENT)
        return r;
    else if (record.expires_usec <= now_usec)
        change = TABLE_STALE;
    else if (heap_count(table->heap) >= table->max_entries)
        change = TABLE_REFUSE;
    else
        change = TABLE_ALLOW;

    r = 0;
    if (change == TABLE_ALLOW || change == TABLE_EXTEND)
        r = map_put(table->map, &event->addr, &record);
    if (r == 0 && change == TABLE_ALLOW)
        r = heap_push(table->heap, record.expires_usec, &event->addr);
    if (r < 0)
        return r;
    *ret_change = change;
    *ret_record = record;
    return 0;
}

/* Looks at the item that is due: 1 if its address was removed, 0 if it goes on. */
static int settle_first(struct table *table, const struct addr *addr, uint64_t now_usec,
                        struct record *ret_record)
{
    struct record record = { 0 };
    int r = map_get(table->map, addr, &record);

    if (r == 0 && record.expires_usec > now_usec) {
        heap_postpone(table->heap, record.expires_usec);
        return 0;
    }
    if (r == -ENOENT) {
        heap_pop(table->heap);
        return 0;
    }
    if (r < 0 && r != -EBADMSG)
        return r;
    r = map_delete(table->map, addr);
    if (r < 0)
        return r;
    heap_pop(table->heap);
    *ret_record = record;
    return 1;
}

int table_expire(struct table *table, uint64_t now_usec, struct addr *ret_addr,
                 struct record *ret_record)
{
    uint64_t due_usec;
    struct addr addr;

    while (heap_peek(table->heap, &due_usec, &addr) && due_usec <= now_usec) {
        int r = settle_first(table, &addr, now_usec, ret_record);

        if (r > 0)
            *ret_addr = addr;
        if (r != 0)
            return r;
    }
    return 0;
}

uint64_t table_next_usec(const struct table *table)
{
    uint64_t due_usec;
    struct addr addr;

    return heap_peek(table->heap, &due_usec, &addr) ? due_usec : UINT64_MAX;
}

size_t table_count(const struct table *table)
{
    return heap_count(table->heap);
}
