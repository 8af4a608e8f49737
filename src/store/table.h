/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/cleanup.h"
#include "core/event.h"
#include "core/record.h"
#include "map.h"

/* Who is allowed, and until when: what a login changes in the map, and what time does. The map
 * holds the truth; this adds when to look at which of its records again. All times are arguments.
 */
struct table;

enum table_change {
    TABLE_ALLOW,  /* a new address */
    TABLE_EXTEND, /* one that was there */
    TABLE_EXPIRE, /* its time is over */
    TABLE_STALE,  /* a login whose time was over when it was read; nothing changed */
    TABLE_REFUSE, /* no room for a new address; nothing changed */
};

/* `map` stays the caller's and must outlive the table. Returns 0 or -ENOMEM. */
int table_new(struct map *map, size_t max_entries, struct table **ret);
struct table *table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free)

/* Learns what the map holds: at the start, and after each transaction that did not take effect.
 * Returns 0; 1 if the clock was set back since some record was written, which table_clamp() mends;
 * or a negative errno. */
int table_load(struct table *table, uint64_t now_usec, uint64_t longest_usec);

/* Inside a transaction: applies a login. A login from the future (a clock was wrong) counts as one
 * from now. Returns 0 with what it came to, or a negative errno. */
int table_login(struct table *table, const struct event *event, uint64_t now_usec,
                enum table_change *ret_change, struct record *ret_record);

/* Inside a transaction: removes one address whose time is over. Returns 1 with the address and its
 * last record, 0 if there is none, or a negative errno. */
int table_expire(struct table *table, uint64_t now_usec, struct addr *ret_addr,
                 struct record *ret_record);

/* Inside a transaction, after the clock was set: nobody keeps more than `longest_usec` from now,
 * nor a login that has not been yet. Returns 0 or a negative errno; then load anew. */
int table_clamp(struct table *table, uint64_t now_usec, uint64_t longest_usec);

/* When table_expire() has something to look at next; UINT64_MAX if never. */
uint64_t table_next_usec(const struct table *table);

size_t table_count(const struct table *table);
