/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "core/addr.h"
#include "pieces.h"
#include "unit/shipped-world.h"

/* Names put into the lines of a rule's servers, and what the rules make of them. */

struct tally {
    uint64_t names, lines;
    /* Lines of logins: by harmless names, which all have to be recognised, and by hostile ones, of
     * which some need not be. */
    uint64_t harmless, hostile, recognised;
    uint64_t gave_up, too_long, cut, bad_addr;
    size_t gave_up_len; /* of the shortest message that was given up */
};

/* A line that should not have meant what it did. */
struct fault {
    const char *what; /* NULL: there is none */
    char addr[ADDR_TEXT_MAX];
    struct buffer line;
};

/* True if there is a server in shapes.c for the rule. */
bool has_shapes(const char *rule);

struct feed {
    const struct corpus *corpus;
    const char *rule;
    uint64_t count;
    unsigned harmless_every; /* every so many names is a harmless one; 0: none */
};

/* Feeds names until one has done harm, or that many have not. */
void feed_names(struct world *world, const struct feed *feed, struct tally *tally,
                struct fault *ret);
