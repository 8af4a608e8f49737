/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The journal's index finds the entries that some Match= asks for; Require= and patterns are for
 * rules_judge(), which looks at Match= once more. */

#include "journal-matches.h"

#include <errno.h>
#include <string.h>

/* From journald's own source; stable since 2012. */
#define DROP_MESSAGE_ID "a596d6fe7bfa4994828e72309e95d61e"
#define DROP_TRANSPORT  "driver"

static int add_rule(sd_journal *journal, const struct rule *rule)
{
    const struct match *match;

    for (size_t i = 0; (match = rule_match(rule, i)); i++) {
        const char *word;
        size_t len;

        for (size_t k = 0; (word = match_word(match, k, &len)); k++) {
            int r = sd_journal_add_match(journal, word, len);

            if (r < 0)
                return r;
        }
        if (sd_journal_add_disjunction(journal) < 0)
            return -ENOMEM;
    }
    return 0;
}

int journal_matches_add(sd_journal *journal, const struct rules *rules)
{
    int r = sd_journal_add_disjunction(journal);

    for (size_t i = 0; i < rules_count(rules) && r >= 0; i++)
        if (rule_enabled(rules_at(rules, i)))
            r = add_rule(journal, rules_at(rules, i));
    if (r >= 0)
        r = sd_journal_add_match(journal, "MESSAGE_ID=" DROP_MESSAGE_ID, 0);
    if (r >= 0)
        r = sd_journal_add_match(journal, "_TRANSPORT=" DROP_TRANSPORT, 0);
    return r < 0 ? r : 0;
}

static bool has_value(const struct entry *entry, const char *field, const char *expected)
{
    const void *value;
    size_t len;

    return entry->get(entry, field, &value, &len) == 0 && len == strlen(expected) &&
           memcmp(value, expected, len) == 0;
}

bool journal_is_drop_notice(const struct entry *entry, const char **ret_text, size_t *ret_len)
{
    const void *value;
    size_t len;

    if (!has_value(entry, "MESSAGE_ID", DROP_MESSAGE_ID) ||
        !has_value(entry, "_TRANSPORT", DROP_TRANSPORT))
        return false;
    if (entry->get(entry, "MESSAGE", &value, &len) < 0)
        return false;
    *ret_text = value;
    *ret_len = len;
    return true;
}
