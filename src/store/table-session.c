/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How sessions begin and end in the table. */

#include <errno.h>
#include <string.h>

#include "table-private.h"

bool table_session_key(const struct event *event, char ret[static SESSION_KEY_TEXT_MAX])
{
    struct session_key key;

    if (!event->session[0] || !event->invocation[0])
        return false;
    memcpy(key.rule, rule_name(event->rule), strlen(rule_name(event->rule)) + 1);
    memcpy(key.invocation, event->invocation, sizeof(key.invocation));
    memcpy(key.session, event->session, sizeof(key.session));
    session_key_encode(&key, ret);
    return true;
}

int table_find_session(struct table *table, const struct event *event,
                       char ret_key[static SESSION_KEY_TEXT_MAX], struct session *ret)
{
    return table_session_key(event, ret_key) ? map_get_session(table->map, ret_key, ret) : -ENOENT;
}

int table_put_session(struct table *table, const char *key, const struct session *session,
                      uint64_t due_usec)
{
    int r = map_put_session(table->map, key, session);

    return r < 0 ? r : sessions_put(table->sessions, key, session, due_usec);
}

int table_drop_session(struct table *table, const char *key)
{
    int r = map_delete_session(table->map, key);

    sessions_remove(table->sessions, key);
    return r == -ENOENT ? 0 : r;
}

int table_hold(struct table *table, const struct addr *addr, uint32_t item, uint64_t expires_usec,
               bool is_new)
{
    struct addr group = table_group(table, addr);
    struct hold *hold = holds_get(table->holds, &group);

    if (!hold)
        return -ENOMEM;
    if (hold->sessions++ == 0) {
        hold->item = item;
        hold->was_known = !is_new;
        if (item != ROSTER_NONE)
            roster_set_due_usec(table->roster, item, UINT64_MAX);
    }
    hold->grace_usec = later(hold->grace_usec, expires_usec);
    return 0;
}

int table_recall_grace(struct table *table, struct hold *hold, uint64_t now_usec)
{
    uint64_t until_usec;
    int r = hold->is_noted ? map_get_grace(table->map, &hold->addr, &until_usec) : -ENOENT;

    /* The clock or the policy may have changed since it was written. */
    if (r == 0)
        hold->grace_usec = later(hold->grace_usec,
                                 earlier(until_usec, now_usec + table->policy.longest_grace_usec));
    return r == -ENOENT || r == -EBADMSG ? 0 : r;
}

int table_forget_grace(struct table *table, struct hold *hold)
{
    int r = hold->is_noted ? map_delete_grace(table->map, &hold->addr) : 0;

    hold->is_noted = false;
    return r == -ENOENT ? 0 : r;
}

int table_note_grace(struct table *table, struct hold *hold, const struct record *record)
{
    if (record->login_usec + table_grace_usec(table, record->rule) >= hold->grace_usec)
        return table_forget_grace(table, hold);
    hold->is_noted = true;
    return map_put_grace(table->map, &hold->addr, hold->grace_usec);
}

/* The last session of an address has ended: time goes on for it. */
static int release(struct table *table, struct hold *hold, struct record *record,
                   uint64_t until_usec, uint64_t now_usec)
{
    struct addr addr = hold->addr;
    uint32_t item = hold->item;
    bool was_known = hold->was_known;
    int r = table_recall_grace(table, hold, now_usec);

    if (r == 0)
        r = table_forget_grace(table, hold);
    if (r < 0)
        return r;
    record->expires_usec = later(until_usec, hold->grace_usec);
    holds_drop(table->holds, hold);
    if (item == ROSTER_NONE)
        return -EBADMSG;
    /* Read long after it happened: nobody was let in by it who would have to be told of. */
    if (!was_known && record->expires_usec < now_usec) {
        record->expires_usec = 0;
        return table_remove(table, item);
    }
    roster_set_due_usec(table->roster, item, record->expires_usec);
    return map_put(table->map, &addr, record);
}

