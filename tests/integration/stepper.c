/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A library to preload, which ends or stops a program at one of the calls by which it changes or
 * locks its map: the files whose name begins with STEPPER_FILE. It counts
 *
 *   fcntl() that locks or unlocks, flock(), ftruncate(), pwrite(), write(), rename(), unlink()
 *   memcpy(), memmove() and memset() to a part of the map that is mapped: so does TDB write
 *
 * and at number STEPPER_AT it raises the signal STEPPER_SIGNAL: before the call, or in the middle
 * of it if STEPPER_HALF is set and it is one that writes. Without STEPPER_AT it only counts.
 * STEPPER_COUNT names a file where the number of calls up to now is kept, for others to map. */

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RANGES_MAX 64

/* Where the map is mapped. */
static struct range {
    uintptr_t start, end;
} ranges[RANGES_MAX];

static const char *file;
static long at = -1;
static int signal_number = SIGKILL;
static bool half;
static _Atomic long own_count, *count = &own_count;
static bool ready;

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);

    return text ? strtol(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void prepare(void)
{
    const char *path = getenv("STEPPER_COUNT");

    file = getenv("STEPPER_FILE");
    at = number("STEPPER_AT", -1);
    signal_number = (int)number("STEPPER_SIGNAL", SIGKILL);
    half = number("STEPPER_HALF", 0);
    if (path) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        void *page = MAP_FAILED;

        if (fd >= 0 && (ftruncate)(fd, sizeof(*count)) == 0)
            page = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED)
            abort();
        (void)close(fd);
        count = page;
    }
    ready = file != NULL;
}

static bool is_name(const char *path)
{
    return ready && strncmp(path, file, strlen(file)) == 0;
}

static bool is_file(int fd)
{
    char link[32] = "/proc/self/fd/", path[PATH_MAX], digits[12];
    size_t n = 0;
    ssize_t len;

    if (!ready || fd < 0)
        return false;
    do
        digits[n++] = (char)('0' + fd % 10);
    while ((fd /= 10) > 0);
    for (char *to = link + 14; n > 0; *to = 0)
        *to++ = digits[--n];
    len = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
    if (len <= 0)
        return false;
    path[len] = 0;
    return is_name(path);
}

static bool is_mapped(const void *address)
{
    for (int i = 0; i < RANGES_MAX; i++)
        if ((uintptr_t)address >= ranges[i].start && (uintptr_t)address < ranges[i].end)
            return true;
    return false;
}

/* True if this is the call. The caller raises the signal where it wants it. */
static bool is_due(void)
{
    return atomic_fetch_add(count, 1) + 1 == at;
}

static void strike(void)
{
    (void)syscall(SYS_kill, syscall(SYS_getpid), signal_number);
}

static void step(void)
{
    if (is_due())
        strike();
}

void *mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
    void *result = (void *)syscall(SYS_mmap, address, len, protection, flags, fd, offset);

    if (result == MAP_FAILED || !(flags & MAP_SHARED) || !is_file(fd))
        return result;
    for (int i = 0; i < RANGES_MAX; i++)
        if (ranges[i].end == 0) {
            ranges[i] = (struct range){ (uintptr_t)result, (uintptr_t)result + len };
            break;
        }
    return result;
}

int munmap(void *address, size_t len)
{
    for (int i = 0; i < RANGES_MAX; i++)
        if (ranges[i].start == (uintptr_t)address)
            ranges[i] = (struct range){ 0, 0 };
    return (int)syscall(SYS_munmap, address, len);
}

/* Byte by byte, and not made into a call of itself. */
static void copy(unsigned char *to, const unsigned char *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = from[i];
}

static void step_copy(void *to, const void *from, size_t len)
{
    if (is_due()) {
        copy(to, from, half ? len / 2 : 0);
        strike();
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    if (ready && is_mapped(to))
        step_copy(to, from, len);
    copy(to, from, len);
    return to;
}

void *memmove(void *to, const void *from, size_t len)
{
    unsigned char *target = to;
    const unsigned char *origin = from;

    if (ready && is_mapped(to))
        step_copy(to, from, len);
    if (target <= origin) {
        copy(target, origin, len);
        return to;
    }
    while (len-- > 0)
        target[len] = origin[len];
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    unsigned char *target = to;

    if (ready && is_mapped(to))
        step();
    for (size_t i = 0; i < len; i++)
        target[i] = (unsigned char)byte;
    return to;
}

static ssize_t step_write(int fd, const void *data, size_t len, off_t offset)
{
    if (is_file(fd) && is_due()) {
        if (half && len > 1)
            (void)syscall(SYS_pwrite64, fd, data, len / 2, offset);
        strike();
    }
    return syscall(SYS_pwrite64, fd, data, len, offset);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    return step_write(fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
    return step_write(fd, data, len, offset);
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (is_file(fd))
        step();
    return syscall(SYS_write, fd, data, len);
}

static int step_lock(int fd, int command, void *argument)
{
    if ((command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
         command == F_OFD_SETLKW) &&
        is_file(fd))
        step();
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fcntl(int fd, int command, ...)
{
    va_list list;
    void *argument;

    va_start(list, command);
    argument = va_arg(list, void *);
    va_end(list);
    return step_lock(fd, command, argument);
}

int fcntl64(int fd, int command, ...)
{
    va_list list;
    void *argument;

    va_start(list, command);
    argument = va_arg(list, void *);
    va_end(list);
    return step_lock(fd, command, argument);
}

int flock(int fd, int operation)
{
    if (is_file(fd))
        step();
    return (int)syscall(SYS_flock, fd, operation);
}

int ftruncate(int fd, off_t len)
{
    if (is_file(fd))
        step();
    return (int)syscall(SYS_ftruncate, fd, len);
}

int ftruncate64(int fd, off64_t len)
{
    if (is_file(fd))
        step();
    return (int)syscall(SYS_ftruncate, fd, len);
}

int rename(const char *from, const char *to)
{
    if (is_name(to))
        step();
    return (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
    if (is_name(path))
        step();
    return (int)syscall(SYS_unlink, path);
}
