/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules: which entries speak for a server, and which of its messages is a login. An entry counts
 * for a rule only if that rule's own Match= holds for it, however it came to be read. */

#include "rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "pattern.h"
#include "text.h"

struct rule {
    char name[RULE_NAME_MAX + 1];
    bool enabled, forgeable;
    uint64_t grace_usec;
    struct match **matches;
    struct pattern **logins;
    size_t n_matches, n_logins;
    struct cuts *cuts; /* NULL if the server's logger does not cut lines */
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
    rule_clear_logins(rule);
    free(rule->matches);
    free(rule->logins);
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

int rules_get(struct rules *rules, const char *name, struct rule **ret)
{
    struct rule *rule;

    if (!is_rule_name(name))
        return -EINVAL;
    for (size_t i = 0; i < rules->count; i++) {
        if (strcmp(rules->items[i]->name, name) == 0) {
            *ret = rules->items[i];
            return 0;
        }
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

const struct match *rule_match(const struct rule *rule, size_t i)
{
    return i < rule->n_matches ? rule->matches[i] : NULL;
}

void rule_set_enabled(struct rule *rule, bool enabled)
{
    rule->enabled = enabled;
}

void rule_set_grace(struct rule *rule, uint64_t grace_usec)
{
    rule->grace_usec = grace_usec;
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

int rule_add_match(struct rule *rule, const char *text, char reterr[static RULE_ERROR_MAX])
{
    const char *reason = NULL;
    int r = grow(&rule->matches, rule->n_matches);

    if (r == 0)
        r = match_parse(text, &rule->matches[rule->n_matches], &reason);
    if (r == -EINVAL)
        snprintf(reterr, RULE_ERROR_MAX, "%s", reason);
    if (r == 0)
        rule->n_matches++;
    return r;
}

int rule_add_login(struct rule *rule, const char *text, char reterr[static RULE_ERROR_MAX])
{
    _cleanup_(pattern_freep) struct pattern *pattern = NULL;
    int r = pattern_compile(text, &pattern, reterr);

    if (r < 0)
        return r;
    if (!pattern_has_group(pattern, PATTERN_ADDR)) {
        snprintf(reterr, RULE_ERROR_MAX, "the pattern has no group \"addr\": (?<addr>...)");
        return -EINVAL;
    }
    if (grow(&rule->logins, rule->n_logins) < 0)
        return -ENOMEM;
    rule->logins[rule->n_logins++] = TAKE_PTR(pattern);
    return 0;
}

void rule_clear_matches(struct rule *rule)
{
    while (rule->n_matches > 0)
        match_free(rule->matches[--rule->n_matches]);
}

void rule_clear_logins(struct rule *rule)
{
    while (rule->n_logins > 0)
        pattern_free(rule->logins[--rule->n_logins]);
}

int rule_verify(const struct rule *rule, char reterr[static RULE_ERROR_MAX])
{
    const char *reason = NULL;

    if (rule->n_matches == 0)
        reason = "has no Match=";
    else if (rule->n_logins == 0)
        reason = "has no Login=";
    for (size_t i = 0; i < rule->n_matches && !reason && !rule->forgeable; i++)
        if (!match_names_unit(rule->matches[i]))
            reason =
                "has a Match= without _SYSTEMD_UNIT=, so that any local user can write such an "
                "entry; if that is meant, say Trust=forgeable";
    if (!reason)
        return 0;
    snprintf(reterr, RULE_ERROR_MAX, "rule \"%s\" %s", rule->name, reason);
    return -EINVAL;
}

static bool rule_speaks_for(const struct rule *rule, const struct entry *entry)
{
    for (size_t i = 0; i < rule->n_matches; i++)
        if (match_holds(rule->matches[i], entry))
            return true;
    return false;
}

static enum rules_verdict read_captures(const struct pattern_captures *captures,
                                        const struct rule *rule, const struct entry *entry,
                                        struct event *ret)
{
    const struct pattern_span *addr = &captures->group[PATTERN_ADDR];
    const struct pattern_span *user = &captures->group[PATTERN_USER];
    struct event event = { .rule = rule, .time_usec = entry->realtime_usec };

    if (!addr->text || addr_parse(addr->text, addr->len, &event.addr) < 0)
        return RULES_BAD_ADDRESS;
    if (user->text)
        (void)text_sanitise(user->text, user->len, event.user, sizeof(event.user));
    *ret = event;
    return RULES_LOGIN;
}

static enum rules_verdict rule_judge(const struct rule *rule, const struct entry *entry,
                                     struct event *ret)
{
    const void *message = NULL;
    size_t len = 0;
    enum rules_verdict verdict = RULES_NOTHING;

    if (entry->get(entry, "MESSAGE", &message, &len) < 0)
        return RULES_NOTHING;
    if (len > MESSAGE_MAX)
        return RULES_GAVE_UP;
    for (size_t i = 0; i < rule->n_logins && verdict != RULES_LOGIN; i++) {
        struct pattern_captures captures;

        switch (pattern_match(rule->logins[i], message, len, &captures)) {
        case PATTERN_MATCHES:
            verdict = read_captures(&captures, rule, entry, ret);
            break;
        case PATTERN_GAVE_UP:
            verdict = RULES_GAVE_UP;
            break;
        case PATTERN_DIFFERS:
            break;
        }
    }
    return verdict;
}

static bool rule_names_unit(const struct rule *rule, const char *unit, size_t len)
{
    static const char field[] = "_SYSTEMD_UNIT=";

    for (size_t i = 0; i < rule->n_matches; i++) {
        const char *word;
        size_t word_len;

        for (size_t k = 0; (word = match_word(rule->matches[i], k, &word_len)); k++)
            if (word_len == strlen(field) + len && memcmp(word, field, strlen(field)) == 0 &&
                memcmp(word + strlen(field), unit, len) == 0)
                return true;
    }
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
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = rules->items[i];

        if (!rule->enabled || !rule_names_unit(rule, unit, *ret_unit_len))
            continue;
        concerns = true;
        if (rule->cuts)
            cuts_doubt_all(rule->cuts);
    }
    return concerns;
}

void rules_doubt_all(const struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        if (rules->items[i]->cuts)
            cuts_doubt_all(rules->items[i]->cuts);
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

/* The rule whose server may have written only part of a line here; all that cut lines get to see
 * it. */
static const struct rule *find_cut(const struct rules *rules, const struct entry *entry)
{
    const struct rule *found = NULL;

    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = rules->items[i];

        if (rule->enabled && rule->cuts && rule_speaks_for(rule, entry) &&
            !cuts_is_whole(rule->cuts, entry))
            found = rule;
    }
    return found;
}

enum rules_verdict rules_judge(const struct rules *rules, const struct entry *entry,
                               struct event *ret, const struct rule **ret_rule)
{
    const struct rule *cut = find_cut(rules, entry);
    enum rules_verdict verdict = RULES_NOTHING;

    if (cut) {
        *ret_rule = cut;
        return RULES_CUT;
    }
    for (size_t i = 0; i < rules->count && verdict != RULES_LOGIN; i++) {
        const struct rule *rule = rules->items[i];
        enum rules_verdict own = RULES_NOTHING;

        if (rule->enabled && rule_speaks_for(rule, entry))
            own = rule_judge(rule, entry, ret);
        if (own != RULES_NOTHING && (verdict == RULES_NOTHING || own == RULES_LOGIN)) {
            verdict = own;
            *ret_rule = rule;
        }
    }
    return verdict;
}
