/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients are kept in a list in the order of their last answered request, so the longest idle one
 * is always the first. A client that sends bytes without ever completing a request stays where it
 * is in that order: it is idle in all that matters here.
 *
 * Of the clients who send heaps of requests, one goes on in each turn, however many there are, so
 * that somebody who has one question waits for no more than that. */

#include "server.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>

#include "connection.h"
#include "core/cleanup.h"
#include "core/duration.h"
#include "handover.h"
#include "log.h"

/* How long nobody is accepted after the system was out of something that closing a client cannot
 * give back. The sockets stay readable all the while, so without a pause the loop would spin. */
#define PAUSE_USEC USEC_PER_SEC

/* How long the last answers may take: they wait for the watcher at most, which has less time. */
#define FINISH_USEC USEC_PER_SEC

TAILQ_HEAD(client_list, client);

struct client {
    TAILQ_ENTRY(client) by_activity, by_turn;
    struct server *server;
    struct connection *connection;
    struct client_list *turn; /* that it is in, of the two, or NULL */
};

struct server {
    sd_event *event;
    struct poller *poller;
    struct answers *answers;
    unsigned max_clients, n_clients;
    struct client_list clients;    /* longest idle first */
    struct client_list ready;      /* those that are to be sent to at the end of this turn */
    struct client_list unfinished; /* those who have sent heaps, the next one first */
    sd_event_source *listeners[SERVER_LISTENERS_MAX];
    size_t n_listeners;
    sd_event_source *pause;
    bool is_finishing;
    struct log_limit full_warning, accept_warning;
};

static uint64_t now_usec(const struct server *server)
{
    uint64_t usec = 0;

    (void)sd_event_now(server->event, CLOCK_MONOTONIC, &usec);
    return usec;
}

static void leave_turn(struct client *client)
{
    if (client->turn)
        TAILQ_REMOVE(client->turn, client, by_turn);
    client->turn = NULL;
}

static void enter_turn(struct client *client, struct client_list *turn)
{
    leave_turn(client);
    TAILQ_INSERT_TAIL(turn, client, by_turn);
    client->turn = turn;
}

static void client_close(struct client *client)
{
    struct server *server = client->server;

    TAILQ_REMOVE(&server->clients, client, by_activity);
    leave_turn(client);
    server->n_clients--;
    connection_free(client->connection);
    free(client);
}

static void on_answered(void *userdata)
{
    struct client *client = userdata;
    struct server *server = client->server;

    TAILQ_REMOVE(&server->clients, client, by_activity);
    TAILQ_INSERT_TAIL(&server->clients, client, by_activity);
}

static void on_client_ready(void *userdata)
{
    struct client *client = userdata;

    if (client->turn != &client->server->ready)
        enter_turn(client, &client->server->ready);
}

static void on_unfinished(void *userdata)
{
    struct client *client = userdata;

    enter_turn(client, &client->server->unfinished);
}

static void on_ended(void *userdata)
{
    client_close(userdata);
}

static bool is_busy(const struct server *server)
{
    const struct client *client;

    TAILQ_FOREACH(client, &server->clients, by_activity)
        if (connection_is_busy(client->connection))
            return true;
    return false;
}

static void on_turn_end(void *userdata)
{
    struct server *server = userdata;
    struct client *client = TAILQ_FIRST(&server->unfinished);

    if (client)
        connection_go_on(client->connection);
    answers_end_turn(server->answers);
    while ((client = TAILQ_FIRST(&server->ready))) {
        leave_turn(client);
        connection_send(client->connection);
    }
    if (!TAILQ_EMPTY(&server->unfinished))
        poller_hurry(server->poller);
    if (server->is_finishing && !is_busy(server))
        (void)sd_event_exit(server->event, 0);
}

static int client_open(struct server *server, int fd)
{
    static const struct connection_events events = { on_answered, on_client_ready, on_unfinished,
                                                     on_ended };
    struct client *client = malloc(sizeof(*client));

    if (!client)
        return -ENOMEM;
    client->server = server;
    client->turn = NULL;
    int r =
        connection_new(server->poller, fd, server->answers, &events, client, &client->connection);
    if (r < 0) {
        free(client);
        return r;
    }
    TAILQ_INSERT_TAIL(&server->clients, client, by_activity);
    server->n_clients++;
    return 0;
}

static void set_accepting(struct server *server, int enabled)
{
    for (size_t i = 0; i < server->n_listeners; i++)
        (void)sd_event_source_set_enabled(server->listeners[i], enabled);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    set_accepting(userdata, SD_EVENT_ON);
    return 0;
}

static void pause_accepting(struct server *server)
{
    if (sd_event_source_set_time_relative(server->pause, PAUSE_USEC) >= 0 &&
        sd_event_source_set_enabled(server->pause, SD_EVENT_ONESHOT) >= 0)
        set_accepting(server, SD_EVENT_OFF);
}

