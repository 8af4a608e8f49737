/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A peer has one request at a time, so what it can have here is bounded, and its answer always has
 * room in its socket unless it does not read; a peer that breaks either rule is cut off. All events
 * are as idle as the work on the journal itself, with which they take turns: a storm of requests,
 * or of connections, cannot keep the watcher from it. And what the journal says of new files, which
 * it does not say late, has been heard by then: an entry that was there before the request is in a
 * file that is known. */

#include "catch-up-server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "catch-up-socket.h"
#include "core/catch-up.h"
#include "core/duration.h"
#include "core/limits.h"
#include "log.h"
#include "program/clock.h"

/* Connections that are accepted in a second; so many come only from a peer that goes astray, or
 * when there are no more open files. */
#define ACCEPTED_A_SECOND 256

#define WARNING_INTERVAL_USEC USEC_PER_MIN

struct peer {
    LIST_ENTRY(peer) entries;
    struct catch_up_server *server;
    sd_event_source *io; /* owns the connection */
    uint64_t number;     /* of its request */
    bool is_asking;
};

struct catch_up_server {
    sd_event *event;
    catch_up_asked_func asked;
    void *userdata;
    char *path; /* NULL: it listens nowhere */
    struct catch_up_socket socket;
    sd_event_source *listener;
    LIST_HEAD(, peer) peers;
    unsigned n_peers, n_asking;
    uint64_t timeout_usec;
    uint64_t warned_usec; /* when last, on the monotonic clock */
    uint64_t catch_ups;   /* since the start */
};

static void peer_free(struct peer *peer)
{
    peer->server->n_peers--;
    peer->server->n_asking -= peer->is_asking;
    LIST_REMOVE(peer, entries);
    sd_event_source_disable_unref(peer->io);
    free(peer);
}

static void stop_listening(struct catch_up_server *server)
{
    while (!LIST_EMPTY(&server->peers))
        peer_free(LIST_FIRST(&server->peers));
    server->listener = sd_event_source_disable_unref(server->listener);
    if (server->path)
        catch_up_socket_close(&server->socket, server->path);
    free(TAKE_PTR(server->path));
}

struct catch_up_server *catch_up_server_free(struct catch_up_server *server)
{
    if (!server)
        return NULL;
    stop_listening(server);
    free(server);
    return NULL;
}

int catch_up_server_new(sd_event *event, catch_up_asked_func asked, void *userdata,
                        struct catch_up_server **ret)
{
    struct catch_up_server *server = calloc(1, sizeof(*server));

    if (!server)
        return -ENOMEM;
    server->event = event;
    server->asked = asked;
    server->userdata = userdata;
    LIST_INIT(&server->peers);
    *ret = server;
    return 0;
}

/* Reads the one message that there may be. Returns a negative errno if the peer is to be cut off.
 */
static int take_request(struct peer *peer, int fd)
{
    uint8_t data[CATCH_UP_REQUEST_SIZE + 1];
    ssize_t n = recv(fd, data, sizeof(data), 0);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0)
        return -ECONNRESET;
    if (peer->is_asking)
        return -EBADMSG;
    if (catch_up_read_request(data, (size_t)n, &peer->number) < 0)
        return -EBADMSG;
    peer->is_asking = true;
    peer->server->n_asking++;
    return 1;
}

static int on_request(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct peer *peer = userdata;
    struct catch_up_server *server = peer->server;
    int r = take_request(peer, fd);

    if (r == -EBADMSG)
        log_message(LOG_DEBUG, "cut off one who asked to catch up in a wrong way");
    if (r < 0)
        peer_free(peer);
    if (r > 0)
        server->asked(server->userdata);
    return 0;
}

/* The file's mode has decided already; this also holds where somebody has changed it. Ids are those
 * of the namespace that the service runs in, which knows its own ones and root. */
static bool may_ask(const struct catch_up_server *server, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    return peer.gid == server->socket.gid || peer.uid == geteuid() || peer.uid == 0;
}

