/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A signal interrupts the system call that waits for a lock. Between look-ups the timer is left to
 * run, because to stop it would cost another system call each time; one that comes then is ignored,
 * and does not come again. During look-ups it repeats, or it could come just before the call that
 * it is to interrupt. */

#include "patience.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

/* A mail server waits for 100 s; all its connections wait here for each other. */
#define LONG_NSEC   500000000
#define SHORT_NSEC  5000000
#define REPEAT_NSEC 1000000

static timer_t timer;
static volatile sig_atomic_t is_waiting, is_over, is_stopped = 1;
static bool ran_out;

static void start(long nsec)
{
    const struct itimerspec span = { .it_value.tv_nsec = nsec };

    is_stopped = 0;
    (void)timer_settime(timer, 0, &span, NULL);
}

static void on_alarm(int signal)
{
    int saved = errno;

    if (is_waiting) {
        is_over = 1;
        start(REPEAT_NSEC);
    } else {
        is_stopped = 1;
    }
    errno = saved;
}

int patience_install(volatile sig_atomic_t **ret)
{
    /* Without SA_RESTART: the call is to fail. */
    const struct sigaction action = { .sa_handler = on_alarm };

    if (sigaction(SIGALRM, &action, NULL) < 0 || timer_create(CLOCK_MONOTONIC, NULL, &timer) < 0)
        return -errno;
    *ret = &is_over;
    return 0;
}

void patience_renew(void)
{
    is_over = 0;
    is_stopped = 1;
}

void patience_begin(void)
{
    is_waiting = 1;
    if (is_stopped)
        start(ran_out ? SHORT_NSEC : LONG_NSEC);
}

void patience_end(void)
{
    is_waiting = 0;
    ran_out = is_over;
}
