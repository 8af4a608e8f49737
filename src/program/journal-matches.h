/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-journal.h>

#include "core/rule.h"

/* Which entries of a journal the rules have to see. */

/* Adds matches for the entries that the enabled rules ask for, and for journald's notices that it
 * dropped some; a disjunction to whatever the journal has already. Returns 0 or a negative errno.
 */
int journal_matches_add(sd_journal *journal, const struct rules *rules);

/* If the entry is such a notice: true, with its text, which holds until the next field is read. */
bool journal_is_drop_notice(const struct entry *entry, const char **ret_text, size_t *ret_len);
