/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A connection waits either for input, when it owes nothing, or for room to write, when it does;
 * never for both. So a client that sends a flood and reads nothing fills its own buffers and then
 * waits for itself, and the memory that it can hold here is fixed: 4.5 KiB for struct connection
 * with its buffers, and at most 64 KiB of the kernel's, which listener.c limits. 1024 clients cost
 * 5 MiB, and if all of them flood, 64 MiB more in the kernel.
 *
 * Each turn reads once, and answers some of what is whole, so that clients who send without pause
 * take turns. What is answered is sent at the end of the turn: until then the map is held, once for
 * all.
 *
 * While an answer waits for the watcher to catch up, so do those behind it, and nothing is read.
 * All requests that are here by then have been caught up for when that is over. */

#include "connection.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/limits.h"
#include "core/tcp_table.h"

/* Answers that are gathered for one write, and all that a client gets of a heap of requests before
 * it is somebody else's turn: a read full of them, 273 times "get 192.0.2.10", would take a
 * millisecond that all other clients wait for. */
#define ANSWERS_A_TURN 8

/* Bytes that are read and thrown away after an over-long line, so that the client gets to see the
 * answer: closing a socket with unread input would reset the connection and discard the answer. */
#define DISCARD_MAX 262144

enum phase {
    PHASE_SERVING,
    PHASE_FINISHING,  /* the client has sent its last: the rest is answered, then we close */
    PHASE_REFUSING,   /* a line was too long: its answer is the last word */
    PHASE_DISCARDING, /* the last word is said; the client closes, or we do after DISCARD_MAX */
};

struct connection {
    int fd;
    struct poller *poller;
    struct poller_item *io;
    struct answers *answers;
    const struct connection_events *events;
    void *userdata;
    enum phase phase;
    struct catch_up_wait wait;
    bool is_waiting; /* for the watcher; it is not read from meanwhile */
    bool is_full;    /* there may be more requests to be answered than there was room for */
    size_t discarded;
    size_t caught_up;          /* requests that end before it in `in` are not to wait any more */
    size_t in_start, in_end;   /* input not answered yet; in_start is 0 between wake-ups */
    size_t out_start, out_end; /* answers not written yet */
    char out[ANSWERS_A_TURN * TCP_TABLE_REPLY_MAX];
    char in[REQUEST_MAX];
};

/* Reads once. Returns 0 also if there was nothing; a negative errno if the connection is broken. */
static int receive(struct connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_end, sizeof(c->in) - c->in_end, 0);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0) {
        if (c->phase == PHASE_DISCARDING)
            return -ECONNRESET;
        c->phase = PHASE_FINISHING;
    } else if (c->phase == PHASE_DISCARDING) {
        c->discarded += (size_t)n;
        return c->discarded > DISCARD_MAX ? -EMSGSIZE : 0;
    } else {
        c->in_end += (size_t)n;
    }
    return 0;
}

/* Takes the next request off the input. Returns the reply to it, or NULL if there is no whole one,
 * or if it has to wait. */
static const char *next_reply(struct connection *c)
{
    const char *line = c->in + c->in_start;
    size_t len = c->in_end - c->in_start;
    const char *end = memchr(line, '\n', len);

    if (c->is_waiting)
        return NULL;
    if (end) {
        bool may_wait = (size_t)(end - c->in) >= c->caught_up;
        const char *reply =
            answers_give(c->answers, line, (size_t)(end - line), may_wait ? &c->wait : NULL);

        c->is_waiting = !reply;
        if (reply)
            c->in_start += (size_t)(end - line) + 1;
        return reply;
    }
    if (len == sizeof(c->in)) {
        c->in_start = c->in_end = 0;
        c->phase = PHASE_REFUSING;
        return tcp_table_reply(TCP_TABLE_TOO_LONG);
    }
    /* The rest of a line may be less than was meant: "192.0.2.1" of "192.0.2.10". */
    if (len > 0 && c->phase == PHASE_FINISHING) {
        c->in_start = c->in_end;
        return tcp_table_reply(TCP_TABLE_REFUSED);
    }
    return NULL;
}

static bool has_room(const struct connection *c, unsigned count)
{
    return count < ANSWERS_A_TURN && sizeof(c->out) - c->out_end >= TCP_TABLE_REPLY_MAX;
}

/* Answers requests until there are none, or no room for another answer. */
static void answer_requests(struct connection *c)
{
    unsigned count = 0;
    const char *reply;

    while (!(c->is_full = !has_room(c, count)) && (reply = next_reply(c))) {
        size_t len = strlen(reply);

        memcpy(c->out + c->out_end, reply, len);
        c->out_end += len;
        count++;
    }
    memmove(c->in, c->in + c->in_start, c->in_end - c->in_start);
    c->in_end -= c->in_start;
    c->caught_up -= c->caught_up < c->in_start ? c->caught_up : c->in_start;
    c->in_start = 0;
    if (count > 0)
        c->events->answered(c->userdata);
}

/* Writes the gathered answers. Returns 0 if all are written, -EAGAIN if the client must read first,
 * or another errno if the connection is broken. */
