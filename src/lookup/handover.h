/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Connections that outlive the process: systemd keeps them from one to the next of the service (the
 * descriptor store of sd_pid_notify_with_fds(3), with FileDescriptorStoreMax= in the unit), since a
 * mail server warns of each that ends, and loses a second. Without systemd these do nothing. */

/* Whether a socket that systemd passed is such a connection. */
bool handover_is_connection(int fd, const char *name);

/* Has systemd keep them, for as long as it takes to start the service again. They remain the
 * caller's, and nobody must have read from them what is not answered. */
void handover_give(const int fds[], size_t n);

/* Systemd's copies, which would keep connections open that we close, are not needed any more. */
void handover_taken(void);
