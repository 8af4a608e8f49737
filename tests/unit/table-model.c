/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "table-model.h"

struct model model;

static const struct stage *rules_of;

void model_begin(const struct stage *stage)
{
    memset(&model, 0, sizeof(model));
    rules_of = stage;
}

const struct rule *model_rule(unsigned number)
{
    const struct rule *const rules[RULES] = { rules_of->imap, rules_of->pop, rules_of->two_line,
                                              rules_of->plain };

    return rules[number];
}

static uint64_t later_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

unsigned model_open_of(unsigned address)
{
    unsigned count = 0;

    for (unsigned r = 0; r < RULES; r++)
        for (unsigned k = 0; k < KEYS; k++)
            count += model.sessions[r][k].there && model.sessions[r][k].open &&
                     model.sessions[r][k].address == address;
    return count;
}

size_t model_count(bool open)
{
    size_t count = 0;

    for (unsigned r = 0; r < RULES; r++)
        for (unsigned k = 0; k < KEYS; k++)
            count += model.sessions[r][k].there && model.sessions[r][k].open == open;
    return count;
}

size_t model_addresses(void)
{
    size_t count = 0;

    for (unsigned i = 0; i < ADDRESSES; i++)
        count += model.addresses[i].there;
    return count;
}

/* After the last has ended: the end plus grace, or what its logins come to. */
static void model_end(struct model_session *session, uint64_t until)
{
    struct model_address *address = &model.addresses[session->address];

    session->there = false;
    if (!session->open || model_open_of(session->address) > 0)
        return;
    address->expires = later_of(until, address->grace);
}

static void model_forget_pending(uint64_t time)
{
    for (unsigned r = 0; r < RULES; r++)
        for (unsigned k = 0; k < KEYS; k++)
            if (model.sessions[r][k].there && !model.sessions[r][k].open &&
                model.sessions[r][k].since + PENDING_USEC <= time)
                model.sessions[r][k].there = false;
}

static enum change_kind model_connect(const struct model_event *event, uint64_t now)
{
    struct model_session *session;

    if (event->key == KEYS)
        return CHANGE_UNKNOWN;
    session = &model.sessions[event->rule][event->key];
    if (session->there)
        model_end(session, event->time + rule_grace_usec(model_rule(event->rule)));
    model_forget_pending(event->time);
    *session = (struct model_session){ true, false, event->time, event->address, event->user };
    return CHANGE_CONNECT;
}

static enum change_kind model_let_in(const struct model_event *event, unsigned number,
                                     struct model_session *session, uint64_t now)
{
    const struct rule *rule = model_rule(event->rule);
    struct model_address *address = &model.addresses[number];
    bool is_new = !address->there, was_held = model_open_of(number) > 0;
    uint64_t grace = event->time + rule_grace_usec(rule), expires = grace;

    if (session)
        expires = later_of(expires, event->time + rule_max_session_usec(rule));
    if (is_new && expires <= now)
        return CHANGE_STALE;
    if (is_new && model_addresses() >= FULL)
        return CHANGE_REFUSE;
    if (is_new)
        *address = (struct model_address){ .there = true };
    else if (!was_held)
        address->grace = address->expires;
    address->expires = later_of(address->expires, expires);
    address->grace = later_of(address->grace, grace);
    address->login = later_of(address->login, event->time);
    if (session && session->there)
        session->since = later_of(session->since, event->time);
    if (session && !session->there)
        *session = (struct model_session){ true, true, event->time, number, event->user };
    if (session)
        session->user = event->user;
    return is_new ? CHANGE_ALLOW : CHANGE_EXTEND;
}

static enum change_kind model_login(const struct model_event *event, uint64_t now)
{
    const struct rule *rule = model_rule(event->rule);
    struct model_session *session = NULL;
    unsigned number = event->address;

    model_forget_pending(event->time);
    if (event->key < KEYS) {
        session = &model.sessions[event->rule][event->key];
        if (session->there && number == ADDRESSES)
            number = session->address;
        if (session->there && (!session->open || session->address != number))
            model_end(session, event->time + rule_grace_usec(rule));
    }
    if (number == ADDRESSES)
        return CHANGE_UNKNOWN;
    if (!rule_has_logout(rule))
        session = NULL;
    if (session && !session->there && model_count(true) >= FULL) {
        session = NULL;
        model.unfollowed++;
    }
    return model_let_in(event, number, session, now);
}

static enum change_kind model_logout(const struct model_event *event, uint64_t now)
{
    uint64_t until = event->time + rule_grace_usec(model_rule(event->rule));
    enum change_kind change = CHANGE_UNKNOWN;

    for (unsigned k = 0; k < KEYS; k++) {
        struct model_session *session = &model.sessions[event->rule][k];
        bool by_user = event->key == KEYS && session->open && session->user == event->user;

        if (!session->there || !(by_user || event->key == k))
            continue;
        change = session->open ? CHANGE_LOGOUT : CHANGE_FAIL;
        model_end(session, until);
    }
    return change;
}

static enum change_kind model_fail(const struct model_event *event, uint64_t now)
{
    if (event->key == KEYS || !model.sessions[event->rule][event->key].there ||
        model.sessions[event->rule][event->key].open)
        return CHANGE_UNKNOWN;
    model.sessions[event->rule][event->key].there = false;
    return CHANGE_FAIL;
}

/* An event never is from the future. */
static struct model_event model_clamp(const struct model_event *given, uint64_t now)
{
    struct model_event event = *given;

    event.time = event.time < now ? event.time : now;
    return event;
}

size_t model_new_run(const struct model_event *given, uint64_t now)
{
    struct model_event event = model_clamp(given, now);
    size_t ended = 0;

    model.runs[event.rule] = event.run;
    for (unsigned k = 0; k < KEYS; k++) {
        struct model_session *session = &model.sessions[event.rule][k];

        if (!session->there)
            continue;
        ended += session->open;
        model_end(session, event.time + rule_grace_usec(model_rule(event.rule)));
    }
    return ended;
}

enum change_kind model_apply(const struct model_event *given, uint64_t now)
{
    static enum change_kind (*const apply[])(const struct model_event *, uint64_t) = {
        [EVENT_LOGIN] = model_login,
        [EVENT_LOGOUT] = model_logout,
        [EVENT_CONNECT] = model_connect,
        [EVENT_FAIL] = model_fail,
    };
    struct model_event event = model_clamp(given, now);

    return apply[event.kind](&event, now);
}

void model_pass(uint64_t now)
{
    for (unsigned r = 0; r < RULES; r++)
        for (unsigned k = 0; k < KEYS; k++) {
            struct model_session *session = &model.sessions[r][k];

            if (session->there && session->open &&
                session->since + rule_max_session_usec(model_rule(r)) <= now)
                model_end(session, now);
        }
    for (unsigned i = 0; i < ADDRESSES; i++)
        if (model.addresses[i].there && model_open_of(i) == 0 && model.addresses[i].expires <= now)
            model.addresses[i].there = false;
}

void model_restart(void)
{
    model.unfollowed = 0;
}
