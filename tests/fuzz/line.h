/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "buffer.h"
#include "shapes.h"

/* Who is at the other end of a connection. */
struct client {
    const char *addr; /* as text, in the canonical form */
    const struct buffer *name, *other;
    char host[256], ident[256];
    char session[32], number[12], port[6], pid[12];
};

/* Draws all that the client does not decide. */
void client_new(struct client *client, const struct server *server);

/* A line as the server writes it, whole. */
void line_write(const struct server *server, const char *text, const struct client *client,
                struct buffer *ret);

/* Cuts it where the server may. */
void line_cut(const struct server *server, struct buffer *line);
