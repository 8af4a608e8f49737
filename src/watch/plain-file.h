/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* Files that the daemon itself makes and writes, perhaps as root, in directories that may be
 * somebody else's: the log and the pid file. */

/* Opens a file, with O_CREAT also one that is not there yet. Refuses what would have it write
 * elsewhere or wait: -ELOOP for a symbolic link, -EMLINK for a file with more names than this one,
 * -EMEDIUMTYPE for anything but a regular file. Returns 0 or a negative errno. */
int plain_file_open(const char *path, int flags, mode_t mode, int *ret_fd);

/* In words, what an error of plain_file_open() says of the file. */
const char *plain_file_error_text(int error);
