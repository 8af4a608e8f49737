/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/entry.h"

/* A journal entry from a table. The table belongs to the caller and outlives the entry. */

struct fake_field {
    const char *name; /* NULL ends the table */
    const void *data;
    size_t len;
    int error; /* not 0: what reading the field returns instead */
};

#define FAKE_TEXT(name, text)                                                                      \
    {                                                                                              \
        (name), (text), sizeof(text) - 1, 0                                                        \
    }

struct entry fake_entry(const struct fake_field *fields, uint64_t realtime_usec);
