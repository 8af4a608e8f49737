/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-journal.h>

/* Places in a journal, among the entries that its matches select. Both return 1 if the journal then
 * stands on an entry, 0 if there is none yet, or a negative errno. */

/* Goes to the first entry of that time or later; 0: to the oldest. *ret_has_earlier becomes true if
 * there are entries before it, and is left alone for the oldest. */
int journal_seek_time(sd_journal *journal, uint64_t realtime_usec, bool *ret_has_earlier);

/* Goes to the entry behind the cursor's, and tells whether that one is there. -EINVAL is for what
 * is no cursor. */
int journal_seek_behind(sd_journal *journal, const char *cursor, bool *ret_is_there);