static int add_peer(struct catch_up_server *server, int fd)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    int r;

    if (!peer)
        return -ENOMEM;
    peer->server = server;
    r = sd_event_add_io(server->event, &peer->io, fd, EPOLLIN, on_request, peer);
    if (r >= 0)
        r = sd_event_source_set_priority(peer->io, SD_EVENT_PRIORITY_IDLE);
    if (r >= 0)
        r = sd_event_source_set_io_fd_own(peer->io, true);
    if (r < 0) {
        sd_event_source_disable_unref(peer->io);
        free(peer);
        return r;
    }
    LIST_INSERT_HEAD(&server->peers, peer, entries);
    server->n_peers++;
    return 0;
}

static void warn(struct catch_up_server *server, const char *what)
{
    uint64_t usec = clock_monotonic_usec();

    if (server->warned_usec != 0 && usec - server->warned_usec < WARNING_INTERVAL_USEC)
        return;
    server->warned_usec = usec;
    log_warning("%s: %s", server->path, what);
}

static int on_connection(sd_event_source *source, int listener, uint32_t revents, void *userdata)
{
    struct catch_up_server *server = userdata;
    _cleanup_(closep) int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            warn(server, strerror(errno));
    } else if (!may_ask(server, fd)) {
        warn(server, "turned away one who is not of the socket's group");
    } else if (server->n_peers >= CATCH_UP_PEERS_MAX) {
        warn(server, "turned away one more than may ask to catch up");
    } else {
        int r = add_peer(server, fd);

        if (r < 0)
            warn(server, strerror(-r));
        else
            (void)TAKE_FD(fd);
    }
    return 0;
}

static int add_listener(struct catch_up_server *server)
{
    int r = sd_event_add_io(server->event, &server->listener, server->socket.fd, EPOLLIN,
                            on_connection, server);

    if (r >= 0)
        r = sd_event_source_set_priority(server->listener, SD_EVENT_PRIORITY_IDLE);
    if (r >= 0)
        r = sd_event_source_set_ratelimit(server->listener, USEC_PER_SEC, ACCEPTED_A_SECOND);
    return r;
}

static int start_listening(struct catch_up_server *server, const char *path)
{
    _cleanup_(freep) char *copy = strdup(path);
    int r;

    if (!copy)
        return -ENOMEM;
    r = catch_up_socket_open(path, &server->socket);
    if (r < 0)
        return r;
    server->path = TAKE_PTR(copy);
    r = add_listener(server);
    if (r < 0)
        stop_listening(server);
    return r;
}

static const char *error_text(int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "another process listens there";
    case -EEXIST:
        return "there is something else than a socket";
    case -ENOENT:
        return "no such directory; systemd-tmpfiles --create makes that of the service";
    default:
        return strerror(-error);
    }
}

void catch_up_server_listen(struct catch_up_server *server, const char *path, uint64_t timeout_usec)
{
    int r;

    server->timeout_usec = timeout_usec;
    if (server->path && (timeout_usec == 0 || strcmp(server->path, path) != 0))
        stop_listening(server);
    if (server->path || timeout_usec == 0)
        return;
    r = start_listening(server, path);
    if (r < 0)
        log_warning("a login may count up to a quarter of a second late, since lookups cannot have "
                    "the watcher catch up: CatchUpSocket=%s: %s",
                    path, error_text(r));
}

static int answer(struct peer *peer)
{
    struct catch_up_answer answer = { peer->number, peer->server->timeout_usec };
    uint8_t data[CATCH_UP_ANSWER_SIZE];

    catch_up_write_answer(&answer, data);
    peer->is_asking = false;
    peer->server->n_asking--;
    return send(sd_event_source_get_io_fd(peer->io), data, sizeof(data), MSG_NOSIGNAL) < 0 ? -errno
                                                                                           : 0;
}

void catch_up_server_settle(struct catch_up_server *server)
{
    struct peer *next;

    if (server->n_asking == 0)
        return;
    server->catch_ups++;
    log_message(LOG_DEBUG, "caught up on request, %" PRIu64 " times since the start",
                server->catch_ups);
    for (struct peer *peer = LIST_FIRST(&server->peers); peer; peer = next) {
        next = LIST_NEXT(peer, entries);
        if (peer->is_asking && answer(peer) < 0)
            peer_free(peer);
    }
}
