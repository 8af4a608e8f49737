/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"
#include "entry.h"

/* One line of a rule's Match= or Require=: FIELD=value words in the sense of journalctl(1), where
 * words with the same field are alternatives and different fields must all hold. */
struct match;

enum match_kind {
    MATCH_EXACT, /* values are compared as they are, as the journal's index does */
    MATCH_GLOB,  /* they are patterns in the sense of glob(7), where "*" takes any byte */
};

/* True if the text can be the name of a journal field. */
bool match_is_field_name(const char *text, size_t len);

/* Reads such a line. Returns 0, -ENOMEM, or -EINVAL with a constant reason in *reterr. */
int match_parse(const char *text, enum match_kind kind, struct match **ret, const char **reterr);
struct match *match_free(struct match *match);
DEFINE_CLEANUP(struct match *, match_free)

/* True if the entry is one that journalctl would show for the line. A field that cannot be read is
 * treated as absent: it then vouches for nothing. */
bool match_holds(const struct match *match, const struct entry *entry);

/* Which word keeps the line from holding: the first one of the first field of which none does.
 * Returns false if the line holds. */
bool match_find_obstacle(const struct match *match, const struct entry *entry, size_t *ret);

/* True if the line says which unit the entry must come from, in the field that only journald sets;
 * a glob(7) has to begin with a name that no user's own unit can have. */
bool match_names_unit(const struct match *match);

/* True if the line has a word of that field which the value fulfils. */
bool match_has_value(const struct match *match, const char *field, const char *value, size_t len);

/* The words, each as "FIELD=value" with its length; NULL past the last. Words of one field are
 * neighbours. */
const char *match_word(const struct match *match, size_t i, size_t *ret_len);
