/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon waits for the program, with a deadline: it is run at the start and at reloads only. */

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "program/clock.h"

/* The daemon blocks the signals that it reads from descriptors and ignores SIGPIPE; a child must
 * not inherit that. */
static int spawn(const char *const argv[], int output, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, pipe_signal;
    int r = posix_spawn_file_actions_init(&actions);

    if (r != 0)
        return -r;
    r = posix_spawnattr_init(&attributes);
    if (r != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return -r;
    }
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)sigemptyset(&pipe_signal);
    (void)sigaddset(&pipe_signal, SIGPIPE);
    (void)posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawnp(ret, argv[0], &actions, &attributes, (char *const *)argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static int read_until_end(int fd, uint64_t deadline_usec, char *ret, size_t size)
{
    size_t len = 0;

    for (;;) {
        uint64_t now_usec = clock_monotonic_usec();
        struct pollfd pollfd = { .fd = fd, .events = POLLIN };
        ssize_t n;
        int r;

        if (now_usec >= deadline_usec)
            return -ETIMEDOUT;
        r = poll(&pollfd, 1, (int)((deadline_usec - now_usec) / 1000) + 1);
        if (r < 0 && errno != EINTR)
            return -errno;
        if (r <= 0)
            continue;
        n = read(fd, ret + len, size - len);
        if (n < 0)
            return -errno;
        len += (size_t)n;
        if (len == size)
            return -E2BIG;
        ret[len] = 0;
        if (n == 0)
            return 0;
    }
}

int command_read(const char *const argv[], uint64_t timeout_usec, char *ret, size_t size)
{
    _cleanup_(closep) int input = -1;
    int fds[2], status, r;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    input = fds[0];
    r = spawn(argv, fds[1], &pid);
    (void)close(fds[1]);
    if (r < 0)
        return r;

    r = read_until_end(input, clock_monotonic_usec() + timeout_usec, ret, size);
    if (r < 0)
        (void)kill(pid, SIGKILL);
    if (waitpid(pid, &status, 0) < 0)
        return r < 0 ? r : -errno;
    if (r == 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return -EPROTO;
    return r;
}