int table_end_session(struct table *table, const char *key, const struct session *session,
                      uint64_t until_usec, uint64_t now_usec, struct record *ret)
{
    struct addr group = table_group(table, &session->addr);
    struct hold *hold = holds_find(table->holds, &group);
    struct record record = { 0 };
    int r = table_drop_session(table, key);

    if (r == 0 && hold && session->state == SESSION_OPEN) {
        r = map_get(table->map, &group, &record);
        if (r < 0)
            return r == -ENOENT ? -EBADMSG : r;
        record.sessions = --hold->sessions;
        r = hold->sessions > 0 ? map_put(table->map, &group, &record)
                               : release(table, hold, &record, until_usec, now_usec);
    }
    if (r < 0)
        return r;
    *ret = record;
    return 0;
}

static int end_event_session(struct table *table, const struct event *event, const char *key,
                             const struct session *session, uint64_t time_usec, uint64_t now_usec,
                             struct change *ret)
{
    struct record record;
    int r = table_end_session(table, key, session, time_usec + rule_grace_usec(event->rule),
                              now_usec, &record);

    if (r < 0)
        return r;
    table_fill_change(ret, session->state == SESSION_OPEN ? CHANGE_LOGOUT : CHANGE_FAIL, event);
    ret->addr = session->addr;
    ret->record.expires_usec = record.expires_usec;
    ret->record.sessions = record.sessions;
    if (session->user[0])
        if (!event->user[0])
            memcpy(ret->record.user, session->user, sizeof(session->user));
    return 0;
}

/* A goodbye that names only the user may be that of any of his sessions: none of them can be taken
 * to be open any more. */
static int log_user_out(struct table *table, const struct event *event, uint64_t time_usec,
                        uint64_t now_usec, struct change *ret)
{
    _cleanup_(freep) const char **keys =
        sessions_of_user(table->sessions, rule_name(event->rule), event->user);
    int r = keys ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && keys[i]; i++) {
        struct session session;

        r = map_get_session(table->map, keys[i], &session);
        if (r == 0 && strcmp(session.user, event->user) == 0 &&
            strcmp(session.unit, event->unit) == 0)
            r = end_event_session(table, event, keys[i], &session, time_usec, now_usec, ret);
    }
    return r;
}

int table_log_out(struct table *table, const struct event *event, uint64_t time_usec,
                  uint64_t now_usec, struct change *ret)
{
    char key[SESSION_KEY_TEXT_MAX];
    struct session session;
    int r;

    table_fill_change(ret, CHANGE_UNKNOWN, event);
    if (event->ends_user)
        return log_user_out(table, event, time_usec, now_usec, ret);
    r = table_find_session(table, event, key, &session);
    if (r == 0)
        r = end_event_session(table, event, key, &session, time_usec, now_usec, ret);
    return r == -ENOENT ? 0 : r;
}

int table_fail(struct table *table, const struct event *event, uint64_t time_usec,
               uint64_t now_usec, struct change *ret)
{
    char key[SESSION_KEY_TEXT_MAX];
    struct session session;
    int r = table_find_session(table, event, key, &session);

    table_fill_change(ret, CHANGE_UNKNOWN, event);
    if (r == 0 && session.state == SESSION_PENDING)
        r = end_event_session(table, event, key, &session, time_usec, now_usec, ret);
    return r == -ENOENT ? 0 : r;
}

bool table_is_new_run(const struct table *table, const struct event *event)
{
    return event->invocation[0] &&
           sessions_has_other_run(table->sessions, event->unit, event->invocation);
}

int table_end_run(struct table *table, const struct event *event, uint64_t now_usec,
                  size_t *ret_ended)
{
    _cleanup_(freep) const char **keys = sessions_of_unit(table->sessions, event->unit);
    uint64_t time_usec = earlier(event->time_usec, now_usec);
    size_t ended = 0;

    if (!keys)
        return -ENOMEM;
    for (size_t i = 0; keys[i]; i++) {
        struct session_key parts = { 0 };
        struct session session;
        struct record record;
        int r = map_get_session(table->map, keys[i], &session);

        if (r < 0)
            return r;
        (void)session_key_decode(keys[i], strlen(keys[i]), &parts);
        r = table_end_session(table, keys[i], &session,
                              time_usec + table_grace_usec(table, parts.rule), now_usec, &record);
        if (r < 0)
            return r;
        ended += session.state == SESSION_OPEN;
    }
    *ret_ended = ended;
    return 0;
}
