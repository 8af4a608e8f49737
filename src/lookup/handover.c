/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "handover.h"

#include <string.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "core/duration.h"

#define NAME "client"

/* The kernel's SCM_MAX_FD: what one message can carry. */
#define FDS_MAX 253

bool handover_is_connection(int fd, const char *name)
{
    return name && strcmp(name, NAME) == 0 && sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 0) > 0;
}

void handover_give(const int fds[], size_t n)
{
    for (size_t i = 0; i < n; i += FDS_MAX)
        (void)sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=" NAME, fds + i,
                                     (unsigned)(n - i < FDS_MAX ? n - i : FDS_MAX));
    /* Systemd would not know any more whose they are when the process is gone. */
    if (n > 0)
        (void)sd_notify_barrier(0, USEC_PER_SEC);
}

void handover_taken(void)
{
    (void)sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" NAME);
}
