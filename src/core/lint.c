/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What rules have in common: which entries they speak for, whether anybody could write those, and
 * whether an earlier rule leaves anything to them. lint-pattern.c looks into their patterns. */

#include "lint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lint-private.h"
#include "rule-private.h"

int lint_report(struct linter *linter, const char *key, size_t index, size_t offset,
                enum lint_severity severity, const char *format, ...)
{
    char text[1024];
    struct lint_finding finding = {
        .rule = linter->rule,
        .key = key,
        .index = index,
        .offset = offset,
        .severity = severity,
        .text = text,
    };
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return linter->func(&finding, linter->userdata);
}

/* --- words --- */

struct word {
    const char *text; /* "FIELD=value" */
    size_t field_len, offset;
    const char *value;
};

/* The i-th word; its offset is that in the text of the assignment, where one word begins at 0. */
static bool get_word(const struct match *match, size_t i, struct word *ret)
{
    const char *text, *first;
    size_t len;

    ret->text = first = match_word(match, i, &len);
    if (!first)
        return false;
    ret->field_len = strcspn(ret->text, "=");
    ret->value = ret->text + ret->field_len + 1;
    for (size_t k = 0; (text = match_word(match, k, &len)); k++)
        if (text < first)
            first = text;
    ret->offset = (size_t)(ret->text - first);
    return true;
}

static bool same_field(const struct word *a, const struct word *b)
{
    return a->field_len == b->field_len && memcmp(a->text, b->text, a->field_len) == 0;
}

static bool is_field(const struct word *word, const char *field)
{
    return strlen(field) == word->field_len && memcmp(word->text, field, word->field_len) == 0;
}

static bool has_field(const struct match *match, const struct word *word)
{
    struct word other;

    for (size_t i = 0; get_word(match, i, &other); i++)
        if (same_field(word, &other))
            return true;
    return false;
}

/* --- trust --- */

static bool is_users_unit(const char *unit)
{
    return strncmp(unit, "user@", 5) == 0 || strncmp(unit, "session-", 8) == 0;
}

