/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules and the table are the watcher's own. Its clock moves along with the entries, as it does
 * in the watcher when that reads an old journal. */

#include "replay.h"

#include <errno.h>
#include <string.h>

#include "program/clock.h"
#include "program/journal-matches.h"
#include "store/table.h"

struct replay {
    const struct settings *settings;
    const struct networks *local;
    struct map *map;
    struct table *table;
    uint64_t now_usec;
};

const char *const verdict_names[_VERDICT_MAX] = {
    [VERDICT_LOGIN] = "LOGIN",   [VERDICT_LOGOUT] = "LOGOUT",   [VERDICT_PENDING] = "PENDING",
    [VERDICT_FAIL] = "FAIL",     [VERDICT_IGNORED] = "IGNORED", [VERDICT_REFUSED] = "REFUSED",
    [VERDICT_STALE] = "STALE",   [VERDICT_CUT] = "CUT",         [VERDICT_DROPPED] = "DROPPED",
    [VERDICT_MISSED] = "MISSED",
};

static int load_table(struct replay *replay)
{
    struct table_policy policy = {
        .rules = replay->settings->rules,
        .local = replay->local,
        .never = replay->settings->never_grant,
        .grace_usec = replay->settings->grace_usec,
        .longest_grace_usec = settings_longest_grace_usec(replay->settings),
        .longest_session_usec = settings_longest_session_usec(replay->settings),
        .max_per_user = replay->settings->max_per_user,
    };
    bool beyond;

    return table_load(replay->table, &policy, replay->now_usec, &beyond);
}

int replay_new(const struct settings *settings, const struct networks *local, struct replay **ret)
{
    _cleanup_(replay_freep) struct replay *replay = calloc(1, sizeof(*replay));
    struct map_options options = {
        .max_entries = settings->max_entries,
        .ipv6_bits = settings->ipv6_bits,
    };
    enum map_state state;
    int r;

    if (!replay)
        return -ENOMEM;
    replay->settings = settings;
    replay->local = local;
    r = map_open_writer(&options, &replay->map, &state);
    if (r == 0)
        r = table_new(replay->map, settings->max_entries, &replay->table);
    if (r == 0)
        r = load_table(replay);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(replay);
    return 0;
}

struct replay *replay_free(struct replay *replay)
{
    if (!replay)
        return NULL;
    table_free(replay->table);
    map_close(replay->map);
    free(replay);
    return NULL;
}

/* Lets time pass until the entry happened, but never beyond the time that it is. */
static int move_clock(struct replay *replay, uint64_t realtime_usec)
{
    uint64_t real_usec = clock_realtime_usec();
    uint64_t usec = realtime_usec < real_usec ? realtime_usec : real_usec;
    bool any = true;
    int r = 0;

    if (usec <= replay->now_usec)
        return 0;
    replay->now_usec = usec;
    while (r == 0 && any && table_next_usec(replay->table) <= usec) {
        struct change change;

        r = table_expire(replay->table, usec, &change, &any);
    }
    return r;
}

static void describe_change(struct outcome *outcome)
{
    static const struct {
        enum verdict verdict;
        const char *why;
    } words[_CHANGE_MAX] = {
        [CHANGE_ALLOW] = { VERDICT_LOGIN },
        [CHANGE_EXTEND] = { VERDICT_LOGIN },
        [CHANGE_EXPIRE] = { VERDICT_LOGIN },
        [CHANGE_DISPLACE] = { VERDICT_LOGIN },
        [CHANGE_IGNORE_LOCAL] = { VERDICT_IGNORED, "local network" },
        [CHANGE_IGNORE_NEVER] = { VERDICT_IGNORED, "never-grant network" },
        [CHANGE_REFUSE] = { VERDICT_REFUSED, "MaxEntries= is reached" },
        [CHANGE_STALE] = { VERDICT_STALE, "its time was over already" },
        [CHANGE_CONNECT] = { VERDICT_PENDING },
        [CHANGE_FAIL] = { VERDICT_FAIL },
        [CHANGE_LOGOUT] = { VERDICT_LOGOUT },
        [CHANGE_UNKNOWN] = { VERDICT_IGNORED, "no such session" },
        [CHANGE_NEW_RUN] = { VERDICT_LOGOUT },
    };

    outcome->verdict = words[outcome->change.kind].verdict;
    outcome->why = words[outcome->change.kind].why;
    if (outcome->change.kind == CHANGE_UNKNOWN && outcome->event.kind == EVENT_LOGIN)
        outcome->why = "no address is known for the session";
}

