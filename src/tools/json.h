/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "column.h"
#include "listing.h"
#include "options.h"

/* Prints the listing as JSON, an object a row, on standard output. Returns 0 or -ENOMEM. */
int json_print(const struct listing *listing, const struct columns *columns, enum json_mode mode,
               uint64_t now_usec);
