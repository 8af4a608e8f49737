/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "journal-place.h"

#include <stddef.h>
#include <sys/stat.h>

static const char *const local_paths[JOURNAL_PLACES_MAX] = { "/var/log/journal",
                                                             "/run/log/journal" };

void journal_place_note(const char *path, struct journal_place *ret)
{
    *ret = (struct journal_place){ 0 };
    for (size_t i = 0; i < JOURNAL_PLACES_MAX; i++) {
        const char *name = !path[0] ? local_paths[i] : i == 0 ? path : NULL;
        struct stat st;

        if (!name || stat(name, &st) < 0)
            continue;
        ret->items[i].device = st.st_dev;
        ret->items[i].inode = st.st_ino;
    }
}

bool journal_place_changed(const char *path, const struct journal_place *place)
{
    struct journal_place now;

    journal_place_note(path, &now);
    for (size_t i = 0; i < JOURNAL_PLACES_MAX; i++)
        if (now.items[i].device != place->items[i].device ||
            now.items[i].inode != place->items[i].inode)
            return true;
    return false;
}
