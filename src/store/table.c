/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What events and time do. table-private.h has the invariant. */

#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table-private.h"

struct table *table_free(struct table *table)
{
    if (table) {
        roster_free(table->roster);
        sessions_free(table->sessions);
        holds_free(table->holds);
    }
    free(table);
    return NULL;
}

int table_new(struct map *map, size_t max_entries, struct table **ret)
{
    _cleanup_(table_freep) struct table *table = calloc(1, sizeof(*table));

    if (!table)
        return -ENOMEM;
    table->map = map;
    table->max_entries = max_entries;
    table->roster = roster_new();
    table->sessions = sessions_new();
    table->holds = holds_new();
    if (!table->roster || !table->sessions || !table->holds)
        return -ENOMEM;
    *ret = TAKE_PTR(table);
    return 0;
}

struct addr table_group(const struct table *table, const struct addr *addr)
{
    return addr_group(addr, map_ipv6_bits(table->map));
}

uint64_t table_grace_usec(const struct table *table, const char *name)
{
    const struct rule *rule = rules_find(table->policy.rules, name);

    return rule ? rule_grace_usec(rule) : table->policy.grace_usec;
}

/* Who it was this time; the record may name a later login. */
static void name_event(struct record *record, const struct event *event)
{
    const char *name = rule_name(event->rule);

    memcpy(record->rule, name, strlen(name) + 1);
    memcpy(record->user, event->user, sizeof(record->user));
}

void table_fill_change(struct change *change, enum change_kind kind, const struct event *event)
{
    *change = (struct change){ .kind = kind, .addr = event->addr };
    change->record.login_usec = event->time_usec;
    name_event(&change->record, event);
}

/* Connections that no login came of in time, as the entries' own clock has it: the journal may be
 * read long after it was written. No more than `most` are left. */
static int forget_pending(struct table *table, uint64_t time_usec, size_t most)
{
    uint64_t due_usec;
    const char *key;
    int r = 0;

    while (r == 0 && (key = sessions_first(table->sessions, SESSION_PENDING, &due_usec)) &&
           (due_usec <= time_usec || sessions_count(table->sessions, SESSION_PENDING) > most)) {
        char copy[SESSION_KEY_TEXT_MAX];

        memcpy(copy, key, strlen(key) + 1);
        r = table_drop_session(table, copy);
    }
    return r;
}

static int connect_session(struct table *table, const struct event *event, uint64_t time_usec,
                           uint64_t now_usec, struct change *ret)
{
    struct session session = { .state = SESSION_PENDING, .since_usec = time_usec }, old;
    char key[SESSION_KEY_TEXT_MAX];
    struct record record;
    int r;

    if (!table_session_key(event, key)) {
        table_fill_change(ret, CHANGE_UNKNOWN, event);
        return 0;
    }
    r = map_get_session(table->map, key, &old);
    if (r == 0)
        r = table_end_session(table, key, &old, time_usec + rule_grace_usec(event->rule), now_usec,
                              &record);
    if (r == 0 || r == -ENOENT)
        r = forget_pending(table, time_usec, PENDING_MAX - 1);
    if (r < 0)
        return r;
    session.addr = event->addr;
    memcpy(session.unit, event->unit, sizeof(session.unit));
    memcpy(session.user, event->user, sizeof(session.user));
    table_fill_change(ret, CHANGE_CONNECT, event);
    return table_put_session(table, key, &session, time_usec + PENDING_USEC);
}

/* The later expiry counts, the later login tells who it was. */
static void merge_record(const struct record *old, struct record *record)
{
    uint64_t expires_usec = later(record->expires_usec, old->expires_usec);

    if (old->login_usec > record->login_usec)
        *record = *old;
    record->expires_usec = expires_usec;
}

static bool is_excluded(const struct table *table, const struct event *event, struct change *ret)
{
    const char *network;

    if (networks_contain(table->policy.local, &event->addr, &network))
        table_fill_change(ret, CHANGE_IGNORE_LOCAL, event);
    else if (networks_contain(table->policy.never, &event->addr, &network))
        table_fill_change(ret, CHANGE_IGNORE_NEVER, event);
    else
        return false;
    ret->network = network;
    return true;
}

/* A login, with the address known by now. */
struct login {
    const struct event *event;
    const char *key; /* of the session that it opens; NULL if none is to be followed */
    bool is_open;    /* it is open already */
    uint64_t time_usec, now_usec;
    uint64_t since_usec; /* the session's latest login: this one, unless it was read late */
};

