/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What must hold of each line, whatever the names in it: only a line of a login is a login, and it
 * is one from the address of the client that it is about, or none at all. A logout is one of that
 * client's, too. */

#include <stdio.h>
#include <string.h>

#include "core/limits.h"
#include "core/rule-private.h"
#include "core/text.h"
#include "feed.h"
#include "unit/check.h"
#include "unit/fake-entry.h"
#include "unit/random.h"

struct feeding {
    struct world *world;
    const struct corpus *corpus;
    struct tally *tally;
    struct fault *fault;
    struct buffer name, other;
    bool is_harmless;
};

bool has_shapes(const char *rule)
{
    for (const struct server *server = servers; server->rule; server++)
        if (strcmp(server->rule, rule) == 0)
            return true;
    return false;
}

static void find_fault(struct feeding *feeding, const char *what, const struct addr *addr,
                       const struct buffer *line)
{
    struct fault *fault = feeding->fault;

    fault->what = what;
    fault->addr[0] = '\0';
    if (addr)
        addr_format(addr, fault->addr);
    fault->line = *line;
}

static enum rules_verdict judge(struct feeding *feeding, const struct server *server,
                                const struct client *client, const struct buffer *line,
                                struct event *ret)
{
    struct buffer unit;
    const struct rule *rule = rules_find(feeding->world->settings->rules, server->rule), *by;

    unit.len = 0;
    line_write(server, server->unit, client, &unit);

    const struct fake_field fields[] = {
        { "_SYSTEMD_UNIT", unit.data, unit.len, 0 },
        FAKE_TEXT("_SYSTEMD_INVOCATION_ID", "0123456789abcdef0123456789abcdef"),
        { "_PID", client->pid, strlen(client->pid), 0 },
        { "_UID", server->uid, strlen(server->uid), 0 },
        { "PRIORITY", server->priority, 1, 0 },
        { "SYSLOG_IDENTIFIER", server->identifier, strlen(server->identifier), 0 },
        { "MESSAGE", line->data, line->len, 0 },
        { NULL, NULL, 0, 0 },
    };
    struct entry entry = fake_entry(fields, ++feeding->world->now_usec);

    /* What follows a cut line is another test's matter. */
    rule_restore_doubts(rule, NULL);
    return rules_judge(feeding->world->settings->rules, &entry, ret, &by);
}

static void count_verdict(struct tally *tally, enum rules_verdict verdict, size_t len)
{
    tally->lines++;
    tally->cut += verdict == RULES_CUT;
    tally->bad_addr += verdict == RULES_BAD_ADDRESS;
    tally->too_long += verdict == RULES_GAVE_UP && len > MESSAGE_MAX;
    if (verdict == RULES_GAVE_UP && len <= MESSAGE_MAX) {
        tally->gave_up++;
        if (tally->gave_up_len == 0 || len < tally->gave_up_len)
            tally->gave_up_len = len;
    }
}

static bool is_address(const struct addr *addr, const char *text)
{
    char formatted[ADDR_TEXT_MAX];

    addr_format(addr, formatted);
    return strcmp(formatted, text) == 0;
}

/* Whether the event made somebody log in; the fault is found if that is somewhere else. */
static bool is_login(struct feeding *feeding, const struct client *client,
                     const struct event *event, const struct buffer *line)
{
    struct change change;

    if (event->has_addr && !is_address(&event->addr, client->addr)) {
        find_fault(feeding, "another address", &event->addr, line);
        return false;
    }
    /* Rules whose servers say the address in the same line need no table for it. */
    if (event->kind != EVENT_LOGIN || event->has_addr)
        return event->kind == EVENT_LOGIN;
    (void)apply_verdict(feeding->world, RULES_EVENT, event, &change);
    if (change.kind == CHANGE_UNKNOWN)
        return false;
    if (!is_address(&change.addr, client->addr))
        find_fault(feeding, "another connection's address", &change.addr, line);
    return change.kind == CHANGE_ALLOW || change.kind == CHANGE_EXTEND;
}

/* Whether a logout names the client's own session: as the line has it without what the client
 * chose. Where the line has only the user, it must be the whole name. */
static bool is_own_logout(const struct feeding *feeding, const struct server *server,
                          const struct shape *shape, const struct client *client,
                          const struct event *event)
{
    static const struct buffer nothing;
    struct client bare = *client;
    char user[USER_MAX + 1];
    struct buffer line;

    /* Whoever can end a line can forge entries anyhow: shapes.c. */
    if (server->habit.next_line && memchr(feeding->name.data, '\n', feeding->name.len))
        return true;
    if (!rule_names_sessions(event->rule))
        return strcmp(event->session, client->pid) == 0;
    if (!event->session[0]) {
        (void)text_sanitise(feeding->name.data, feeding->name.len, user, sizeof(user));
        return strcmp(event->user, user) == 0;
    }
    bare.name = bare.other = &nothing;
    line.len = 0;
    line_write(server, shape->text, &bare, &line);
    return memmem(line.data, line.len, event->session, strlen(event->session));
}

/* Judges one entry of a line; true if it was a login, or a connect where it should be one. */
static bool feed_entry(struct feeding *feeding, const struct server *server,
                       const struct shape *shape, const struct client *client,
                       const struct buffer *line)
{
    struct event event = { .kind = EVENT_FAIL };
    struct change change;
    enum rules_verdict verdict = judge(feeding, server, client, line, &event);
    bool logged_in;

    count_verdict(feeding->tally, verdict, line->len);
    if (verdict != RULES_EVENT)
        return false;
    logged_in = is_login(feeding, client, &event, line);
    if (event.kind == EVENT_LOGIN && shape->kind != SHAPE_LOGIN && !feeding->fault->what)
        find_fault(feeding, "no login", event.has_addr ? &event.addr : NULL, line);
    if (event.kind == EVENT_LOGOUT && !is_own_logout(feeding, server, shape, client, &event))
        find_fault(feeding, "another's logout", NULL, line);
    if (event.kind == EVENT_CONNECT)
        (void)apply_verdict(feeding->world, verdict, &event, &change);
    return shape->kind == SHAPE_CONNECT ? event.kind == EVENT_CONNECT : logged_in;
}

