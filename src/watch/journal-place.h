/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Which directories, or which file, a journal is read from. Whoever follows a directory that is
 * removed and made again follows nothing. */

#define JOURNAL_PLACES_MAX 2

struct journal_place {
    struct {
        uint64_t device, inode; /* 0: there is none */
        int64_t born_sec;       /* an inode's number may be given to the next one at once */
        uint32_t born_nsec;
    } items[JOURNAL_PLACES_MAX];
};

/* `path` as for source_open(). */
void journal_place_note(const char *path, struct journal_place *ret);

bool journal_place_changed(const char *path, const struct journal_place *place);