static int send_answers(struct connection *c)
{
    while (c->out_start < c->out_end) {
        ssize_t n = send(c->fd, c->out + c->out_start, c->out_end - c->out_start, MSG_NOSIGNAL);

        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        c->out_start += (size_t)n;
    }
    c->out_start = c->out_end = 0;
    return 0;
}

/* What is to be waited for now that all answers are written. Returns 0, or a negative errno if
 * there is nothing left to wait for. */
static int wait_for_input(struct connection *c)
{
    switch (c->phase) {
    case PHASE_FINISHING:
        return -ESHUTDOWN;
    case PHASE_REFUSING:
        if (shutdown(c->fd, SHUT_WR) < 0)
            return -errno;
        c->phase = PHASE_DISCARDING;
        break;
    case PHASE_SERVING:
    case PHASE_DISCARDING:
        break;
    }
    return poller_item_set_events(c->io, EPOLLIN);
}

static int begin_answers(struct connection *c)
{
    sd_event *event = poller_event(c->poller);
    uint64_t realtime_usec, monotonic_usec;

    int r = sd_event_now(event, CLOCK_REALTIME, &realtime_usec);
    if (r < 0)
        return r;
    r = sd_event_now(event, CLOCK_MONOTONIC, &monotonic_usec);
    if (r < 0)
        return r;
    answers_begin(c->answers, realtime_usec, monotonic_usec);
    return 0;
}

/* Answers what is in the input, to be sent at the end of the turn. Returns 0 or a negative errno.
 */
static int answer(struct connection *c)
{
    int r = begin_answers(c);

    if (r < 0)
        return r;
    answer_requests(c);
    c->events->ready(c->userdata);
    return 0;
}

/* Writes, and says what to wait for. Returns a negative errno when the connection is over. */
static int advance(struct connection *c)
{
    int r = send_answers(c);

    if (r == -EAGAIN)
        return poller_item_set_events(c->io, EPOLLOUT);
    if (r < 0)
        return r;
    if (c->is_waiting)
        return poller_item_set_events(c->io, EPOLLIN);
    if (!c->is_full)
        return wait_for_input(c);
    c->events->unfinished(c->userdata);
    return poller_item_set_events(c->io, 0);
}

/* After something was done; `c` is gone if that failed. */
static void end_unless(struct connection *c, int r)
{
    if (r < 0)
        c->events->ended(c->userdata);
}

void connection_send(struct connection *connection)
{
    end_unless(connection, advance(connection));
}

void connection_go_on(struct connection *connection)
{
    end_unless(connection, answer(connection));
}

/* Most clients that wait send nothing meanwhile. One that does, or will send no more, is not to be
 * heard of again before its answer is there; one that is gone is not to be heard of at all. */
static int stop_listening(struct connection *c, uint32_t revents)
{
    return revents & (EPOLLHUP | EPOLLERR) ? -ECONNRESET : poller_item_set_events(c->io, 0);
}

static int receive_and_answer(struct connection *c)
{
    int r = receive(c);

    return r < 0 ? r : answer(c);
}

static void on_io(uint32_t revents, void *userdata)
{
    struct connection *c = userdata;

    if (c->out_start < c->out_end)
        c->events->ready(c->userdata);
    else if (c->is_waiting || c->is_full)
        end_unless(c, stop_listening(c, revents));
    else
        end_unless(c, receive_and_answer(c));
}

static void on_caught_up(void *userdata)
{
    struct connection *c = userdata;

    c->is_waiting = false;
    c->caught_up = c->in_end;
    end_unless(c, answer(c));
}

int connection_new(struct poller *poller, int fd, struct answers *answers,
                   const struct connection_events *events, void *userdata, struct connection **ret)
{
    /* Not cleared, so that the buffers take memory only as far as they are used. */
    struct connection *c = malloc(sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->fd = fd;
    c->poller = poller;
    c->io = NULL;
    c->answers = answers;
    c->events = events;
    c->userdata = userdata;
    c->phase = PHASE_SERVING;
    c->wait = (struct catch_up_wait){ .done = on_caught_up, .userdata = c };
    c->is_waiting = false;
    c->discarded = 0;
    c->caught_up = 0;
    c->is_full = false;
    c->in_start = c->in_end = c->out_start = c->out_end = 0;

    int r = poller_add(poller, fd, EPOLLIN, on_io, c, &c->io);
    if (r < 0) {
        free(c);
        return r;
    }
    *ret = c;
    return 0;
}

bool connection_is_busy(const struct connection *connection)
{
    return connection->is_waiting || connection->is_full ||
           connection->out_start < connection->out_end;
}

bool connection_is_blank(const struct connection *connection)
{
    return connection->phase == PHASE_SERVING && !connection_is_busy(connection) &&
           connection->in_end == 0;
}

int connection_fd(const struct connection *connection)
{
    return connection->fd;
}

struct connection *connection_free(struct connection *connection)
{
    if (!connection)
        return NULL;
    poller_item_remove(connection->io);
    answers_leave(connection->answers, &connection->wait);
    (void)close(connection->fd);
    free(connection);
    return NULL;
}
