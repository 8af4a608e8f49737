/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "journal-seek.h"

int journal_seek_time(sd_journal *journal, uint64_t realtime_usec, bool *ret_has_earlier)
{
    int r;

    if (realtime_usec == 0) {
        r = sd_journal_seek_head(journal);
        return r < 0 ? r : sd_journal_next(journal);
    }
    r = sd_journal_seek_realtime_usec(journal, realtime_usec);
    if (r >= 0)
        r = sd_journal_previous(journal);
    if (r < 0)
        return r;
    *ret_has_earlier = r > 0;
    r = sd_journal_seek_realtime_usec(journal, realtime_usec);
    return r < 0 ? r : sd_journal_next(journal);
}

/* After a seek, the first entry is the cursor's only if a test says so: it is a later one if the
 * cursor's was vacuumed, or is none that the matches select any more. */
int journal_seek_behind(sd_journal *journal, const char *cursor, bool *ret_is_there)
{
    int r;

    *ret_is_there = false;
    r = sd_journal_seek_cursor(journal, cursor);
    if (r < 0)
        return r;
    r = sd_journal_next(journal);
    if (r <= 0)
        return r;
    r = sd_journal_test_cursor(journal, cursor);
    if (r < 0)
        return r;
    *ret_is_there = r > 0;
    return r > 0 ? sd_journal_next(journal) : 1;
}