static int open_session(struct table *table, const struct login *login, uint32_t item,
                        uint64_t grace_usec, bool is_new)
{
    const struct event *event = login->event;
    struct session session = {
        .state = SESSION_OPEN,
        .since_usec = login->since_usec,
        .addr = event->addr,
    };
    int r;

    memcpy(session.unit, event->unit, sizeof(session.unit));
    memcpy(session.user, event->user, sizeof(session.user));
    r = table_put_session(table, login->key, &session,
                          login->since_usec + rule_max_session_usec(event->rule));
    if (r < 0 || login->is_open)
        return r;
    return table_hold(table, &event->addr, item, grace_usec, is_new);
}

static enum change_kind classify(const struct table *table, const struct record *record,
                                 bool is_new, uint64_t now_usec)
{
    if (!is_new)
        return CHANGE_EXTEND;
    if (record->expires_usec <= now_usec)
        return CHANGE_STALE;
    return table_count(table) >= table->max_entries ? CHANGE_REFUSE : CHANGE_ALLOW;
}

/* The address's item in the roster, which goes with the user whom the record names. `old` is the
 * record so far, NULL if there is none. */
static int enter(struct table *table, const struct addr *group, const struct record *old,
                 const struct record *record, uint32_t *ret)
{
    uint32_t user = table_user_number(record->user, group), old_user;

    if (!old)
        return roster_add(table->roster, group, record->expires_usec, user, ret);
    old_user = table_user_number(old->user, group);
    *ret = roster_find(table->roster, group, old_user);
    if (*ret == ROSTER_NONE)
        return -EBADMSG;
    if (user != old_user)
        roster_set_user(table->roster, *ret, user);
    return 0;
}

static int put_login(struct table *table, const struct login *login, struct change *ret)
{
    const struct event *event = login->event;
    struct addr group = table_group(table, &event->addr);
    uint64_t grace_usec = login->time_usec + rule_grace_usec(event->rule);
    struct record record = { .expires_usec = grace_usec, .login_usec = login->time_usec }, old;
    struct hold *hold;
    uint32_t item = ROSTER_NONE;
    bool is_new;
    int r = map_get(table->map, &group, &old);

    if (r < 0 && r != -ENOENT)
        return r;
    is_new = r == -ENOENT;
    if (login->key)
        record.expires_usec =
            later(grace_usec, login->time_usec + rule_max_session_usec(event->rule));
    name_event(&record, event);
    if (!is_new)
        merge_record(&old, &record);
    table_fill_change(ret, classify(table, &record, is_new, login->now_usec), event);
    ret->is_late = grace_usec <= login->now_usec;
    ret->record.expires_usec = record.expires_usec;
    if (ret->kind != CHANGE_ALLOW && ret->kind != CHANGE_EXTEND)
        return 0;

    /* Of an address that is held, `old` tells until when it is, not what its logins come to. */
    hold = holds_find(table->holds, &group);
    r = hold ? table_recall_grace(table, hold, login->now_usec) : 0;
    if (r < 0)
        return r;
    if (hold)
        hold->grace_usec = later(hold->grace_usec, grace_usec);
    else if (!is_new)
        grace_usec = later(grace_usec, old.expires_usec);
    r = enter(table, &group, is_new ? NULL : &old, &record, &item);
    if (r == 0 && login->key)
        r = open_session(table, login, item, grace_usec, is_new);
    hold = holds_find(table->holds, &group);
    record.sessions = hold ? hold->sessions : 0;
    if (r == 0)
        r = map_put(table->map, &group, &record);
    if (r == 0 && hold)
        r = table_note_grace(table, hold, &record);
    ret->record.login_usec = record.login_usec;
    ret->record.sessions = record.sessions;
    return r;
}

/* Looks at what the session was before the login; *event is the table's own copy. A process that
 * serves somebody else by now has ended what it did before. */
static int resume_session(struct table *table, struct event *event, struct login *login,
                          const char *key)
{
    struct session old;
    struct record record;
    int r = map_get_session(table->map, key, &old);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (!event->has_addr) {
        event->addr = old.addr;
        event->has_addr = true;
    }
    login->is_open = old.state == SESSION_OPEN && addr_compare(&old.addr, &event->addr) == 0;
    if (login->is_open) {
        login->since_usec = later(login->time_usec, old.since_usec);
        return 0;
    }
    return table_end_session(table, key, &old, login->time_usec + rule_grace_usec(event->rule),
                             login->now_usec, &record);
}

