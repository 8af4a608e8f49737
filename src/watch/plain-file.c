/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plain-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/cleanup.h"

/* A FIFO or a socket that nobody reads, and a device without a driver, cannot be opened at all. */
static int open_error(int error)
{
    return error == ENXIO || error == ENODEV || error == EISDIR ? -EMEDIUMTYPE : -error;
}

int plain_file_open(const char *path, int flags, mode_t mode, int *ret_fd)
{
    /* O_NONBLOCK is nothing to a regular file; a FIFO would have us wait for its other end. */
    _cleanup_(closep) int fd =
        open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode);
    struct stat st;

    if (fd < 0)
        return open_error(errno);
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EMEDIUMTYPE;
    if (st.st_nlink > 1)
        return -EMLINK;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

const char *plain_file_error_text(int error)
{
    switch (error) {
    case -ELOOP:
        return "it is a symbolic link, which is not followed";
    case -EMLINK:
        return "it has other names (hard links), by which it may be somebody else's file";
    case -EMEDIUMTYPE:
        return "it is something else than a regular file";
    default:
        return strerror(-error);
    }
}
