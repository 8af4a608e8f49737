/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "core/cleanup.h"
#include "core/network.h"
#include "core/settings.h"
#include "core/trace.h"

/* Why no rule took an entry: for the rules that came nearest, what stopped each. */

/* In the order of the stages that an entry goes through; a later one is nearer. */
enum miss_stage {
    MISS_FIELD,    /* a word of Match= does not hold */
    MISS_UNIT,     /* the unit is not the trusted one, all other fields hold */
    MISS_REQUIRE,  /* a word of Require= does not hold */
    MISS_LENGTH,   /* the message is absent or too long */
    MISS_PATTERN,  /* no pattern matches */
    MISS_LIMIT,    /* a pattern ran into a limit */
    MISS_ADDRESS,  /* what a pattern took for the address is none, or it took none */
    MISS_CUT,      /* it may be part of a line that the server's logger cut */
    MISS_DISABLED, /* the rule would take it, but is disabled */
    _MISS_STAGE_MAX,
};

/* The stage in one word, for JSON: "field", "unit", "require", "length", "pattern", "limit",
 * "address", "cut", "disabled". */
extern const char *const miss_stage_names[_MISS_STAGE_MAX];

#define MISS_RULES_MAX 3

struct miss_rule {
    const struct rule *rule; /* belongs to the settings */
    bool disabled;           /* so it would not have taken it anyway */
    enum miss_stage stage;
    char *word;        /* MISS_FIELD, _UNIT, _REQUIRE: the word; if there are several, the first */
    char *value;       /* the entry's value of that field, or the text taken for an address, safe
                        * to show; NULL if it has none */
    const char *key;   /* MISS_PATTERN, _LIMIT, _ADDRESS: "Login", "Peer", … */
    size_t index;      /* which assignment of that key */
    const char *field; /* what the pattern was matched against: "MESSAGE" */
    const struct pattern *pattern;
    struct trace trace; /* MISS_PATTERN, MISS_LIMIT */
};

struct miss {
    size_t count;
    struct miss_rule rule[MISS_RULES_MAX]; /* the nearest one first */
};

/* Looks into an entry of which rules_judge() made `verdict`, which is not RULES_EVENT; `cut` is the
 * rule that it named for RULES_CUT, and ignored otherwise. Slow: each pattern is run again. Returns
 * 0 or -ENOMEM. *ret needs miss_clear(). */
int miss_find(const struct settings *settings, const struct entry *entry,
              enum rules_verdict verdict, const struct rule *cut, struct miss *ret);
void miss_clear(struct miss *miss);

/* What stopped the rule, in one line that is safe to show. Returns the length. */
#define MISS_TEXT_MAX 512
size_t miss_describe(const struct miss_rule *rule, char ret[static MISS_TEXT_MAX]);

/* Prints each rule's origin and reason, indented to stand below the entry's own line, and for a
 * pattern the message and the pattern's text with carets below them. `entry` is the one that was
 * looked into. */
void miss_print(FILE *file, const struct settings *settings, const struct miss *miss,
                const struct entry *entry);

/* This host's own addresses, loopback excepted, for miss_warns_of_own(). Returns 0 or a negative
 * errno. */
int miss_read_own(struct networks **ret);

/* True, with a warning in `ret`, if a login's address is one of them: the rule then most likely
 * captures the server's address instead of the client's. */
bool miss_warns_of_own(const struct networks *own, const struct event *event,
                       char ret[static MISS_TEXT_MAX]);
