/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "concern.h"

#include <string.h>

#include "core/limits.h"

static bool names_value(const struct rule *rule, const struct entry *entry, const char *field)
{
    const struct match *match;
    const void *value;
    size_t len;

    if (entry->get(entry, field, &value, &len) < 0)
        return false;
    for (size_t i = 0; (match = rule_match(rule, i)); i++)
        if (match_has_value(match, field, value, len))
            return true;
    for (size_t i = 0; (match = rule_require(rule, i)); i++)
        if (match_has_value(match, field, value, len))
            return true;
    return false;
}

static bool has_pattern_for(const struct rule *rule, const struct entry *entry)
{
    const struct pattern *pattern;
    const void *message;
    size_t len;

    if (entry->get(entry, "MESSAGE", &message, &len) < 0 || len > MESSAGE_MAX)
        return false;
    for (unsigned kind = 0; kind < _EVENT_KIND_MAX; kind++)
        for (size_t i = 0; (pattern = rule_pattern(rule, (enum event_kind)kind, i)); i++) {
            struct pattern_captures captures;

            if (pattern_match(pattern, message, len, &captures) != PATTERN_DIFFERS)
                return true;
        }
    return false;
}

bool concerns_rules(const struct rules *rules, const struct entry *entry)
{
    for (size_t i = 0; i < rules_count(rules); i++) {
        const struct rule *rule = rules_at(rules, i);

        if (names_value(rule, entry, "_SYSTEMD_UNIT") ||
            names_value(rule, entry, "SYSLOG_IDENTIFIER") || rule_speaks_for(rule, entry) ||
            has_pattern_for(rule, entry))
            return true;
    }
    return false;
}
