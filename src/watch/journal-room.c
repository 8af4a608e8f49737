/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "journal-room.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "core/cleanup.h"

/* What must be left: descriptors, of which journald takes a few when it rotates, and twice what
 * sd_journal maps of a file at a time. */
#define FILES_SPARE 16
#define BYTES_SPARE (16 << 20)

/* The kernel gives the lowest number that is free, so that one near the end is taken last. */
static bool has_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
        return true;
    return limit.rlim_cur > FILES_SPARE && fcntl((int)limit.rlim_cur - FILES_SPARE, F_GETFD) < 0;
}

/* Addresses, not memory: only a limit on those makes mmap(2) fail. */
static bool has_addresses(void)
{
    void *place =
        mmap(NULL, BYTES_SPARE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return place != MAP_FAILED && munmap(place, BYTES_SPARE) == 0;
}

int journal_room_check(void)
{
    if (!has_files())
        return -EMFILE;
    return has_addresses() ? 0 : -ENOMEM;
}

bool journal_room_has_watches(void)
{
    _cleanup_(closep) int fd = inotify_init1(IN_CLOEXEC);

    return fd >= 0 && inotify_add_watch(fd, "/", IN_DELETE_SELF) >= 0;
}
