/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "regex-scan.h"

/* A pattern as a nondeterministic finite automaton, for programs that ask what it could match. */

enum automaton_kind {
    AUTOMATON_BYTE,  /* takes a byte of its token's set, then goes to next[0] */
    AUTOMATON_SPLIT, /* goes to either */
    AUTOMATON_START, /* goes on only at the start of the message */
    AUTOMATON_END,   /* goes on only at its end */
    AUTOMATON_ENTER, /* the group "addr" begins */
    AUTOMATON_LEAVE, /* and ends */
    AUTOMATON_GUARD, /* goes to next[0], unless next[1] leads to AUTOMATON_REFUSE from here */
    AUTOMATON_REFUSE,
    AUTOMATON_ACCEPT, /* whatever follows */
};

struct automaton_node {
    enum automaton_kind kind;
    uint16_t next[2];
    const struct regex_token *token; /* of AUTOMATON_BYTE */
};

struct automaton {
    uint16_t count, start;
    struct automaton_node *node;
};

/* Where the pattern cannot be said in these terms, the automaton accepts more than the pattern
 * does: positive lookaheads, lookbehinds and word boundaries hold everywhere in it. `regex` has to
 * outlive it. Returns 0; -E2BIG for repetitions that would need too many nodes; -ENOMEM. */
int automaton_build(const struct regex *regex, struct automaton **ret);
struct automaton *automaton_free(struct automaton *automaton);
DEFINE_CLEANUP(struct automaton *, automaton_free)