static int log_in(struct table *table, const struct event *given, uint64_t time_usec,
                  uint64_t now_usec, struct change *ret)
{
    struct event event = *given;
    struct login login = {
        .event = &event,
        .time_usec = time_usec,
        .now_usec = now_usec,
        .since_usec = time_usec,
    };
    char key[SESSION_KEY_TEXT_MAX];
    int r = forget_pending(table, time_usec, PENDING_MAX);

    if (r == 0 && table_session_key(&event, key)) {
        r = resume_session(table, &event, &login, key);
        if (rule_has_logout(event.rule))
            login.key = key;
    }
    if (r < 0)
        return r;
    if (!event.has_addr) {
        table_fill_change(ret, CHANGE_UNKNOWN, &event);
        return 0;
    }
    if (is_excluded(table, &event, ret))
        return 0;
    if (login.key && !login.is_open &&
        sessions_count(table->sessions, SESSION_OPEN) >= table->max_entries) {
        table->unfollowed++;
        login.key = NULL;
    }
    return put_login(table, &login, ret);
}

int table_apply(struct table *table, const struct event *event, uint64_t now_usec,
                struct change *ret)
{
    static int (*const apply[])(struct table *, const struct event *, uint64_t, uint64_t,
                                struct change *) = {
        [EVENT_LOGIN] = log_in,
        [EVENT_LOGOUT] = table_log_out,
        [EVENT_CONNECT] = connect_session,
        [EVENT_FAIL] = table_fail,
    };

    return apply[event->kind](table, event, earlier(event->time_usec, now_usec), now_usec, ret);
}

/* Sessions that have lasted for as long as a session can count. */
static int end_longest(struct table *table, uint64_t now_usec)
{
    uint64_t due_usec;
    const char *key;
    int r = 0;

    while (r == 0 && (key = sessions_first(table->sessions, SESSION_OPEN, &due_usec)) &&
           due_usec <= now_usec) {
        char copy[SESSION_KEY_TEXT_MAX];
        struct session session;
        struct record record;

        memcpy(copy, key, strlen(key) + 1);
        r = map_get_session(table->map, copy, &session);
        if (r == 0)
            r = table_end_session(table, copy, &session, now_usec, now_usec, &record);
    }
    return r;
}

/* Looks at the item that is due. */
static int settle(struct table *table, uint32_t item, uint64_t now_usec, struct change *ret,
                  bool *ret_any)
{
    struct addr addr = *roster_addr(table->roster, item);
    struct record record = { 0 };
    int r = map_get(table->map, &addr, &record);

    if (r == 0 && record.expires_usec > now_usec) {
        roster_set_due_usec(table->roster, item, record.expires_usec);
        return 0;
    }
    if (r < 0 && r != -EBADMSG)
        return r;
    *ret = (struct change){ .kind = CHANGE_EXPIRE, .addr = addr, .record = record };
    *ret_any = true;
    return table_remove(table, item);
}

int table_expire(struct table *table, uint64_t now_usec, struct change *ret, bool *ret_any)
{
    int r = end_longest(table, now_usec);
    uint32_t item;

    *ret_any = false;
    while (r == 0 && !*ret_any && (item = roster_first(table->roster)) != ROSTER_NONE &&
           roster_due_usec(table->roster, item) <= now_usec)
        r = settle(table, item, now_usec, ret, ret_any);
    return r;
}

uint64_t table_next_usec(const struct table *table)
{
    uint32_t first = roster_first(table->roster);
    uint64_t next_usec = UINT64_MAX, due_usec;

    if (first != ROSTER_NONE)
        next_usec = roster_due_usec(table->roster, first);
    if (sessions_first(table->sessions, SESSION_OPEN, &due_usec))
        next_usec = earlier(next_usec, due_usec);
    return next_usec;
}

size_t table_count(const struct table *table)
{
    return roster_count(table->roster);
}

size_t table_session_count(const struct table *table)
{
    return sessions_count(table->sessions, SESSION_OPEN);
}

size_t table_unfollowed(const struct table *table)
{
    return table->unfollowed;
}
