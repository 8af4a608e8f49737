/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "column.h"
#include "filter.h"
#include "row.h"
#include "store/map.h"

/* The rows to be shown, in the order in which they are shown. */
struct listing {
    struct row *row;
    size_t count, capacity;
    size_t unreadable; /* records of the map that are damaged and left out */
};

/* Fills an empty listing with the map's entries that the filter accepts and that have not run out
 * at `now_usec`. Returns 0, -ENOMEM, or the errno of map_each(). */
int listing_read(struct listing *listing, struct map *map, struct filter *filter,
                 uint64_t now_usec);

/* Sorts by the column, rows that are equal in it by address. */
void listing_sort(struct listing *listing, const struct column *column, bool reverse,
                  uint64_t now_usec);

/* Frees the rows; the listing is empty again. */
void listing_done(struct listing *listing);
