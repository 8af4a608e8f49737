/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules applied: an entry counts for a rule only if that rule's own Match= and Require= hold for
 * it, however it came to be read. What it says is taken from the message, where nobody but the
 * server decides what stands; where the message names no address, from a field that journald sets,
 * or from an earlier message of the same session. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rule-private.h"
#include "text.h"

bool rule_speaks_for(const struct rule *rule, const struct entry *entry)
{
    bool matches = false;

    for (size_t i = 0; i < rule->matches.count && !matches; i++)
        matches = match_holds(rule->matches.items[i], entry);
    for (size_t i = 0; i < rule->requires_.count && matches; i++)
        matches = match_holds(rule->requires_.items[i], entry);
    return matches;
}

/* Copies a field of printable ASCII that fits; or else nothing. */
static bool copy_plain(const void *data, size_t len, char *ret, size_t size)
{
    const unsigned char *bytes = data;

    if (len == 0 || len >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        if (bytes[i] < ' ' || bytes[i] > '~')
            return false;
    memcpy(ret, data, len);
    ret[len] = 0;
    return true;
}

/* A name stands among others in the map, with blanks and slashes in between. */
static bool copy_name(const struct entry *entry, const char *field, char *ret, size_t size)
{
    const void *data;
    size_t len;

    if (entry->get(entry, field, &data, &len) < 0 || !copy_plain(data, len, ret, size))
        return false;
    if (!strpbrk(ret, " /"))
        return true;
    ret[0] = 0;
    return false;
}

/* Without systemd's id of the run, the boot is the run. */
static void read_origin(const struct rule *rule, const struct entry *entry, struct event *event)
{
    event->rule = rule;
    event->invocation[0] = 0;
    if (!copy_name(entry, "_SYSTEMD_UNIT", event->unit, sizeof(event->unit)))
        snprintf(event->unit, sizeof(event->unit), "-");
    if (!copy_name(entry, "_SYSTEMD_INVOCATION_ID", event->invocation, sizeof(event->invocation)))
        (void)copy_name(entry, "_BOOT_ID", event->invocation, sizeof(event->invocation));
}

static void read_session(const struct rule *rule, const struct entry *entry,
                         const struct pattern_span *captured, struct event *event)
{
    if (captured->text)
        (void)copy_plain(captured->text, captured->len, event->session, sizeof(event->session));
    else if (!rule_names_sessions(rule))
        (void)copy_name(entry, "_PID", event->session, sizeof(event->session));
    else
        event->ends_user = event->kind == EVENT_LOGOUT && event->user[0];
    /* Ids of processes are given out again, those of sessions may be. */
    if (!event->invocation[0])
        event->session[0] = 0;
}

/* Takes the address from the field that Peer= names. */
static int read_peer(const struct rule *rule, const struct entry *entry, struct addr *ret)
{
    struct pattern_captures captures;
    const struct pattern_span *addr = &captures.group[PATTERN_ADDR];
    const void *value;
    size_t len;

    if (!rule->peer || entry->get(entry, rule->peer_field, &value, &len) < 0 || len > MESSAGE_MAX ||
        pattern_match(rule->peer, value, len, &captures) != PATTERN_MATCHES || !addr->text)
        return -ENOENT;
    return addr_parse(addr->text, addr->len, ret);
}

/* Returns 0; -ENOENT if the entry does not say; -EINVAL if what should be an address is none. */
static int read_addr(const struct rule *rule, const struct entry *entry,
                     const struct pattern_span *captured, struct event *event)
{
    int r = captured->text ? addr_parse(captured->text, captured->len, &event->addr)
                           : read_peer(rule, entry, &event->addr);

    event->has_addr = r == 0;
    return r;
}

/* An address is needed where it cannot come from elsewhere. */
static bool lacks_addr(const struct rule *rule, const struct event *event)
{
    if (event->has_addr || event->kind == EVENT_LOGOUT || event->kind == EVENT_FAIL)
        return false;
    return event->kind == EVENT_CONNECT || rule->patterns[EVENT_CONNECT].count == 0;
}

static enum rules_verdict read_captures(const struct rule *rule, const struct entry *entry,
                                        const struct pattern_captures *captures,
                                        struct event *event)
{
    const struct pattern_span *user = &captures->group[PATTERN_USER];

    if (read_addr(rule, entry, &captures->group[PATTERN_ADDR], event) == -EINVAL ||
        lacks_addr(rule, event))
        return RULES_BAD_ADDRESS;
    event->time_usec = entry->realtime_usec;
    if (user->text)
        (void)text_sanitise(user->text, user->len, event->user, sizeof(event->user));
    if (rule_follows_sessions(rule)) {
        read_origin(rule, entry, event);
        read_session(rule, entry, &captures->group[PATTERN_SESSION], event);
    }
    return RULES_EVENT;
}

static enum rules_verdict try_pattern(const struct rule *rule, const struct entry *entry,
                                      const char *message, size_t len, struct event *event)
{
    const struct pattern *pattern = rule->patterns[event->kind].items[event->pattern];
    struct pattern_captures captures;

    switch (pattern_match(pattern, message, len, &captures)) {
    case PATTERN_MATCHES:
        return read_captures(rule, entry, &captures, event);
    case PATTERN_GAVE_UP:
        return RULES_GAVE_UP;
    case PATTERN_DIFFERS:
        break;
    }
    return RULES_NOTHING;
}

enum rules_verdict rule_judge(const struct rule *rule, const struct entry *entry, struct event *ret)
{
    const void *message = NULL;
    size_t len = 0;
    enum rules_verdict verdict = RULES_NOTHING;

    if (entry->get(entry, "MESSAGE", &message, &len) < 0)
        return RULES_NOTHING;
    if (len > MESSAGE_MAX)
        return RULES_GAVE_UP;
    for (unsigned kind = 0; kind < _EVENT_KIND_MAX; kind++) {
        for (unsigned i = 0; i < rule->patterns[kind].count; i++) {
            struct event event = { .kind = (enum event_kind)kind, .rule = rule, .pattern = i };
            enum rules_verdict own = try_pattern(rule, entry, message, len, &event);

            if (own == RULES_EVENT) {
                *ret = event;
                return RULES_EVENT;
            }
            if (own != RULES_NOTHING)
                verdict = own;
        }
    }
    return verdict;
}

static bool listens_to(const struct matches *matches, const char *unit, size_t len)
{
    for (size_t i = 0; i < matches->count; i++)
        if (match_has_value(matches->items[i], "_SYSTEMD_UNIT", unit, len))
            return true;
    return false;
}

bool rules_note_drop(const struct rules *rules, const char *notice, size_t len,
                     const char **ret_unit, size_t *ret_unit_len)
{
    const char *unit = notice;
    bool concerns = false;

    /* Some versions of journald name the unit with the path of its slice. */
    for (const char *p = notice; p < notice + len; p++)
        if (*p == ' ' || *p == '/')
            unit = p + 1;
    *ret_unit = unit;
    *ret_unit_len = (size_t)(notice + len - unit);
    for (size_t i = 0; i < rules_count(rules); i++) {
        const struct rule *rule = rules_at(rules, i);

        if (!rule->enabled || !(listens_to(&rule->matches, unit, *ret_unit_len) ||
                                listens_to(&rule->requires_, unit, *ret_unit_len)))
            continue;
        concerns = true;
        if (rule->cuts)
            cuts_doubt_all(rule->cuts);
    }
    return concerns;
}

void rules_doubt_all(const struct rules *rules)
{
    for (size_t i = 0; i < rules_count(rules); i++)
        if (rules_at(rules, i)->cuts)
            cuts_doubt_all(rules_at(rules, i)->cuts);
}

/* The rule whose server may have written only part of a line here; all that cut lines get to see
 * it. */
static const struct rule *find_cut(const struct rules *rules, const struct entry *entry)
{
    const struct rule *found = NULL;

    for (size_t i = 0; i < rules_count(rules); i++) {
        const struct rule *rule = rules_at(rules, i);

        if (rule->enabled && rule->cuts && rule_speaks_for(rule, entry) &&
            !cuts_is_whole(rule->cuts, entry))
            found = rule;
    }
    return found;
}

enum rules_verdict rules_judge(const struct rules *rules, const struct entry *entry,
                               struct event *ret, const struct rule **ret_rule)
{
    const struct rule *cut = find_cut(rules, entry), *follower = NULL;
    enum rules_verdict verdict = RULES_NOTHING;

    ret->rule = NULL;
    if (cut) {
        *ret_rule = cut;
        return RULES_CUT;
    }
    for (size_t i = 0; i < rules_count(rules); i++) {
        const struct rule *rule = rules_at(rules, i);
        enum rules_verdict own;

        if (!rule->enabled || !rule_speaks_for(rule, entry))
            continue;
        own = rule_judge(rule, entry, ret);
        if (own != RULES_NOTHING && (verdict == RULES_NOTHING || own == RULES_EVENT)) {
            verdict = own;
            *ret_rule = rule;
        }
        if (own == RULES_EVENT)
            return RULES_EVENT;
        if (rule_follows_sessions(rule))
            follower = rule;
    }
    if (follower) {
        ret->time_usec = entry->realtime_usec;
        read_origin(follower, entry, ret);
    }
    return verdict;
}
