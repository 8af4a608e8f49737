/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* To keep the directories open would tell them apart as well, but then nobody would be told that
 * one was removed, as long as we hold it. */

#include "journal-place.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>

static const char *name_of(const char *path, size_t i)
{
    static const char *const local_paths[JOURNAL_PLACES_MAX] = { "/var/log/journal",
                                                                 "/run/log/journal" };

    if (!path[0])
        return local_paths[i];
    return i == 0 ? path : NULL;
}

void journal_place_note(const char *path, struct journal_place *ret)
{
    *ret = (struct journal_place){ 0 };
    for (size_t i = 0; i < JOURNAL_PLACES_MAX; i++) {
        const char *name = name_of(path, i);
        struct statx st = { 0 };

        if (!name || statx(AT_FDCWD, name, 0, STATX_INO | STATX_BTIME, &st) < 0)
            continue;
        ret->items[i].device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
        ret->items[i].inode = st.stx_ino;
        ret->items[i].born_sec = st.stx_btime.tv_sec;
        ret->items[i].born_nsec = st.stx_btime.tv_nsec;
    }
}

bool journal_place_changed(const char *path, const struct journal_place *place)
{
    struct journal_place now;

    journal_place_note(path, &now);
    for (size_t i = 0; i < JOURNAL_PLACES_MAX; i++)
        if (now.items[i].device != place->items[i].device ||
            now.items[i].inode != place->items[i].inode ||
            now.items[i].born_sec != place->items[i].born_sec ||
            now.items[i].born_nsec != place->items[i].born_nsec)
            return true;
    return false;
}
