/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel cancels a timer of this kind when the clock is set (timerfd_create(2)). */

#include "clock-change.h"

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/cleanup.h"

static int arm(int fd)
{
    static const struct itimerspec never = { .it_value.tv_sec = INT64_MAX };

    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0
               ? -errno
               : 0;
}

int clock_change_open(void)
{
    _cleanup_(closep) int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    int r;

    if (fd < 0)
        return -errno;
    r = arm(fd);
    return r < 0 ? r : TAKE_FD(fd);
}

int clock_change_take(int fd)
{
    uint64_t expirations;
    int r;

    if (read(fd, &expirations, sizeof(expirations)) < 0 && errno != ECANCELED)
        return 0;
    r = arm(fd);
    return r < 0 ? r : 1;
}
