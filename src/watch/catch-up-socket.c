/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* No step follows a symbolic link in the place of the file: bind(2), unlink(2) and lchown(2) do
 * not, and connect(2), which would, comes after lstat(2), and gives away nothing. The mode is right
 * from the file's first moment, the group before anybody can connect. */

#include "catch-up-socket.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/cleanup.h"
#include "core/limits.h"

static int new_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

static int set_address(const char *path, struct sockaddr_un *ret)
{
    size_t len = strlen(path);

    if (len > SOCKET_PATH_MAX)
        return -ENAMETOOLONG;
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(ret->sun_path, path, len);
    return 0;
}

static int bind_for_group(int fd, const struct sockaddr_un *address)
{
    mode_t mask = umask(0117);
    int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

    (void)umask(mask);
    return r;
}

/* Removes what a watcher left that was killed. */
static int remove_stale(const struct sockaddr_un *address)
{
    _cleanup_(closep) int fd = -1;
    struct stat st;

    if (lstat(address->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    fd = new_socket();
    if (fd < 0)
        return fd;
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
        return -EADDRINUSE;
    switch (errno) {
    case ECONNREFUSED:
        return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
    case ENOENT:
        return 0;
    case EAGAIN:
    case EPROTOTYPE:
        return -EADDRINUSE;
    default:
        return -errno;
    }
}

/* The directory's group is that of the bridge also if root started this by hand. */
static int give_to_group(const char *path, struct catch_up_socket *ret)
{
    char copy[PATH_MAX];
    struct stat st;

    snprintf(copy, sizeof(copy), "%s", path);
    if (stat(dirname(copy), &st) < 0)
        return -errno;
    /* Who may not is not root, and has the group to give that the service has. */
    if (lchown(path, (uid_t)-1, st.st_gid) < 0 && errno != EPERM)
        return -errno;
    if (lstat(path, &st) < 0)
        return -errno;
    ret->gid = st.st_gid;
    ret->device = st.st_dev;
    ret->inode = st.st_ino;
    return 0;
}

int catch_up_socket_open(const char *path, struct catch_up_socket *ret)
{
    struct catch_up_socket made = { 0 };
    struct sockaddr_un address;
    int r = set_address(path, &address);
    _cleanup_(closep) int fd = r < 0 ? r : new_socket();

    if (fd < 0)
        return fd;
    r = bind_for_group(fd, &address);
    if (r == -EADDRINUSE) {
        r = remove_stale(&address);
        if (r == 0)
            r = bind_for_group(fd, &address);
    }
    if (r < 0)
        return r;
    r = give_to_group(path, &made);
    if (r == 0 && listen(fd, CATCH_UP_PEERS_MAX) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlink(path);
        return r;
    }
    *ret = made;
    ret->fd = TAKE_FD(fd);
    return 0;
}

void catch_up_socket_close(struct catch_up_socket *socket, const char *path)
{
    struct stat st;

    if (lstat(path, &st) == 0 && st.st_dev == socket->device && st.st_ino == socket->inode)
        (void)unlink(path);
    (void)close(socket->fd);
    socket->fd = -1;
}
