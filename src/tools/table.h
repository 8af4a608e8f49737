/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "column.h"
#include "listing.h"

/* Prints the listing as a table for people, or with `raw` as blank-separated words in which blanks
 * are written "\x20". Returns 0 or a negative errno. */
int table_print(const struct listing *listing, const struct columns *columns, bool headings,
                bool raw, uint64_t now_usec);