static int check_units(struct linter *linter, const struct matches *matches, const char *key)
{
    for (size_t i = 0; i < matches->count; i++) {
        struct word word;

        for (size_t k = 0; get_word(matches->items[i], k, &word); k++) {
            int r;

            if (!is_field(&word, "_SYSTEMD_UNIT") || !is_users_unit(word.value))
                continue;
            r = lint_report(linter, key, i, word.offset, LINT_WARNING,
                            "%s belongs to a user, who can have anything logged from it",
                            word.value);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static bool required_unit(const struct rule *rule)
{
    for (size_t i = 0; i < rule->requires_.count; i++)
        if (match_names_unit(rule->requires_.items[i]))
            return true;
    return false;
}

/* *ret_reported: the rule will be refused for it. */
static int check_trust(struct linter *linter, bool *ret_reported)
{
    const struct rule *rule = linter->rule;

    for (size_t i = 0; i < rule->matches.count && !required_unit(rule); i++) {
        const struct match *match = rule->matches.items[i];
        bool trusts_nothing = true;
        struct word word;
        int r;

        if (match_names_unit(match))
            continue;
        for (size_t k = 0; get_word(match, k, &word); k++)
            trusts_nothing = trusts_nothing && word.text[0] != '_';
        r = lint_report(linter, "Match", i, 0, rule->forgeable ? LINT_WARNING : LINT_ERROR,
                        "%s, so that any local user can write such an entry; name the server's "
                        "unit: _SYSTEMD_UNIT=...",
                        trusts_nothing ? "only fields that every program sets as it likes"
                                       : "no unit that is trusted");
        if (r < 0)
            return r;
        *ret_reported = !rule->forgeable;
    }
    return 0;
}

static int check_whole(struct linter *linter, bool trust_reported)
{
    char reason[RULE_ERROR_MAX];
    enum event_kind kind;
    size_t index;
    int r = rule_verify(linter->rule, &kind, &index, reason);

    if (r == 0 || (trust_reported && kind == _EVENT_KIND_MAX))
        return 0;
    if (kind == _EVENT_KIND_MAX)
        return lint_report(linter, NULL, index, 0, LINT_ERROR, "%s", reason);
    /* Without the key and the rule's name, which the finding has. */
    return lint_report(linter, event_kind_keys[kind], index, 0, LINT_ERROR, "%s",
                       strstr(reason, "\": ") + 3);
}

/* --- contradictions --- */

/* The kernel's own messages come from no process. */
static int check_kernel(struct linter *linter, size_t i)
{
    static const char *const fields[] = { "_SYSTEMD_UNIT", "_PID", "_UID", "_COMM", "_EXE" };
    const struct match *match = linter->rule->matches.items[i];
    struct word word;

    if (!match_has_value(match, "_TRANSPORT", "kernel", strlen("kernel")))
        return 0;
    for (size_t k = 0; get_word(match, k, &word); k++)
        if (is_field(&word, "_TRANSPORT") && strcmp(word.value, "kernel") != 0)
            return 0;
    for (size_t k = 0; get_word(match, k, &word); k++)
        for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
            if (is_field(&word, fields[f]))
                return lint_report(
                    linter, "Match", i, word.offset, LINT_WARNING,
                    "never holds: entries with _TRANSPORT=kernel have no %s=", fields[f]);
    return 0;
}

/* True if one of the words that `match` has of the field satisfies the other line. */
static bool any_satisfies(const struct match *match, const struct word *field,
                          const struct match *other)
{
    char name[65];
    struct word word;

    snprintf(name, sizeof(name), "%.*s", (int)field->field_len, field->text);
    for (size_t i = 0; get_word(match, i, &word); i++)
        if (same_field(&word, field) &&
            match_has_value(other, name, word.value, strlen(word.value)))
            return true;
    return false;
}

static bool is_plain(const struct match *match, const struct word *field)
{
    struct word word;

    for (size_t i = 0; get_word(match, i, &word); i++)
        if (same_field(&word, field) && strpbrk(word.value, "*?[\\"))
            return false;
    return true;
}

/* Whether some line, whose words are values, has a field that a Require= wants otherwise. */
static int check_against(struct linter *linter, const struct match *match, const char *key,
                         size_t i, size_t require)
{
    const struct match *other = linter->rule->requires_.items[require];
    struct word word;

    for (size_t k = 0; get_word(match, k, &word); k++) {
        if (!has_field(other, &word) || !is_plain(match, &word) ||
            any_satisfies(match, &word, other))
            continue;
        return lint_report(linter, key, i, word.offset, LINT_WARNING,
                           "never holds: a Require= wants another %.*s=", (int)word.field_len,
                           word.text);
    }
    return 0;
}

static int check_contradictions(struct linter *linter)
{
    const struct rule *rule = linter->rule;
    int r = 0;

    for (size_t i = 0; i < rule->matches.count && r == 0; i++) {
        r = check_kernel(linter, i);
        for (size_t k = 0; k < rule->requires_.count && r == 0; k++)
            r = check_against(linter, rule->matches.items[i], "Match", i, k);
    }
    for (size_t i = 0; i < rule->requires_.count && r == 0; i++)
        for (size_t k = 0; k < rule->requires_.count && r == 0; k++)
            if (i != k)
                r = check_against(linter, rule->requires_.items[i], "Require", i, k);
    return r;
}

/* --- shadows --- */

/* True if every entry for which `match` holds is one for which `wider` holds. Both are values. */
static bool covers(const struct match *wider, const struct match *match)
{
    struct word word;

    for (size_t i = 0; get_word(wider, i, &word); i++)
        if (!has_field(match, &word))
            return false;
    for (size_t i = 0; get_word(match, i, &word); i++) {
        char name[65];

        if (!has_field(wider, &word))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)word.field_len, word.text);
        if (!match_has_value(wider, name, word.value, strlen(word.value)))
            return false;
    }
    return true;
}

static bool same_words(const struct match *a, const struct match *b)
{
    struct word x, y;
    size_t i = 0;

    for (; get_word(a, i, &x); i++)
        if (!get_word(b, i, &y) || strcmp(x.text, y.text) != 0)
            return false;
    return !get_word(b, i, &y);
}

/* True if the earlier rule speaks for all entries that the later one does. */
static bool speaks_for_all(const struct rule *earlier, const struct rule *later)
{
    for (size_t i = 0; i < later->matches.count; i++) {
        size_t k = 0;

        while (k < earlier->matches.count &&
               !covers(earlier->matches.items[k], later->matches.items[i]))
            k++;
        if (k == earlier->matches.count)
            return false;
    }
    for (size_t i = 0; i < earlier->requires_.count; i++) {
        size_t k = 0;

        while (k < later->requires_.count &&
               !same_words(earlier->requires_.items[i], later->requires_.items[k]))
            k++;
        if (k == later->requires_.count)
            return false;
    }
    return true;
}

static bool has_pattern(const struct patterns *patterns, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pattern_text(patterns->items[i]), text) == 0)
            return true;
    return false;
}

