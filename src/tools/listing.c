/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rows are copied out of the map first, because the map is locked against its writer while it
 * is walked through, and the terminal may be slow. */

#include "listing.h"

#include <errno.h>
#include <stdlib.h>

struct reading {
    struct listing *listing;
    struct filter *filter;
    unsigned ipv6_bits;
    uint64_t now_usec;
};

static int listing_append(struct listing *listing, const struct row *row)
{
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
        struct row *rows = reallocarray(listing->row, capacity, sizeof(*rows));

        if (!rows)
            return -ENOMEM;
        listing->row = rows;
        listing->capacity = capacity;
    }
    listing->row[listing->count++] = *row;
    return 0;
}

static int read_record(const struct addr *addr, const struct record *record, void *userdata)
{
    struct reading *reading = userdata;
    struct row row;

    if (!record) {
        reading->listing->unreadable++;
        return 0;
    }
    /* The watcher removes what has run out a moment later; mail servers are told "not found"
     * already. */
    if (reading->now_usec >= record->expires_usec)
        return 0;
    row = (struct row){ .addr = *addr, .record = *record };
    addr_format_key(addr, reading->ipv6_bits, row.address);
    if (!filter_accepts(reading->filter, &row, reading->ipv6_bits))
        return 0;
    return listing_append(reading->listing, &row);
}

int listing_read(struct listing *listing, struct map *map, struct filter *filter, uint64_t now_usec)
{
    struct reading reading = {
        .listing = listing,
        .filter = filter,
        .ipv6_bits = map_ipv6_bits(map),
        .now_usec = now_usec,
    };

    return map_each(map, read_record, &reading);
}

struct order {
    const struct column *column;
    bool reverse;
    uint64_t now_usec;
};

static int compare_rows(const void *a, const void *b, void *userdata)
{
    const struct order *order = userdata;
    const struct row *x = a, *y = b;
    int difference = column_compare(order->column, x, y, order->now_usec);

    if (difference == 0)
        difference = addr_compare(&x->addr, &y->addr);
    return order->reverse ? -difference : difference;
}

void listing_sort(struct listing *listing, const struct column *column, bool reverse,
                  uint64_t now_usec)
{
    struct order order = { column, reverse, now_usec };

    if (listing->count > 1)
        qsort_r(listing->row, listing->count, sizeof(*listing->row), compare_rows, &order);
}

void listing_done(struct listing *listing)
{
    free(listing->row);
    *listing = (struct listing){ 0 };
}
