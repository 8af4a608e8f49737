/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* The file under which the watcher can be asked to catch up: a socket that only the group of its
 * directory may use. The directory is there already; the service must not own it, see
 * units/tmpfiles.conf.in. */
struct catch_up_socket {
    int fd;    /* listens, non-blocking */
    gid_t gid; /* who may use it */
    dev_t device;
    ino_t inode;
};

/* Makes the file, in the place of one that nobody listens at any more. Returns 0; -EADDRINUSE if
 * somebody does; -EEXIST if it is no socket; or another negative errno. */
int catch_up_socket_open(const char *path, struct catch_up_socket *ret);

/* Closes it, and removes the file if it still is the same. */
void catch_up_socket_close(struct catch_up_socket *socket, const char *path);