/* True if the rule tries the same pattern, and before that of this kind and number: Login= comes
 * before Logout= and so on, wherever they stand. */
static bool tries_before(const struct rule *rule, const char *text, unsigned kind, size_t i)
{
    for (unsigned k = 0; k < kind; k++)
        if (has_pattern(&rule->patterns[k], rule->patterns[k].count, text))
            return true;
    return kind < _EVENT_KIND_MAX && has_pattern(&rule->patterns[kind], i, text);
}

static int check_shadows(struct linter *linter, const struct rule *earlier)
{
    const struct rule *rule = linter->rule;
    bool same = earlier == rule;

    if (!same && (!earlier->enabled || !speaks_for_all(earlier, rule)))
        return 0;
    for (unsigned kind = 0; kind < _EVENT_KIND_MAX; kind++)
        for (size_t i = 0; i < rule->patterns[kind].count; i++) {
            const char *text = pattern_text(rule->patterns[kind].items[i]);
            int r;

            if (!tries_before(earlier, text, same ? kind : _EVENT_KIND_MAX, i))
                continue;
            r = lint_report(linter, event_kind_keys[kind], i, 0, LINT_WARNING,
                            "is never reached: rule \"%s\" has the same pattern before it, for the "
                            "same entries",
                            earlier->name);
            if (r < 0)
                return r;
        }
    return 0;
}

/* --- all --- */

static int check_patterns(struct linter *linter)
{
    const struct rule *rule = linter->rule;
    int r = rule->peer ? lint_pattern(linter, pattern_text(rule->peer), "Peer", 0,
                                      strlen(rule->peer_field) + 1)
                       : 0;

    for (unsigned kind = 0; kind < _EVENT_KIND_MAX; kind++)
        for (size_t i = 0; i < rule->patterns[kind].count && r == 0; i++)
            r = lint_pattern(linter, pattern_text(rule->patterns[kind].items[i]),
                             event_kind_keys[kind], i, 0);
    return r;
}

static int check_rule(struct linter *linter, const struct rules *rules, size_t number)
{
    bool trust_reported = false;
    int r = check_trust(linter, &trust_reported);

    if (r == 0)
        r = check_whole(linter, trust_reported);
    if (r == 0)
        r = check_units(linter, &linter->rule->matches, "Match");
    if (r == 0)
        r = check_units(linter, &linter->rule->requires_, "Require");
    if (r == 0)
        r = check_contradictions(linter);
    if (r == 0)
        r = check_patterns(linter);
    for (size_t i = 0; i <= number && r == 0; i++)
        r = check_shadows(linter, rules_at(rules, i));
    return r;
}

int lint_rules(const struct rules *rules, lint_func func, void *userdata)
{
    int r = 0;

    for (size_t i = 0; i < rules_count(rules) && r == 0; i++) {
        struct linter linter = { rules_at(rules, i), func, userdata };

        r = check_rule(&linter, rules, i);
    }
    return r;
}
