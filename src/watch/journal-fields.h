/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-journal.h>

#include "core/cleanup.h"

/* The fields of one journal entry, read in one go: sd_journal_get_data() looks through the entry
 * from its beginning for each field that it is asked for, and rules ask for half a dozen. */
struct journal_fields;

struct journal_fields *journal_fields_new(void);
struct journal_fields *journal_fields_free(struct journal_fields *fields);
DEFINE_CLEANUP(struct journal_fields *, journal_fields_free)

/* Forgets the entry, when the journal has gone on to another. */
void journal_fields_clear(struct journal_fields *fields);

/* A field's first value in the entry that the journal stands on; it holds until the next call, and
 * is cut behind MESSAGE_MAX + 1 bytes. Returns 0, -ENOENT, or another negative errno. */
int journal_fields_get(struct journal_fields *fields, sd_journal *journal, const char *name,
                       const void **ret, size_t *ret_len);
