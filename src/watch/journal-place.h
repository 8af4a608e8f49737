/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Which directories, or which file, a journal is read from. Whoever follows a directory that is
 * removed and made again follows nothing. */

#define JOURNAL_PLACES_MAX 2

struct journal_place {
    int fds[JOURNAL_PLACES_MAX]; /* -1: there is none */
};

#define JOURNAL_PLACE_NONE ((struct journal_place){ { -1, -1 } })

/* `path` as for source_open(). What `place` held before is given up. */
void journal_place_note(struct journal_place *place, const char *path);
void journal_place_forget(struct journal_place *place);

bool journal_place_changed(const struct journal_place *place, const char *path);
