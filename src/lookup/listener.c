/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both kinds of sockets, our own and those that systemd passes, get the same options, so that
 * clients find no difference. */

#include "listener.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "core/cleanup.h"

/* Bytes that the kernel may queue each way for a client; it doubles the value for its bookkeeping.
 * Left alone, it would let each client that sends and never reads have some MiB. */
#define SOCKET_BUFFER_SIZE 16384

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static int parse_port(const char *text, in_port_t *ret)
{
    char *end;

    if (!isdigit((unsigned char)*text) || strlen(text) > strlen("65535"))
        return -EINVAL;
    unsigned long port = strtoul(text, &end, 10);
    if (*end || port > UINT16_MAX)
        return -EINVAL;
    *ret = htons((uint16_t)port);
    return 0;
}

static int parse_address(const char *text, union socket_address *ret, socklen_t *ret_len)
{
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    bool brackets = len > 2 && text[0] == '[' && colon[-1] == ']';
    in_port_t port;

    if (brackets) {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(host) || parse_port(colon + 1, &port) < 0)
        return -EINVAL;
    memcpy(host, text, len);
    host[len] = 0;

    memset(ret, 0, sizeof(*ret));
    if (brackets) {
        ret->ipv6.sin6_family = AF_INET6;
        ret->ipv6.sin6_port = port;
        *ret_len = sizeof(ret->ipv6);
        return inet_pton(AF_INET6, host, &ret->ipv6.sin6_addr) == 1 ? 0 : -EINVAL;
    }
    ret->ipv4.sin_family = AF_INET;
    ret->ipv4.sin_port = port;
    *ret_len = sizeof(ret->ipv4);
    return inet_pton(AF_INET, host, &ret->ipv4.sin_addr) == 1 ? 0 : -EINVAL;
}

/* Sets what accepted sockets are to inherit: a buffer that shrinks after the connection was made
 * would make the client's TCP wait for a window that never comes back. Best effort: on a socket of
 * another family than TCP, or with these refused, everything works within the kernel's own limits.
 */
static void set_options(int fd)
{
    const int on = 1, size = SOCKET_BUFFER_SIZE;

    /* An answer must not wait for the client to acknowledge the one before. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int listener_open(const char *text, int *ret_fd)
{
    union socket_address address;
    socklen_t address_len;
    const int on = 1;

    int r = parse_address(text, &address, &address_len);
    if (r < 0)
        return r;

    _cleanup_(closep) int fd =
        socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* A restart must not wait for connections of the old process to time out, and [::] must leave
     * room for a listener on 0.0.0.0. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    if (address.any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
        return -errno;
    set_options(fd);
    /* -EINVAL is for the text; the kernel's is for an address that it cannot bind, such as fe80::1.
     */
    if (bind(fd, &address.any, address_len) < 0)
        return errno == EINVAL ? -EADDRNOTAVAIL : -errno;
    if (listen(fd, SOMAXCONN) < 0)
        return -errno;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int listener_adopt(int fd)
{
    int r = sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1);
    if (r <= 0)
        return r < 0 ? r : -ENOTSOCK;

    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    set_options(fd);
    return 0;
}

int listener_name(int fd, char ret[static LISTENER_NAME_MAX])
{
    union socket_address address;
    socklen_t address_len = sizeof(address);
    char host[INET6_ADDRSTRLEN];

    if (getsockname(fd, &address.any, &address_len) < 0)
        return -errno;
    if (address.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address.ipv6.sin6_addr, host, sizeof(host));
        (void)snprintf(ret, LISTENER_NAME_MAX, "[%s]:%u", host, ntohs(address.ipv6.sin6_port));
        return 0;
    }
    inet_ntop(AF_INET, &address.ipv4.sin_addr, host, sizeof(host));
    (void)snprintf(ret, LISTENER_NAME_MAX, "%s:%u", host, ntohs(address.ipv4.sin_port));
    return 0;
}
