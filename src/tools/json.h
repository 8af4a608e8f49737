/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include <jansson.h>

#include "column.h"
#include "listing.h"

enum json_mode {
    JSON_OFF,
    JSON_PRETTY, /* an array over many lines */
    JSON_SHORT,  /* an array on one line */
    JSON_LINES,  /* an object a line */
};

/* Prints the listing as JSON, an object a row, on standard output. Returns 0 or -ENOMEM. */
int json_print(const struct listing *listing, const struct columns *columns, enum json_mode mode,
               uint64_t now_usec);

/* The same as a value; NULL if there is no memory. */
json_t *json_rows(const struct listing *listing, const struct columns *columns, uint64_t now_usec);