/* After a failure to take in a client, other than its own: makes room, or waits until there may be.
 */
static void recover(struct server *server, int error)
{
    if (log_limit_passes(&server->accept_warning, now_usec(server)))
        log_line(LOG_WARNING, "cannot accept a client: %s", strerror(-error));

    /* Only our own limit on open files is eased by closing one of our files. */
    if (error == -EMFILE && server->n_clients > 0)
        client_close(TAILQ_FIRST(&server->clients));
    else
        pause_accepting(server);
}

static void make_room(struct server *server)
{
    if (server->n_clients <= server->max_clients)
        return;
    if (log_limit_passes(&server->full_warning, now_usec(server)))
        log_line(LOG_WARNING, "%u clients are connected, closing the longest idle one",
                 server->max_clients);
    client_close(TAILQ_FIRST(&server->clients));
}

/* True for what accept(2) reports of the client rather than of us: it is gone, or the network is.
 */
static bool is_clients_error(int error)
{
    static const int errors[] = { EAGAIN,       EINTR,       ECONNABORTED, EPERM,
                                  EPROTO,       ENETDOWN,    ENONET,       EHOSTDOWN,
                                  EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT };

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (error == errors[i])
            return true;
    return false;
}

static int on_accept(sd_event_source *source, int listener, uint32_t revents, void *userdata)
{
    struct server *server = userdata;
    _cleanup_(closep) int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (!is_clients_error(errno))
            recover(server, -errno);
        return 0;
    }
    int r = client_open(server, fd);
    if (r < 0) {
        recover(server, r);
        return 0;
    }
    (void)TAKE_FD(fd);
    make_room(server);
    return 0;
}

int server_new(struct poller *poller, struct answers *answers, unsigned max_clients,
               struct server **ret)
{
    _cleanup_(server_freep) struct server *server = calloc(1, sizeof(*server));

    if (!server)
        return -ENOMEM;
    server->event = poller_event(poller);
    server->poller = poller;
    server->answers = answers;
    server->max_clients = max_clients;
    TAILQ_INIT(&server->clients);
    TAILQ_INIT(&server->ready);
    TAILQ_INIT(&server->unfinished);
    poller_set_turn_end(poller, on_turn_end, server);

    /* Made now, because a timer needs a file of its own, and then none may be left. */
    int r = sd_event_add_time_relative(server->event, &server->pause, CLOCK_MONOTONIC, PAUSE_USEC,
                                       0, on_pause_over, server);
    if (r >= 0)
        r = sd_event_source_set_enabled(server->pause, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(server);
    return 0;
}

int server_add_client(struct server *server, int fd)
{
    return client_open(server, fd);
}

static int on_too_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    const struct server *server = userdata;

    return sd_event_exit(server->event, 0);
}

int server_finish(struct server *server)
{
    set_accepting(server, SD_EVENT_OFF);
    (void)sd_event_source_set_enabled(server->pause, SD_EVENT_OFF);
    if (server->is_finishing || !is_busy(server))
        return sd_event_exit(server->event, 0);
    server->is_finishing = true;
    return sd_event_add_time_relative(server->event, NULL, CLOCK_MONOTONIC, FINISH_USEC, 0,
                                      on_too_late, server);
}

void server_hand_over(const struct server *server)
{
    _cleanup_(freep) int *fds = calloc(server->n_clients + 1, sizeof(*fds));
    const struct client *client;
    size_t n = 0;

    if (!fds)
        return;
    TAILQ_FOREACH(client, &server->clients, by_activity)
        if (connection_is_blank(client->connection))
            fds[n++] = connection_fd(client->connection);
    handover_give(fds, n);
}

struct server *server_free(struct server *server)
{
    struct client *client;

    if (!server)
        return NULL;
    while ((client = TAILQ_FIRST(&server->clients)))
        client_close(client);
    for (size_t i = 0; i < server->n_listeners; i++)
        sd_event_source_disable_unref(server->listeners[i]);
    sd_event_source_disable_unref(server->pause);
    poller_set_turn_end(server->poller, NULL, NULL);
    free(server);
    return NULL;
}

int server_add_listener(struct server *server, int fd)
{
    sd_event_source *source;

    if (server->n_listeners == SERVER_LISTENERS_MAX)
        return -E2BIG;
    int r = sd_event_add_io(server->event, &source, fd, EPOLLIN, on_accept, server);
    if (r < 0)
        return r;
    r = sd_event_source_set_io_fd_own(source, true);
    if (r < 0) {
        sd_event_source_disable_unref(source);
        return r;
    }
    server->listeners[server->n_listeners++] = source;
    return 0;
}
