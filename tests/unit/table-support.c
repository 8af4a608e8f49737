/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "store/table-private.h"
#include "table-support.h"

static struct rule *make_rule(struct stage *stage, const char *name, uint64_t grace_usec,
                              uint64_t max_session_usec)
{
    struct rule *rule = NULL;

    check_int(name, rules_get(stage->rules, name, &rule), 0);
    rule_set_grace(rule, grace_usec);
    rule_set_max_session(rule, max_session_usec);
    return rule;
}

static void add_pattern(struct rule *rule, enum event_kind kind)
{
    char error[RULE_ERROR_MAX] = "";

    check_int(rule_name(rule), rule_add_pattern(rule, kind, "x", error), 0);
}

struct stage *stage_new(const char *path, size_t max_entries, unsigned ipv6_bits)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    assert_non_null(stage);
    stage->rules = rules_new();
    stage->local = networks_new();
    stage->never = networks_new();
    assert_true(stage->rules && stage->local && stage->never);
    stage->imap = make_rule(stage, "imap", GRACE, MAX_SESSION);
    stage->pop = make_rule(stage, "pop", 3 * GRACE, MAX_SESSION / 2);
    stage->two_line = make_rule(stage, "two-line", GRACE, MAX_SESSION);
    stage->plain = make_rule(stage, "plain", GRACE, MAX_SESSION);
    add_pattern(stage->imap, EVENT_LOGOUT);
    add_pattern(stage->pop, EVENT_LOGOUT);
    add_pattern(stage->two_line, EVENT_CONNECT);
    add_pattern(stage->two_line, EVENT_FAIL);
    add_pattern(stage->two_line, EVENT_LOGOUT);
    stage->max_entries = max_entries;
    stage->max_per_user = 1000;
    stage->now = START;
    stage->map = open_writer(path, (unsigned)max_entries, ipv6_bits, MAP_CREATED);
    stage_restart(stage);
    return stage;
}

void stage_free(struct stage *stage)
{
    table_free(stage->table);
    map_close(stage->map);
    rules_free(stage->rules);
    networks_free(stage->local);
    networks_free(stage->never);
    free(stage);
}

bool stage_load(struct stage *stage)
{
    struct table_policy policy = {
        .rules = stage->rules,
        .local = stage->local,
        .never = stage->never,
        .grace_usec = GRACE,
        .longest_grace_usec = 3 * GRACE,
        .longest_session_usec = MAX_SESSION,
        .max_per_user = stage->max_per_user,
    };
    bool beyond = false;

    check_int("load", table_load(stage->table, &policy, stage->now, &beyond), 0);
    return beyond;
}

size_t stage_reload(struct stage *stage)
{
    size_t removed = 0;

    if (stage_load(stage)) {
        check_int("mend", table_mend(stage->table, stage->now, &removed), 0);
        check_true("mended", !stage_load(stage));
    }
    stage_check_invariants(stage);
    return removed;
}

void stage_restart(struct stage *stage)
{
    table_free(stage->table);
    check_int("table", table_new(stage->map, stage->max_entries, &stage->table), 0);
    check_true("nothing to mend", !stage_load(stage));
    stage_check_invariants(stage);
}

struct event stage_event(const struct stage *stage, const struct rule *rule, enum event_kind kind,
                         const char *addr, const char *session)
{
    struct event event = { .kind = kind, .rule = rule, .time_usec = stage->now };

    event.has_addr = addr != NULL;
    if (addr)
        event.addr = addr_from(addr);
    snprintf(event.user, sizeof(event.user), "alice");
    snprintf(event.session, sizeof(event.session), "%s", session ? session : "");
    event.ends_user = kind == EVENT_LOGOUT && !session;
    snprintf(event.unit, sizeof(event.unit), "%s.service", rule_name(rule));
    snprintf(event.invocation, sizeof(event.invocation), "run1");
    return event;
}

struct change stage_apply(struct stage *stage, const struct event *event)
{
    struct change change = { .kind = _CHANGE_MAX };
    size_t ended;

