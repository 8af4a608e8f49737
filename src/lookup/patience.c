/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A signal interrupts the system call that waits for a lock. The timer is neither stopped nor set
 * anew for each span, which would cost a system call each time: one that comes too early is set
 * again for what is left, and one that comes between look-ups is ignored. When the span is over it
 * repeats, or it could come just before the call that it is to interrupt. */

#include "patience.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include "core/duration.h"

/* A mail server waits for 100 s; all its connections wait here for each other. */
#define LONG_USEC   (USEC_PER_SEC / 2)
#define SHORT_USEC  (5 * USEC_PER_SEC / 1000)
#define REPEAT_USEC (USEC_PER_SEC / 1000)

static timer_t timer;
static volatile sig_atomic_t is_waiting, is_over, is_running;
static volatile uint64_t end_usec; /* of this span, monotonic */
static bool ran_out;

static void start(uint64_t usec)
{
    const struct itimerspec span = { .it_value.tv_nsec = (long)usec * 1000 };

    is_running = 1;
    (void)timer_settime(timer, 0, &span, NULL);
}

static void on_alarm(int signal)
{
    struct timespec now = { 0 };
    uint64_t now_usec;
    int saved = errno;

    is_running = 0;
    if (is_waiting) {
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        now_usec = (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
        is_over = now_usec >= end_usec;
        start(is_over ? REPEAT_USEC : end_usec - now_usec);
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

static uint64_t span_usec(void)
{
    return ran_out ? SHORT_USEC : LONG_USEC;
}

void patience_renew(uint64_t now_usec)
{
    is_over = 0;
    end_usec = now_usec + span_usec();
}

void patience_begin(void)
{
    is_waiting = 1;
    if (!is_running)
        start(span_usec());
}

void patience_end(void)
{
    is_waiting = 0;
    ran_out = is_over;
}
