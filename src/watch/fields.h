/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-journal.h>

#include "core/cleanup.h"

/* The fields of one journal entry, read in one go: sd_journal_get_data() looks through the entry
 * from its beginning for each field that it is asked for, and rules ask for half a dozen. */
struct fields;

struct fields *fields_new(void);
struct fields *fields_free(struct fields *fields);
DEFINE_CLEANUP(struct fields *, fields_free)

/* Forgets the entry, when the journal has gone on to another. */
void fields_clear(struct fields *fields);

/* A field's first value in the entry that the journal stands on; it holds until the next call, and
 * is cut behind MESSAGE_MAX + 1 bytes. Returns 0, -ENOENT, or another negative errno. */
int fields_get(struct fields *fields, sd_journal *journal, const char *name, const void **ret,
               size_t *ret_len);