    check_int("begin", map_begin(stage->map), 0);
    if (table_is_new_run(stage->table, event))
        check_int("run", table_end_run(stage->table, event, stage->now, &ended), 0);
    check_int("apply", table_apply(stage->table, event, stage->now, &change), 0);
    check_int("commit", map_commit(stage->map), 0);
    check_true("a kind of change", change.kind < _CHANGE_MAX);
    return change;
}

enum change_kind stage_do(struct stage *stage, const struct rule *rule, enum event_kind kind,
                          const char *addr, const char *session)
{
    struct event event = stage_event(stage, rule, kind, addr, session);

    return stage_apply(stage, &event).kind;
}

size_t stage_pass(struct stage *stage, uint64_t now)
{
    struct change change;
    bool any = true;
    size_t count = 0;

    stage->now = now;
    check_int("begin", map_begin(stage->map), 0);
    for (;;) {
        check_int("expire", table_expire(stage->table, now, &change, &any), 0);
        if (!any)
            break;
        check_int("kind", change.kind, CHANGE_EXPIRE);
        count++;
    }
    check_int("commit", map_commit(stage->map), 0);
    check_true("not woken at once again", table_next_usec(stage->table) > now);
    return count;
}

void stage_check(const struct stage *stage, const char *what, const char *text,
                 uint64_t expires_usec, unsigned sessions)
{
    struct addr addr = addr_from(text);
    struct record record = { 0 };

    check_int(what, map_get(stage->map, &addr, &record), expires_usec ? 0 : -ENOENT);
    check_unsigned(what, record.expires_usec, expires_usec);
    check_unsigned(what, record.sessions, sessions);
}

/* What the map has, one address and one session at a time. */
struct tally {
    const struct stage *stage;
    size_t records, claimed;
    size_t sessions[2];
    struct addr group; /* whose sessions are counted */
    size_t of_group;
};

static int count_session(const char *key, const struct session *session, void *userdata)
{
    struct tally *tally = userdata;
    struct addr group;

    check_true(key, session != NULL);
    tally->sessions[session->state]++;
    group = addr_group(&session->addr, map_ipv6_bits(tally->stage->map));
    if (session->state == SESSION_OPEN && addr_compare(&group, &tally->group) == 0)
        tally->of_group++;
    return 0;
}

static int ignore_record(const struct addr *addr, const struct record *record, void *userdata)
{
    return 0;
}

static int count_record(const struct addr *addr, const struct record *record, void *userdata)
{
    struct tally *tally = userdata;
    struct tally own = { .stage = tally->stage, .group = *addr };
    const struct hold *hold = holds_find(tally->stage->table->holds, addr);
    uint32_t item;

    check_int("sessions", map_scan(tally->stage->map, ignore_record, count_session, &own), 0);
    check_true("readable", record != NULL);
    check_unsigned("sessions in the record", record->sessions, own.of_group);
    check_unsigned("sessions in memory", hold ? hold->sessions : 0, own.of_group);
    tally->records++;
    tally->claimed += record->sessions;
    item = roster_find(tally->stage->table->roster, addr, table_user_number(record->user, addr));
    check_true("has an item of its user", item != ROSTER_NONE);
    if (hold)
        check_unsigned("the same", hold->item, item);
    check_true("looked at in time", roster_due_usec(tally->stage->table->roster, item) <=
                                        (hold ? UINT64_MAX : record->expires_usec));
    return 0;
}

size_t stage_sessions(const struct stage *stage, enum session_state state)
{
    struct tally tally = { .stage = stage };

    check_int("scan", map_scan(stage->map, ignore_record, count_session, &tally), 0);
    return tally.sessions[state];
}

void stage_check_invariants(const struct stage *stage)
{
    const struct table *table = stage->table;
    struct tally tally = { .stage = stage };

    check_int("scan", map_scan(stage->map, count_record, count_session, &tally), 0);
    check_unsigned("addresses", table_count(table), tally.records);
    check_unsigned("sessions", table_session_count(table), tally.sessions[SESSION_OPEN]);
    check_unsigned("each is somebody's", tally.claimed, tally.sessions[SESSION_OPEN]);
    check_unsigned("pending", sessions_count(table->sessions, SESSION_PENDING),
                   tally.sessions[SESSION_PENDING]);
}
