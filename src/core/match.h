/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"
#include "entry.h"

/* One line of a rule's Match=: FIELD=value words in the sense of journalctl(1), where words with
 * the same field are alternatives and different fields must all hold. Values are compared exactly.
 */
struct match;

/* Reads such a line. Returns 0, -ENOMEM, or -EINVAL with a constant reason in *reterr. */
int match_parse(const char *text, struct match **ret, const char **reterr);
struct match *match_free(struct match *match);
DEFINE_CLEANUP(struct match *, match_free)

/* True if the entry is one that journalctl would show for the line. A field that cannot be read is
 * treated as absent: it then vouches for nothing. */
bool match_holds(const struct match *match, const struct entry *entry);

/* True if the line says which unit the entry must come from, in the field that only journald sets.
 */
bool match_names_unit(const struct match *match);

/* The words, each as "FIELD=value" with its length; NULL past the last. Words of one field are
 * neighbours. */
const char *match_word(const struct match *match, size_t i, size_t *ret_len);
