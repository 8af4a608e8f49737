/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A library to preload: the real-time clock shows as many microseconds more as the first eight
 * bytes of the file SHIFT_CLOCK say. Whoever writes another number there sends SIGUSR1 afterwards,
 * and then timers on that clock behave as if it had been set: those that are due run out, those
 * that ask for it (TFD_TIMER_CANCEL_ON_SET) are cancelled. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define USEC_PER_SEC 1000000
#define FDS_MAX      256

static const volatile int64_t zero, *shift_usec = &zero;

static struct timer {
    bool is_ours;      /* on the real-time clock */
    bool is_armed;     /* for an absolute time */
    bool is_cancelled; /* the next read() says so */
    int flags;
    struct itimerspec spec; /* in shifted time */
} timers[FDS_MAX];

static struct timespec shifted(struct timespec time, int64_t usec)
{
    int64_t sum = time.tv_nsec / 1000 + usec % USEC_PER_SEC;

    time.tv_sec += usec / USEC_PER_SEC;
    if (sum < 0 || sum >= USEC_PER_SEC) {
        time.tv_sec += sum < 0 ? -1 : 1;
        sum += sum < 0 ? USEC_PER_SEC : -USEC_PER_SEC;
    }
    time.tv_nsec = sum * 1000 + time.tv_nsec % 1000;
    return time;
}

static int arm(int fd)
{
    struct itimerspec spec = timers[fd].spec;

    /* One that only waits to be cancelled is set for the end of time, beyond which is nothing. */
    if (spec.it_value.tv_sec < INT64_MAX / 2)
        spec.it_value = shifted(spec.it_value, -*shift_usec);
    if (timers[fd].is_cancelled || spec.it_value.tv_sec <= 0)
        spec.it_value = (struct timespec){ .tv_nsec = 1 };
    return (int)syscall(SYS_timerfd_settime, fd, timers[fd].flags, &spec, NULL);
}

static void on_step(int signal)
{
    int saved = errno;

    for (int fd = 0; fd < FDS_MAX; fd++) {
        if (!timers[fd].is_armed)
            continue;
        timers[fd].is_cancelled = timers[fd].flags & TFD_TIMER_CANCEL_ON_SET;
        (void)arm(fd);
    }
    errno = saved;
}

__attribute__((constructor)) static void prepare(void)
{
    const struct sigaction action = { .sa_handler = on_step, .sa_flags = SA_RESTART };
    const char *path = getenv("SHIFT_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = MAP_FAILED;

    if (!path)
        return;
    if (fd >= 0)
        page = mmap(NULL, sizeof(*shift_usec), PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED || sigaction(SIGUSR1, &action, NULL) < 0)
        abort();
    (void)close(fd);
    shift_usec = page;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    if (syscall(SYS_clock_gettime, clock, ret) < 0)
        return -1;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        *ret = shifted(*ret, *shift_usec);
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    *ret = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
    return 0;
}

int timerfd_create(clockid_t clock, int flags)
{
    int fd = (int)syscall(SYS_timerfd_create, clock, flags);

    if (fd >= 0 && fd < FDS_MAX)
        timers[fd] = (struct timer){ .is_ours = clock == CLOCK_REALTIME };
    return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *spec, struct itimerspec *ret)
{
    if (fd < 0 || fd >= FDS_MAX || !timers[fd].is_ours || !(flags & TFD_TIMER_ABSTIME))
        return (int)syscall(SYS_timerfd_settime, fd, flags, spec, ret);
    timers[fd].is_armed = spec->it_value.tv_sec != 0 || spec->it_value.tv_nsec != 0;
    timers[fd].is_cancelled = false;
    timers[fd].flags = flags;
    timers[fd].spec = *spec;
    if (!timers[fd].is_armed)
        return (int)syscall(SYS_timerfd_settime, fd, flags, spec, ret);
    return arm(fd);
}

ssize_t read(int fd, void *data, size_t len)
{
    ssize_t n = syscall(SYS_read, fd, data, len);

    if (n > 0 && fd < FDS_MAX && timers[fd].is_cancelled) {
        timers[fd].is_cancelled = false;
        errno = ECANCELED;
        return -1;
    }
    return n;
}

int close(int fd)
{
    if (fd >= 0 && fd < FDS_MAX)
        timers[fd] = (struct timer){ 0 };
    return (int)syscall(SYS_close, fd);
}
