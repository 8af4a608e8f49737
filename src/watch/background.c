/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"

static const char *written_pid_file;
static int ready_fd = -1;

/* Holds the file open only as long as it takes; O_EXCL with an unlink before it never follows a
 * link and never writes into a file that somebody else keeps open. */
static int write_pid_file(const char *path)
{
    _cleanup_(closep) int fd = -1;
    char text[32];
    int len;

    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (write(fd, text, (size_t)len) != len)
        return -EIO;
    written_pid_file = path;
    return 0;
}

/* Does not return: the parent's exit status tells whether the daemon runs. */
__attribute__((noreturn)) static void wait_for_child(int fd, pid_t child)
{
    char byte;
    int status;

    for (;;) {
        ssize_t n = read(fd, &byte, 1);

        if (n > 0)
            _exit(0);
        if (n == 0)
            break;
        if (errno != EINTR)
            _exit(1);
    }
    if (waitpid(child, &status, 0) == child && WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    _exit(1);
}

int background_enter(const char *pid_file)
{
    int fds[2];
    pid_t child;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    child = fork();
    if (child < 0) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        return -errno;
    }
    if (child > 0) {
        (void)close(fds[1]);
        wait_for_child(fds[0], child);
    }
    (void)close(fds[0]);
    ready_fd = fds[1];
    if (setsid() < 0 || chdir("/") < 0)
        return -errno;
    return write_pid_file(pid_file);
}

int background_ready(void)
{
    _cleanup_(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (ready_fd < 0)
        return 0;
    if (null < 0)
        return -errno;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (dup2(null, fd) < 0)
            return -errno;
    if (write(ready_fd, "", 1) != 1)
        return -EPIPE;
    (void)close(TAKE_FD(ready_fd));
    return 0;
}

void background_leave(void)
{
    if (written_pid_file)
        (void)unlink(written_pid_file);
}
