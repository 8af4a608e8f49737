/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* systemd's own readers of journal files do the same: a page of zeros fails the checks of whoever
 * reads it, and that ends in an error instead of a crash. */

#include "sigbus.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t happened;
static uintptr_t page_mask;

static void on_sigbus(int signal, siginfo_t *info, void *context)
{
    void *page = (void *)((uintptr_t)info->si_addr & page_mask);

    /* Anything but a page beyond the end of a file is a fault of the machine, or ours. */
    if (info->si_code != BUS_ADRERR ||
        mmap(page, ~page_mask + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
             -1, 0) == MAP_FAILED)
        abort();
    happened = 1;
}

int sigbus_install(void)
{
    struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

    page_mask = ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
    return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

bool sigbus_happened(void)
{
    bool was = happened;

    happened = 0;
    return was;
}
