/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <netinet/in.h>

/* Sockets to listen on. Addresses are numeric, since a bridge that waits for name service at start,
 * or listens where a name server says, would be neither quick nor safe. */

#define LISTENER_NAME_MAX (INET6_ADDRSTRLEN + 9) /* "[", "]:65535" and the final NUL */

/* Opens a socket for "192.0.2.1:825" or "[2001:db8::1]:825"; port 0 takes any free one. Returns 0,
 * -EINVAL for other text only, or the errno of what failed. */
int listener_open(const char *text, int *ret_fd);

/* Checks a socket that systemd opened, and makes it non-blocking. Returns 0, -ENOTSOCK if it is not
 * a listening stream socket, or another errno. The socket remains the caller's. */
int listener_adopt(int fd);

/* Writes where a socket of listener_open() listens, in the same form. Returns 0 or a negative
 * errno. */
int listener_name(int fd, char ret[static LISTENER_NAME_MAX]);