/* A line, or several that a newline in a name made of it. */
static bool feed_line(struct feeding *feeding, const struct server *server,
                      const struct shape *shape, const struct client *client)
{
    struct buffer line, rest;
    bool recognised = false;
    size_t at, end;

    rest.len = 0;
    line_write(server, shape->text, client, &rest);
    if (!server->habit.next_line) {
        line_cut(server, &rest);
        return feed_entry(feeding, server, shape, client, &rest);
    }
    for (at = 0; at <= rest.len && !feeding->fault->what; at = end + 1) {
        const char *newline = memchr(rest.data + at, '\n', rest.len - at);

        end = newline ? (size_t)(newline - rest.data) : rest.len;
        line.len = 0;
        buffer_add_text(&line, at ? server->habit.next_line : "");
        buffer_add(&line, rest.data + at, end - at);
        recognised |= feed_entry(feeding, server, shape, client, &line);
    }
    return recognised;
}

/* Nothing is left of the client's session. */
static void end_session(struct feeding *feeding, const struct server *server,
                        const struct client *client)
{
    const struct rule *rule = rules_find(feeding->world->settings->rules, server->rule);
    struct event event = { .kind = EVENT_LOGOUT, .rule = rule };
    struct change change;

    snprintf(event.invocation, sizeof(event.invocation), "0123456789abcdef0123456789abcdef");
    snprintf(event.session, sizeof(event.session), "%s", client->pid);
    event.time_usec = feeding->world->now_usec;
    (void)apply_verdict(feeding->world, RULES_EVENT, &event, &change);
}

static void make_client(struct feeding *feeding, const struct server *server, struct client *client)
{
    *client = (struct client){ .name = &feeding->name, .other = &feeding->other };
    client_new(client, server);
    if (feeding->is_harmless)
        make_harmless_host(client);
    else
        make_hostile_host(feeding->corpus, server, client);
}

/* One of the server's lines that say who connected; NULL if it has none. */
static const struct shape *find_connect(const struct server *server)
{
    const struct shape *found = NULL;
    size_t n = 0;

    for (const struct shape *shape = server->shapes; shape->text; shape++)
        if (shape->kind == SHAPE_CONNECT && random_below(++n) == 0)
            found = shape;
    return found;
}

/* Two clients connect, and one of them goes on. */
static bool feed_connects(struct feeding *feeding, const struct server *server,
                          const struct shape *shape, struct client clients[static 2])
{
    bool second_first = random_below(2);

    for (size_t i = 0; i < 2; i++)
        if (!feed_line(feeding, server, shape, &clients[i ^ second_first]) && feeding->is_harmless)
            return false;
    return true;
}

static void feed_shape(struct feeding *feeding, const struct server *server,
                       const struct shape *shape)
{
    struct client clients[2];
    const struct shape *connect = find_connect(server);
    bool recognised;

    make_client(feeding, server, &clients[0]);
    if (connect)
        make_client(feeding, server, &clients[1]);
    recognised = !connect || feed_connects(feeding, server, connect, clients);
    if (shape->kind != SHAPE_CONNECT && !feeding->fault->what)
        recognised &= feed_line(feeding, server, shape, &clients[0]);
    if (shape->kind == SHAPE_LOGIN) {
        feeding->tally->harmless += feeding->is_harmless;
        feeding->tally->hostile += !feeding->is_harmless;
        feeding->tally->recognised += !feeding->is_harmless && recognised;
    }
    if (feeding->is_harmless && !recognised && !feeding->fault->what &&
        (shape->kind == SHAPE_LOGIN || shape->kind == SHAPE_CONNECT)) {
        struct buffer line = { 0 };

        line_write(server, shape->text, &clients[0], &line);
        find_fault(feeding, "not recognised", NULL, &line);
    }
    for (size_t i = 0; connect && i < 2; i++)
        end_session(feeding, server, &clients[i]);
}

static void make_names(struct feeding *feeding, const struct server *server)
{
    if (feeding->is_harmless) {
        make_harmless_name(&feeding->name);
        make_harmless_name(&feeding->other);
        return;
    }
    make_hostile_name(feeding->corpus, server, &feeding->name);
    if (random_below(2))
        make_hostile_name(feeding->corpus, server, &feeding->other);
    else
        feeding->other = feeding->name;
}

void feed_names(struct world *world, const struct feed *feed, struct tally *tally,
                struct fault *ret)
{
    static struct feeding feeding;

    feeding = (struct feeding){ world, feed->corpus, tally, ret };
    *tally = (struct tally){ 0 };
    ret->what = NULL;
    for (; tally->names < feed->count; tally->names++) {
        feeding.is_harmless = feed->harmless_every && tally->names % feed->harmless_every == 0;
        for (const struct server *server = servers; server->rule; server++) {
            if (strcmp(server->rule, feed->rule) != 0)
                continue;
            make_names(&feeding, server);
            for (const struct shape *shape = server->shapes; shape->text; shape++) {
                feed_shape(&feeding, server, shape);
                if (ret->what)
                    return;
            }
        }
    }
}
