/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules as they are configured: which entries speak for a server, and which of its messages mean
 * what. judge.c applies them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "rule-private.h"

const char *const event_kind_keys[_EVENT_KIND_MAX] = {
    [EVENT_LOGIN] = "Login",
    [EVENT_LOGOUT] = "Logout",
    [EVENT_CONNECT] = "Connect",
    [EVENT_FAIL] = "Fail",
};

struct rules {
    struct rule **items;
    size_t count;
};

static struct rule *rule_free(struct rule *rule)
{
    if (!rule)
        return NULL;
    rule_clear_matches(rule);
    rule_clear_requires(rule);
    free(rule->matches.items);
    free(rule->requires_.items);
    for (size_t kind = 0; kind < _EVENT_KIND_MAX; kind++) {
        rule_clear_patterns(rule, (enum event_kind)kind);
        free(rule->patterns[kind].items);
    }
    free(rule->peer_field);
    pattern_free(rule->peer);
    cuts_free(rule->cuts);
    free(rule);
    return NULL;
}

struct rules *rules_new(void)
{
    return calloc(1, sizeof(struct rules));
}

struct rules *rules_free(struct rules *rules)
{
    if (!rules)
        return NULL;
    for (size_t i = 0; i < rules->count; i++)
        rule_free(rules->items[i]);
    free(rules->items);
    free(rules);
    return NULL;
}

static bool is_rule_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= RULE_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

/* Makes room for one more pointer in an array of them. */
static int grow(void *array, size_t count)
{
    void **slot = array;
    void *items = reallocarray(*slot, count + 1, sizeof(void *));

    if (!items)
        return -ENOMEM;
    *slot = items;
    return 0;
}

static struct rule *find(const struct rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->count; i++)
        if (strcmp(rules->items[i]->name, name) == 0)
            return rules->items[i];
    return NULL;
}

const struct rule *rules_find(const struct rules *rules, const char *name)
{
    return find(rules, name);
}

int rules_get(struct rules *rules, const char *name, struct rule **ret)
{
    struct rule *rule;

    if (!is_rule_name(name))
        return -EINVAL;
    rule = find(rules, name);
    if (rule) {
        *ret = rule;
        return 0;
    }
    if (grow(&rules->items, rules->count) < 0)
        return -ENOMEM;
    rule = calloc(1, sizeof(*rule));
    if (!rule)
        return -ENOMEM;
    memcpy(rule->name, name, strlen(name));
    rule->enabled = true;
    rules->items[rules->count++] = rule;
    *ret = rule;
    return 0;
}

void rules_keep_enabled(struct rules *rules)
{
    size_t kept = 0;

    for (size_t i = 0; i < rules->count; i++) {
        if (rules->items[i]->enabled)
            rules->items[kept++] = rules->items[i];
        else
            rule_free(rules->items[i]);
    }
    rules->count = kept;
}

size_t rules_count(const struct rules *rules)
{
    return rules->count;
}

struct rule *rules_at(const struct rules *rules, size_t i)
{
    return rules->items[i];
}

const char *rule_name(const struct rule *rule)
{
    return rule->name;
}

bool rule_enabled(const struct rule *rule)
{
    return rule->enabled;
}

uint64_t rule_grace_usec(const struct rule *rule)
{
    return rule->grace_usec;
}

uint64_t rule_max_session_usec(const struct rule *rule)
{
    return rule->max_session_usec;
}

bool rule_has_logout(const struct rule *rule)
{
    return rule->patterns[EVENT_LOGOUT].count > 0;
}

bool rule_follows_sessions(const struct rule *rule)
{
    return rule_has_logout(rule) || rule->patterns[EVENT_CONNECT].count > 0;
}

const struct match *rule_match(const struct rule *rule, size_t i)
{
    return i < rule->matches.count ? rule->matches.items[i] : NULL;
}

const struct match *rule_require(const struct rule *rule, size_t i)
{
    return i < rule->requires_.count ? rule->requires_.items[i] : NULL;
}

const struct pattern *rule_pattern(const struct rule *rule, enum event_kind kind, size_t i)
{
    return i < rule->patterns[kind].count ? rule->patterns[kind].items[i] : NULL;
}

const struct pattern *rule_peer(const struct rule *rule, const char **ret_field)
{
    *ret_field = rule->peer_field;
    return rule->peer;
}

void rule_set_enabled(struct rule *rule, bool enabled)
{
    rule->enabled = enabled;
}

