/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/cleanup.h"
#include "core/event.h"
#include "core/network.h"
#include "core/record.h"
#include "map.h"

/* Who is allowed, and until when: what a login changes in the map, and what time does. The map
 * holds the truth; this adds when to look at which of its records again. All times are arguments.
 */
struct table;

enum table_change {
    TABLE_ALLOW,  /* a new address */
    TABLE_EXTEND, /* one that was there */
    TABLE_STALE,  /* a login whose time was over when it was read; nothing changed */
    TABLE_REFUSE, /* no room for a new address; nothing changed */
};

/* `map` stays the caller's and must outlive the table. Returns 0 or -ENOMEM. */
int table_new(struct map *map, size_t max_entries, struct table **ret);
struct table *table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free)

/* What no record may be beyond, although it was right when it was written: the clock can have been
 * set back since, and the configuration changed. */
struct table_bounds {
    uint64_t now_usec;     /* no login was later */
    uint64_t longest_usec; /* nobody is allowed for longer after a login */
    unsigned ipv6_bits;    /* the map\'s: IPv6 addresses are excluded as groups of that length */
    const struct networks *excluded[2]; /* no address is in one of these */
};

/* Learns what the map holds: at the start, after each transaction that did not take effect, and
 * when the bounds have changed. Returns 0; 1 if there are records beyond the bounds, which
 * table_mend() changes; or a negative errno. */
int table_load(struct table *table, const struct table_bounds *bounds);

/* Inside a transaction: removes the addresses that are excluded, and shortens what reaches beyond
 * the bounds. Returns how many records were removed, or a negative errno; then load anew. */
int table_mend(struct table *table, const struct table_bounds *bounds);

/* Inside a transaction: applies a login. A login from the future (a clock was wrong) counts as one
 * from now. Returns 0 with what it came to, or a negative errno. */
int table_login(struct table *table, const struct event *event, uint64_t now_usec,
                enum table_change *ret_change, struct record *ret_record);

/* Inside a transaction: removes one address whose time is over. Returns 1 with the address and its
 * last record, 0 if there is none, or a negative errno. */
int table_expire(struct table *table, uint64_t now_usec, struct addr *ret_addr,
                 struct record *ret_record);

/* When table_expire() has something to look at next; UINT64_MAX if never. */
uint64_t table_next_usec(const struct table *table);

size_t table_count(const struct table *table);