static int displace(struct replay *replay, const struct event *event)
{
    bool any = true;
    int r = 0;

    while (r == 0 && any) {
        struct change change;

        r = table_displace(replay->table, event, &change, &any);
    }
    return r;
}

static int apply(struct replay *replay, struct outcome *outcome)
{
    int r = table_apply(replay->table, &outcome->event, replay->now_usec, &outcome->change);

    if (r < 0)
        return r;
    describe_change(outcome);
    return outcome->change.kind == CHANGE_ALLOW ? displace(replay, &outcome->event) : 0;
}

/* A server that was started anew says no goodbyes. */
static int end_run(struct replay *replay, const struct event *event)
{
    size_t ended;

    if (!event->rule || !table_is_new_run(replay->table, event))
        return 0;
    return table_end_run(replay->table, event, replay->now_usec, &ended);
}

static void note_drop(struct replay *replay, const struct entry *entry, struct outcome *outcome)
{
    const char *notice, *unit;
    size_t len, unit_len;

    outcome->verdict = VERDICT_MISSED;
    if (journal_is_drop_notice(entry, &notice, &len) &&
        rules_note_drop(replay->settings->rules, notice, len, &unit, &unit_len))
        outcome->verdict = VERDICT_DROPPED;
}

static int judge(struct replay *replay, const struct entry *entry, struct outcome *outcome)
{
    int r;

    outcome->judged = rules_judge(replay->settings->rules, entry, &outcome->event, &outcome->rule);
    r = end_run(replay, &outcome->event);
    if (r < 0)
        return r;
    switch (outcome->judged) {
    case RULES_EVENT:
        return apply(replay, outcome);
    case RULES_BAD_ADDRESS:
    case RULES_GAVE_UP:
        outcome->verdict = VERDICT_MISSED;
        break;
    case RULES_CUT:
        outcome->verdict = VERDICT_CUT;
        outcome->why = "it may be part of a line that the server's logger cut";
        break;
    case RULES_NOTHING:
        note_drop(replay, entry, outcome);
        break;
    }
    return 0;
}

/* The map is in memory; its transactions are for the form. */
int replay_entry(struct replay *replay, const struct entry *entry, struct outcome *ret)
{
    struct outcome outcome = { .rule = NULL };
    int r = map_begin(replay->map);

    if (r == 0)
        r = move_clock(replay, entry->realtime_usec);
    if (r == 0)
        r = judge(replay, entry, &outcome);
    if (r < 0) {
        map_cancel(replay->map);
        return r;
    }
    if (outcome.judged == RULES_NOTHING)
        outcome.rule = NULL;
    *ret = outcome;
    return map_commit(replay->map);
}

void replay_doubt(struct replay *replay)
{
    rules_doubt_all(replay->settings->rules);
}

struct map *replay_map(struct replay *replay)
{
    return replay->map;
}

uint64_t replay_now_usec(const struct replay *replay)
{
    return replay->now_usec;
}

bool outcome_is_session_event(const struct outcome *outcome)
{
    return outcome->judged == RULES_EVENT && outcome->change.kind != CHANGE_UNKNOWN &&
           (outcome->event.kind == EVENT_LOGIN || outcome->event.kind == EVENT_LOGOUT);
}

const char *outcome_user(const struct outcome *outcome)
{
    if (outcome->judged != RULES_EVENT)
        return "";
    return outcome->event.user[0] ? outcome->event.user : outcome->change.record.user;
}

bool outcome_addr(const struct outcome *outcome, struct addr *ret)
{
    if (outcome->judged != RULES_EVENT)
        return false;
    if (outcome->change.kind != CHANGE_UNKNOWN)
        *ret = outcome->change.addr;
    else if (outcome->event.has_addr)
        *ret = outcome->event.addr;
    else
        return false;
    return true;
}

const char *outcome_origin(const struct settings *settings, const struct outcome *outcome)
{
    const struct assignment *assignment = NULL;

    if (!outcome->rule)
        return NULL;
    if (outcome->judged == RULES_EVENT)
        assignment = settings_find_rule_key(
            settings, outcome->rule, event_kind_keys[outcome->event.kind], outcome->event.pattern);
    return assignment ? assignment->origin : settings_rule_origin(settings, outcome->rule);
}
