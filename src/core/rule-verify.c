/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a rule that was read is whole, and can be relied on. */

#include <errno.h>
#include <stdio.h>

#include "rule-private.h"

static bool any_has_group(const struct patterns *patterns, enum pattern_group group)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (pattern_has_group(patterns->items[i], group))
            return true;
    return false;
}

bool rule_names_sessions(const struct rule *rule)
{
    for (size_t kind = 0; kind < _EVENT_KIND_MAX; kind++)
        if (any_has_group(&rule->patterns[kind], PATTERN_SESSION))
            return true;
    return false;
}

static bool is_trusted(const struct rule *rule)
{
    for (size_t i = 0; i < rule->requires_.count; i++)
        if (match_names_unit(rule->requires_.items[i]))
            return true;
    for (size_t i = 0; i < rule->matches.count; i++)
        if (!match_names_unit(rule->matches.items[i]))
            return false;
    return true;
}

static const char *find_fault(const struct rule *rule)
{
    if (rule->matches.count == 0)
        return "has no Match=";
    if (rule->patterns[EVENT_LOGIN].count == 0)
        return "has no Login=";
    if (rule->patterns[EVENT_FAIL].count > 0 && rule->patterns[EVENT_CONNECT].count == 0)
        return "has a Fail= without a Connect= that it could end";
    if (rule_has_logout(rule) && rule_names_sessions(rule) &&
        !any_has_group(&rule->patterns[EVENT_LOGIN], PATTERN_SESSION) &&
        !any_has_group(&rule->patterns[EVENT_CONNECT], PATTERN_SESSION))
        return "has a Logout= for sessions that no Login= or Connect= names: (?<session>...)";
    if (rule->forgeable)
        return NULL;
    if (!is_trusted(rule))
        return "has a Match= without _SYSTEMD_UNIT=, and no Require= that names a unit, so that "
               "any local user can write such an entry; if that is meant, say Trust=forgeable";
    if (rule->peer && rule->peer_field[0] != '_')
        return "has a Peer= that reads a field which any local user can set; names of trusted "
               "fields begin with \"_\"";
    return NULL;
}

static const char *find_pattern_fault(const struct rule *rule, enum event_kind kind,
                                      const struct pattern *pattern)
{
    bool has_addr = pattern_has_group(pattern, PATTERN_ADDR) || rule->peer;
    bool has_session = !rule_names_sessions(rule) || pattern_has_group(pattern, PATTERN_SESSION);

    switch (kind) {
    case EVENT_LOGIN:
        if (has_addr)
            return NULL;
        if (rule->patterns[EVENT_CONNECT].count == 0)
            return "the pattern has no group \"addr\": (?<addr>...); there is neither a Peer= nor "
                   "a Connect= to take the address from";
        return has_session ? NULL
                           : "the pattern has neither a group \"addr\" nor a group \"session\" by "
                             "which a Connect= could be found";
    case EVENT_CONNECT:
        if (!has_addr)
            return "the pattern has no group \"addr\": (?<addr>...)";
        return has_session ? NULL : "the pattern has no group \"session\", but others have";
    case EVENT_LOGOUT:
        return has_session || pattern_has_group(pattern, PATTERN_USER)
                   ? NULL
                   : "the pattern has neither a group \"session\" nor a group \"user\"";
    case EVENT_FAIL:
        return has_session ? NULL : "the pattern has no group \"session\", but others have";
    case _EVENT_KIND_MAX:
        break;
    }
    return NULL;
}

static int wrong(const struct rule *rule, const char *reason, char *reterr)
{
    snprintf(reterr, RULE_ERROR_MAX, "rule \"%s\" %s", rule->name, reason);
    return -EINVAL;
}

int rule_verify(const struct rule *rule, enum event_kind *reterr_kind, size_t *reterr_pattern,
                char reterr[static RULE_ERROR_MAX])
{
    const char *reason = find_fault(rule);

    *reterr_kind = _EVENT_KIND_MAX;
    *reterr_pattern = 0;
    if (reason)
        return wrong(rule, reason, reterr);
    for (size_t kind = 0; kind < _EVENT_KIND_MAX; kind++) {
        for (size_t i = 0; i < rule->patterns[kind].count; i++) {
            reason = find_pattern_fault(rule, (enum event_kind)kind, rule->patterns[kind].items[i]);
            if (!reason)
                continue;
            *reterr_kind = (enum event_kind)kind;
            *reterr_pattern = i;
            snprintf(reterr, RULE_ERROR_MAX, "%s= of rule \"%s\": %s", event_kind_keys[kind],
                     rule->name, reason);
            return -EINVAL;
        }
    }
    return 0;
}
