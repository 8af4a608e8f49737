/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The directories are kept open, without a right to read them: a number that tells one from another
 * is given to the next one as soon as nobody holds the old one. */

#include "journal-place.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *name_of(const char *path, size_t i)
{
    static const char *const local_paths[JOURNAL_PLACES_MAX] = { "/var/log/journal",
                                                                 "/run/log/journal" };

    if (!path[0])
        return local_paths[i];
    return i == 0 ? path : NULL;
}

void journal_place_forget(struct journal_place *place)
{
    for (size_t i = 0; i < JOURNAL_PLACES_MAX; i++) {
        if (place->fds[i] >= 0)
            (void)close(place->fds[i]);
        place->fds[i] = -1;
    }
}

void journal_place_note(struct journal_place *place, const char *path)
{
    journal_place_forget(place);
    for (size_t i = 0; i < JOURNAL_PLACES_MAX; i++) {
        const char *name = name_of(path, i);

        place->fds[i] = name ? open(name, O_PATH | O_CLOEXEC) : -1;
    }
}

static bool is_same(int fd, const char *name)
{
    struct stat old, now;
    bool is_there = stat(name, &now) == 0;

    if (fd < 0 || fstat(fd, &old) < 0)
        return !is_there;
    return is_there && old.st_dev == now.st_dev && old.st_ino == now.st_ino;
}

bool journal_place_changed(const struct journal_place *place, const char *path)
{
    for (size_t i = 0; i < JOURNAL_PLACES_MAX; i++) {
        const char *name = name_of(path, i);

        if (name && !is_same(place->fds[i], name))
            return true;
    }
    return false;
}
