/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "pattern.h"

/* The parts of a pattern's text, for programs that explain patterns; matching is PCRE2's alone. */

struct regex_set {
    uint64_t bits[4]; /* one a byte */
};

enum regex_kind {
    REGEX_BYTE, /* takes one byte of `set` */
    REGEX_OPEN, /* begins a group or a lookaround */
    REGEX_CLOSE,
    REGEX_BAR,
    REGEX_START,    /* ^ and \A */
    REGEX_END,      /* $, \z and \Z */
    REGEX_BOUNDARY, /* \b and \B */
    REGEX_NOTHING,  /* (?i) and the like */
};

enum regex_group {
    REGEX_PLAIN,
    REGEX_ATOMIC,
    REGEX_AHEAD, /* lookarounds, from here on */
    REGEX_NOT_AHEAD,
    REGEX_BEHIND,
    REGEX_NOT_BEHIND,
};

#define REGEX_MANY UINT32_MAX

struct regex_token {
    enum regex_kind kind;
    size_t start, len; /* in the text, without the quantifier */
    size_t end;        /* behind its quantifier; of REGEX_OPEN, behind the whole group's */
    uint32_t least, most;
    bool possessive;
    bool is_literal; /* a byte that stands for itself */
    struct regex_set set;
    size_t partner; /* of REGEX_OPEN and REGEX_CLOSE, the other one */
    enum regex_group group;
    enum pattern_group name; /* _PATTERN_GROUP_MAX if it has none */
    bool in_lookaround;      /* or is the brackets of one */
};

struct regex {
    size_t count;
    struct regex_token *token; /* in the order of the text */
};

static inline bool regex_set_has(const struct regex_set *set, unsigned char byte)
{
    return set->bits[byte / 64] >> byte % 64 & 1;
}

static inline bool regex_sets_meet(const struct regex_set *a, const struct regex_set *b)
{
    return (a->bits[0] & b->bits[0]) || (a->bits[1] & b->bits[1]) || (a->bits[2] & b->bits[2]) ||
           (a->bits[3] & b->bits[3]);
}

/* Takes apart the text of a pattern that pattern_compile() accepts. Returns 0; -ENOMEM; or
 * -EOPNOTSUPP for what is beyond a regular expression or rarely used (references to groups,
 * recursion, conditions, verbs, \K, \R, Unicode properties), with its place in *reterr. */
int regex_scan(const char *text, struct regex **ret, size_t *reterr);
struct regex *regex_free(struct regex *regex);
DEFINE_CLEANUP(struct regex *, regex_free)
