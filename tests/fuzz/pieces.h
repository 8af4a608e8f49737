/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "buffer.h"
#include "line.h"
#include "shapes.h"

/* The address that must never come of anything. */
#define STRANGER "6.6.6.6"

/* What attackers were seen to try, from the recorded journals. */
struct corpus;

struct corpus *corpus_new(void);
void corpus_free(struct corpus *corpus);

/* A user name that nobody would think twice about. */
void make_harmless_name(struct buffer *ret);

/* One that is meant to be taken for something else in a line of that server. */
void make_hostile_name(const struct corpus *corpus, const struct server *server,
                       struct buffer *ret);

/* What the DNS and an identd of his can say. */
void make_harmless_host(struct client *client);
void make_hostile_host(const struct corpus *corpus, const struct server *server,
                       struct client *client);
