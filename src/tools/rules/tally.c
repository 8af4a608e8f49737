/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tally.h"

#include <errno.h>

#include "program/clock.h"

int tally_init(struct tally *tally, const struct rules *rules, uint64_t monotonic_usec)
{
    *tally = (struct tally){ .start_usec = monotonic_usec };
    tally->rule = calloc(rules_count(rules) + 1, sizeof(*tally->rule));
    if (!tally->rule)
        return -ENOMEM;
    for (size_t i = 0; i < rules_count(rules); i++)
        if (rule_enabled(rules_at(rules, i)))
            tally->rule[tally->rules++].rule = rules_at(rules, i);
    return 0;
}

void tally_done(struct tally *tally)
{
    free(tally->rule);
    *tally = (struct tally){ 0 };
}

static void take_time(struct tally *tally, const struct entry *entry)
{
    for (size_t i = 0; i < tally->rules; i++) {
        struct tally_rule *rule = &tally->rule[i];
        struct event event;
        uint64_t start_nsec;

        if (!rule_speaks_for(rule->rule, entry))
            continue;
        start_nsec = clock_monotonic_nsec();
        (void)rule_judge(rule->rule, entry, &event);
        rule->nsec += clock_monotonic_nsec() - start_nsec;
        rule->judged++;
    }
}

static struct tally_rule *find_rule(struct tally *tally, const struct rule *rule)
{
    for (size_t i = 0; i < tally->rules; i++)
        if (tally->rule[i].rule == rule)
            return &tally->rule[i];
    return NULL;
}

void tally_add(struct tally *tally, const struct entry *entry, const struct outcome *outcome,
               bool concerns)
{
    struct tally_rule *rule = find_rule(tally, outcome->rule);

    if (tally->entries++ == 0)
        tally->first_usec = entry->realtime_usec;
    tally->last_usec = entry->realtime_usec;
    if (outcome->judged == RULES_EVENT)
        tally->matched++;
    if (outcome->verdict == VERDICT_MISSED && !concerns) {
        tally->others++;
        return;
    }
    tally->verdicts[outcome->verdict]++;
    if (rule)
        rule->verdicts[outcome->verdict]++;
    if (rule && outcome->judged == RULES_GAVE_UP)
        rule->gave_up++;
    if (rule && outcome->judged == RULES_BAD_ADDRESS)
        rule->bad_address++;
    take_time(tally, entry);
}

const struct tally_rule *tally_slowest(const struct tally *tally)
{
    const struct tally_rule *slowest = NULL;

    for (size_t i = 0; i < tally->rules; i++) {
        const struct tally_rule *rule = &tally->rule[i];

        if (rule->judged > 0 &&
            (!slowest || rule->nsec / rule->judged > slowest->nsec / slowest->judged))
            slowest = rule;
    }
    return slowest;
}

size_t tally_hits(const struct tally_rule *rule)
{
    size_t hits = 0;

    for (int i = VERDICT_LOGIN; i <= VERDICT_STALE; i++)
        hits += rule->verdicts[i];
    return hits;
}

uint64_t tally_entries_per_second(const struct tally *tally)
{
    return tally->usec > 0 ? tally->entries * USEC_PER_SEC / tally->usec : 0;
}
