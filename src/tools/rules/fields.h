/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/cleanup.h"
#include "core/entry.h"

/* The fields of one entry that does not come from a journal file. */
struct fields;

struct fields *fields_new(void);
struct fields *fields_free(struct fields *fields);
DEFINE_CLEANUP(struct fields *, fields_free)

void fields_clear(struct fields *fields);

/* Adds a field, copied; one too many is left out, as by journald. Returns 0 or -ENOMEM. */
int fields_add(struct fields *fields, const char *name, size_t name_len, const void *value,
               size_t value_len);

/* The same for "FIELD=value". */
int fields_add_word(struct fields *fields, const char *word);

/* Adds all of `other` whose names are not there yet. Returns 0 or -ENOMEM. */
int fields_add_missing(struct fields *fields, const struct fields *other);

/* The fields as an entry, which holds until they are changed. */
struct entry fields_entry(struct fields *fields, uint64_t realtime_usec);
