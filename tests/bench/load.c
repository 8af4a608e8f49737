/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* usage: load PORT CONNECTIONS MILLISECONDS FIRST COUNT ANSWER [DOMAIN]
 *
 * Asks a server on 127.0.0.1 by the tcp_table protocol, over so many connections with one request
 * each under way, for random ones of COUNT addresses from number FIRST on; with DOMAIN, for mail
 * addresses in it instead. Every answer has to begin with ANSWER. Prints how many there were, in
 * how many microseconds, and percentiles of the time that an answer took, in nanoseconds. */

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "keys.h"

#define CONNECTIONS_MAX 1000
#define LATENCIES_MAX   (1 << 24)

struct client {
    int fd;
    uint64_t sent_nsec;
    size_t len; /* of the answer so far */
    char answer[4096];
};

static struct {
    struct client clients[CONNECTIONS_MAX];
    unsigned connections;
    uint64_t random;
    uint32_t first, count;
    const char *answer, *domain;
    uint32_t *latencies; /* in nanoseconds */
    size_t answers;
} load;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_nsec(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void send_request(struct client *client)
{
    uint32_t number = load.first + (uint32_t)(key_random(&load.random) % load.count);
    struct addr addr = key_addr(number);
    char request[256], text[ADDR_TEXT_MAX];
    int len;

    (void)addr_format(&addr, text);
    len = load.domain
              ? snprintf(request, sizeof(request), "get user%" PRIu32 "@%s\n", number, load.domain)
              : snprintf(request, sizeof(request), "get %s\n", text);
    client->len = 0;
    client->sent_nsec = now_nsec();
    if (send(client->fd, request, (size_t)len, MSG_NOSIGNAL) < len)
        fail("send");
}

static void receive(struct client *client)
{
    ssize_t n =
        recv(client->fd, client->answer + client->len, sizeof(client->answer) - client->len, 0);

    if (n <= 0)
        fail("recv");
    client->len += (size_t)n;
    if (client->answer[client->len - 1] != '\n')
        return;
    if (strncmp(client->answer, load.answer, strlen(load.answer)) != 0) {
        fprintf(stderr, "load: unexpected answer: %.*s", (int)client->len, client->answer);
        exit(1);
    }
    if (load.answers < LATENCIES_MAX)
        load.latencies[load.answers++] = (uint32_t)(now_nsec() - client->sent_nsec);
    send_request(client);
}

static int connect_client(struct client *client, uint16_t port, int epoll)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        return -1;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void report(uint64_t nsec)
{
    qsort(load.latencies, load.answers, sizeof(*load.latencies), compare);
    printf("answers %zu\nusec %" PRIu64 "\np50 %" PRIu32 "\np99 %" PRIu32 "\n", load.answers,
           nsec / 1000, load.latencies[load.answers / 2], load.latencies[load.answers * 99 / 100]);
}

static void run(int epoll, uint64_t span_nsec)
{
    uint64_t begin = now_nsec(), now = begin;

    for (unsigned i = 0; i < load.connections; i++)
        send_request(&load.clients[i]);
    while (now - begin < span_nsec) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, 64, 1000);

        for (int i = 0; i < n; i++)
            receive(events[i].data.ptr);
        now = now_nsec();
    }
    if (load.answers == 0) {
        fputs("load: no answer\n", stderr);
        exit(1);
    }
    report(now - begin);
}

int main(int argc, char **argv)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (argc < 7 || strtoul(argv[2], NULL, 10) > CONNECTIONS_MAX) {
        fputs("usage: load PORT CONNECTIONS MILLISECONDS FIRST COUNT ANSWER [DOMAIN]\n", stderr);
        return 2;
    }
    load.connections = (unsigned)strtoul(argv[2], NULL, 10);
    load.first = (uint32_t)strtoul(argv[4], NULL, 10);
    load.count = (uint32_t)strtoul(argv[5], NULL, 10);
    load.answer = argv[6];
    load.domain = argv[7];
    load.latencies = malloc(LATENCIES_MAX * sizeof(*load.latencies));
    if (!load.latencies || epoll < 0)
        fail("load");
    for (unsigned i = 0; i < load.connections; i++)
        if (connect_client(&load.clients[i], (uint16_t)strtoul(argv[1], NULL, 10), epoll) < 0)
            fail("connect");
    run(epoll, strtoul(argv[3], NULL, 10) * UINT64_C(1000000));
    return 0;
}
