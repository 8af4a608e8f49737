/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "entry.h"

/* Which entries of a log process are lines of their own. courierlogger(1), for one, reads 511 bytes
 * of a line at a time and logs the rest as if it were another line, so that whoever can put a long
 * name into a line about a failed login decides how the next entry begins, with every trusted field
 * right. No pattern can tell such an entry; its predecessor can. */
struct cuts;

/* `line_max`: an entry of at least so many bytes may be the beginning of a longer line. */
struct cuts *cuts_new(size_t line_max);
struct cuts *cuts_free(struct cuts *cuts);
DEFINE_CLEANUP(struct cuts *, cuts_free)

/* Has to see every entry of the process, in order. True if the entry is a line of its own, and all
 * of it; false if it may be the beginning or the rest of one that was cut. */
bool cuts_is_whole(struct cuts *cuts, const struct entry *entry);

/* Doubts every process until it can have nothing of a cut line left: what went before is not known.
 */
void cuts_doubt_all(struct cuts *cuts);

/* Forgets all doubts. */
void cuts_reset(struct cuts *cuts);

/* The doubts outlive the program as text, which belongs to the place in the journal that was
 * reached. cuts_take_text() writes it and returns true if it has changed since it was last taken or
 * restored; cuts_restore() returns 0, or -EBADMSG, with all in doubt, for text that is none of its
 * own. */
#define CUTS_TEXT_MAX 1280
bool cuts_take_text(struct cuts *cuts, char ret[static CUTS_TEXT_MAX]);
int cuts_restore(struct cuts *cuts, const char *text);
