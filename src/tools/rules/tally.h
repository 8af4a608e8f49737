/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/settings.h"
#include "replay.h"

/* What there was to count. */

struct tally_rule {
    const struct rule *rule;
    size_t verdicts[_VERDICT_MAX];
    size_t gave_up;     /* a pattern ran into its limit, or the message was too long */
    size_t bad_address; /* what a pattern took for the address was none */
    uint64_t nsec;      /* what judging by it took, */
    size_t judged;      /* so many entries */
};

struct tally {
    struct tally_rule *rule; /* the enabled ones */
    size_t rules;
    size_t entries; /* that were asked for */
    size_t others;  /* of them, of other programs */
    size_t matched; /* of them, with an event */
    size_t verdicts[_VERDICT_MAX];
    uint64_t first_usec, last_usec; /* of them */
    uint64_t start_usec, usec;      /* how long it all took */
};

/* Returns 0 or -ENOMEM. */
int tally_init(struct tally *tally, const struct rules *rules, uint64_t monotonic_usec);
void tally_done(struct tally *tally);

/* Counts an entry that was asked for, and takes the time that each rule needs for it, by judging it
 * once more. `concerns` is false for one of other programs. */
void tally_add(struct tally *tally, const struct entry *entry, const struct outcome *outcome,
               bool concerns);

/* The rule that took the most time for an entry on average; NULL if none had any. */
const struct tally_rule *tally_slowest(const struct tally *tally);

/* How many entries with an event the rule had. */
size_t tally_hits(const struct tally_rule *rule);

uint64_t tally_entries_per_second(const struct tally *tally);
