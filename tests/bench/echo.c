/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* usage: echo [MIB [CLIENTS]]
 *
 * The least that a server can do: sends back what comes in, on a free port of 127.0.0.1, which it
 * prints. Serves until it is killed. With MIB, it reads four places in so much memory before each
 * answer, one after the other, as a look-up in a map of that size does: the hash chain, a record of
 * another key or none, the record's header, and the record. With CLIENTS, of more than so many it
 * closes the longest idle one, as the bridge does. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define PLACES     4

#define CLIENTS_MAX 65536 /* and descriptors */

static struct {
    unsigned char *bytes;
    size_t size;
    uint64_t at;
} memory;

struct client {
    TAILQ_ENTRY(client) by_activity;
};

TAILQ_HEAD(client_list, client);

static struct client clients[CLIENTS_MAX];                         /* by their descriptors */
static struct client_list active = TAILQ_HEAD_INITIALIZER(active); /* longest idle first */
static unsigned long n_clients, max_clients;

static void check(int result, const char *what)
{
    if (result >= 0)
        return;
    perror(what);
    exit(1);
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(fd, "socket");
    check(bind(fd, (struct sockaddr *)&address, len), "bind");
    check(listen(fd, SOMAXCONN), "listen");
    check(getsockname(fd, (struct sockaddr *)&address, &len), "getsockname");
    printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

/* Where each place is depends on what is in the one before. */
static void read_memory(void)
{
    for (int i = 0; i < PLACES && memory.size > 0; i++) {
        memory.at = memory.at * UINT64_C(6364136223846793005) + 1442695040888963407;
        memory.at += memory.bytes[(memory.at >> 20) % memory.size];
    }
}

static void end_client(int fd)
{
    TAILQ_REMOVE(&active, &clients[fd], by_activity);
    n_clients--;
    close(fd);
}

static void serve(int fd)
{
    char buffer[4096];
    ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

    if (n < 0 && (errno == EAGAIN || errno == EBADF))
        return; /* it was closed, and perhaps another one accepted, after epoll_wait() */
    read_memory();
    if (n <= 0 || send(fd, buffer, (size_t)n, MSG_NOSIGNAL) < n) {
        end_client(fd);
        return;
    }
    TAILQ_REMOVE(&active, &clients[fd], by_activity);
    TAILQ_INSERT_TAIL(&active, &clients[fd], by_activity);
}

static void accept_client(int epoll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;

    if (fd < 0)
        return;
    if (fd >= CLIENTS_MAX) {
        close(fd);
        return;
    }
    check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
    watch(epoll, fd);
    TAILQ_INSERT_TAIL(&active, &clients[fd], by_activity);
    if (++n_clients > max_clients && max_clients > 0)
        end_client((int)(TAILQ_FIRST(&active) - clients));
}

static void fill_memory(size_t size)
{
    memory.bytes = malloc(size);
    if (!memory.bytes)
        check(-1, "malloc");
    memset(memory.bytes, 1, size);
    memory.size = size;
}

int main(int argc, char **argv)
{
    int listener = listen_anywhere(), epoll = epoll_create1(EPOLL_CLOEXEC);

    check(epoll, "epoll_create1");
    if (argc > 1 && strtoul(argv[1], NULL, 10) > 0)
        fill_memory(strtoul(argv[1], NULL, 10) << 20);
    if (argc > 2)
        max_clients = strtoul(argv[2], NULL, 10);
    watch(epoll, listener);
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(epoll, events, EVENTS_MAX, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                accept_client(epoll, listener);
            else
                serve(events[i].data.fd);
        }
    }
}
