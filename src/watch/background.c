/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parent waits on a pipe, so that it ends only when the daemon works, and can say with its exit
 * status that it does not. */

#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "plain-file.h"

static const char *written_pid_file;
static int pid_file_fd = -1;
static int ready_fd = -1;

/* A mistyped path must not cost somebody another file: only one that is empty, or has nothing but a
 * number in it, is overwritten. */
static int check_pid_file(int fd)
{
    char text[32];
    ssize_t n = read(fd, text, sizeof(text));

    if (n < 0)
        return -errno;
    for (ssize_t i = 0; i < n; i++)
        if (!memchr("0123456789\n", text[i], 11))
            return -EEXIST;
    return n < (ssize_t)sizeof(text) ? 0 : -EEXIST;
}

/* A daemon that ended meanwhile may have removed the file. */
static int check_place(int fd, const char *path)
{
    struct stat ours, there;

    if (fstat(fd, &ours) < 0 || lstat(path, &there) < 0)
        return errno == ENOENT ? -EBUSY : -errno;
    return ours.st_dev == there.st_dev && ours.st_ino == there.st_ino ? 0 : -EBUSY;
}

static int write_pid_file(const char *path)
{
    _cleanup_(closep) int fd = -1;
    char text[32];
    int len, r = plain_file_open(path, O_RDWR | O_CREAT, 0644, &fd);

    if (r < 0)
        return r;
    /* Kept as long as the daemon runs, so that a second one leaves the file alone. */
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    r = check_place(fd, path);
    if (r == 0)
        r = check_pid_file(fd);
    if (r < 0)
        return r;
    len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0)
        return -errno;
    if (pwrite(fd, text, (size_t)len, 0) != len)
        return -EIO;
    written_pid_file = path;
    pid_file_fd = TAKE_FD(fd);
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

const char *background_error_text(int error)
{
    switch (error) {
    case -EEXIST:
        return "there is a file with something else than a process id in it";
    case -EBUSY:
        return "another daemon has this pid file";
    default:
        return plain_file_error_text(error);
    }
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
    if (pid_file_fd >= 0) {
        (void)unlink(written_pid_file);
        (void)close(TAKE_FD(pid_file_fd));
    }
}