void rule_set_grace(struct rule *rule, uint64_t grace_usec)
{
    rule->grace_usec = grace_usec;
}

void rule_set_max_session(struct rule *rule, uint64_t max_session_usec)
{
    rule->max_session_usec = max_session_usec;
}

void rule_set_forgeable(struct rule *rule, bool forgeable)
{
    rule->forgeable = forgeable;
}

int rule_set_line_max(struct rule *rule, unsigned line_max)
{
    struct cuts *cuts = line_max > 0 ? cuts_new(line_max) : NULL;

    if (line_max > 0 && !cuts)
        return -ENOMEM;
    cuts_free(rule->cuts);
    rule->cuts = cuts;
    return 0;
}

static int add_match(struct matches *matches, enum match_kind kind, const char *text, char *reterr)
{
    const char *reason = NULL;
    int r = grow(&matches->items, matches->count);

    if (r == 0)
        r = match_parse(text, kind, &matches->items[matches->count], &reason);
    if (r == -EINVAL)
        snprintf(reterr, RULE_ERROR_MAX, "%s", reason);
    if (r == 0)
        matches->count++;
    return r;
}

int rule_add_match(struct rule *rule, const char *text, char reterr[static RULE_ERROR_MAX])
{
    return add_match(&rule->matches, MATCH_EXACT, text, reterr);
}

int rule_add_require(struct rule *rule, const char *text, char reterr[static RULE_ERROR_MAX])
{
    return add_match(&rule->requires_, MATCH_GLOB, text, reterr);
}

int rule_add_pattern(struct rule *rule, enum event_kind kind, const char *text,
                     char reterr[static RULE_ERROR_MAX])
{
    struct patterns *patterns = &rule->patterns[kind];
    int r = grow(&patterns->items, patterns->count);

    if (r == 0)
        r = pattern_compile(text, &patterns->items[patterns->count], reterr);
    if (r == 0)
        patterns->count++;
    return r;
}

static int parse_peer(const char *text, char **ret_field, struct pattern **ret, char *reterr)
{
    const char *equals = strchr(text, '=');
    _cleanup_(freep) char *field = NULL;
    int r;

    if (!equals || !match_is_field_name(text, (size_t)(equals - text))) {
        snprintf(reterr, RULE_ERROR_MAX, "must be FIELD=PATTERN, with a journal field's name");
        return -EINVAL;
    }
    field = strndup(text, (size_t)(equals - text));
    if (!field)
        return -ENOMEM;
    r = pattern_compile(equals + 1, ret, reterr);
    if (r < 0)
        return r;
    if (!pattern_has_group(*ret, PATTERN_ADDR)) {
        *ret = pattern_free(*ret);
        snprintf(reterr, RULE_ERROR_MAX, "the pattern has no group \"addr\": (?<addr>...)");
        return -EINVAL;
    }
    *ret_field = TAKE_PTR(field);
    return 0;
}

int rule_set_peer(struct rule *rule, const char *text, char reterr[static RULE_ERROR_MAX])
{
    struct pattern *peer = NULL;
    char *field = NULL;
    int r = text[0] ? parse_peer(text, &field, &peer, reterr) : 0;

    if (r < 0)
        return r;
    free(rule->peer_field);
    pattern_free(rule->peer);
    rule->peer_field = field;
    rule->peer = peer;
    return 0;
}

static void clear_matches(struct matches *matches)
{
    while (matches->count > 0)
        match_free(matches->items[--matches->count]);
}

void rule_clear_matches(struct rule *rule)
{
    clear_matches(&rule->matches);
}

void rule_clear_requires(struct rule *rule)
{
    clear_matches(&rule->requires_);
}

void rule_clear_patterns(struct rule *rule, enum event_kind kind)
{
    struct patterns *patterns = &rule->patterns[kind];

    while (patterns->count > 0)
        pattern_free(patterns->items[--patterns->count]);
}

bool rule_take_doubts(const struct rule *rule, char ret[static CUTS_TEXT_MAX])
{
    return rule->cuts && cuts_take_text(rule->cuts, ret);
}

void rule_restore_doubts(const struct rule *rule, const char *text)
{
    if (!rule->cuts)
        return;
    /* While it is disabled it does not see what may be cut. */
    if (!rule->enabled)
        cuts_doubt_all(rule->cuts);
    else if (text)
        (void)cuts_restore(rule->cuts, text);
    else
        cuts_reset(rule->cuts);
}
