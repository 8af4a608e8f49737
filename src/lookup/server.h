/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "answer.h"
#include "core/cleanup.h"
#include "poller.h"

/* The listening sockets and the clients that came through them. Idle clients are never turned away,
 * because each Postfix process keeps a connection and loses a second when it ends; only when more
 * than `max_clients` are connected, the one that has asked nothing for the longest time gives way.
 */
struct server;

/* More addresses than one host's mail server is asked on; bounds open files. */
#define SERVER_LISTENERS_MAX 32

/* `poller` and `answers` remain the caller's and must outlive the server. */
int server_new(struct poller *poller, struct answers *answers, unsigned max_clients,
               struct server **ret);
struct server *server_free(struct server *server);
DEFINE_CLEANUP(struct server *, server_free)

/* Takes over a connected non-blocking socket, if it succeeds. Returns 0 or a negative errno. */
int server_add_client(struct server *server, int fd);

/* Accepts nobody any more, and leaves the event loop when nobody is owed an answer, or when that
 * takes too long. Returns 0 or a negative errno. */
int server_finish(struct server *server);

/* After that: gives the connections to the next process of the service. */
void server_hand_over(const struct server *server);

/* Takes over a listening non-blocking socket, if it succeeds. Returns 0, -E2BIG for one too many,
 * or another errno. */
int server_add_listener(struct server *server, int fd);
