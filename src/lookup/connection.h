/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "answer.h"
#include "poller.h"

/* One client: reads its requests from a socket, writes the answers in their order. A client that
 * does not read its answers is not read from; one that has sent its last (half-closed) gets the
 * answers that it is still owed, and then the connection ends. */
struct connection;

struct connection_events {
    void (*answered)(void *userdata);   /* a request was answered */
    void (*ready)(void *userdata);      /* connection_send() is due, at the end of this turn */
    void (*unfinished)(void *userdata); /* connection_go_on() is due, in some turn after this */
    void (*ended)(void *userdata);      /* the connection is over: to be freed now, and not used */
};

/* Takes over `fd`, which must be non-blocking, if it succeeds. Returns 0, -ENOMEM or another errno.
 */
int connection_new(struct poller *poller, int fd, struct answers *answers,
                   const struct connection_events *events, void *userdata, struct connection **ret);

/* Sends the answers that there are. The connection may end by that. */
void connection_send(struct connection *connection);

/* Answers some more of a heap of requests. The connection may end by that. */
void connection_go_on(struct connection *connection);

/* Whether it is owed an answer; and else, whether it could be served by anybody else from now on,
 * because nothing that came through it is kept here. */
bool connection_is_busy(const struct connection *connection);
bool connection_is_blank(const struct connection *connection);
int connection_fd(const struct connection *connection);

struct connection *connection_free(struct connection *connection);
