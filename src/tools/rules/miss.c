/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Misses: each rule is asked again what it makes of the entry, stage by stage. A rule whose
 * patterns would have taken the message is nearer than one whose fields hold: the former is what an
 * administrator has in mind who looks for a login. */

#include "miss.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

const char *const miss_stage_names[_MISS_STAGE_MAX] = {
    [MISS_FIELD] = "field",     [MISS_UNIT] = "unit",       [MISS_REQUIRE] = "require",
    [MISS_LENGTH] = "length",   [MISS_PATTERN] = "pattern", [MISS_LIMIT] = "limit",
    [MISS_ADDRESS] = "address", [MISS_CUT] = "cut",         [MISS_DISABLED] = "disabled",
};

#define VALUE_MAX 128

/* How near a rule came; those below NEAR are worth a word only if there is nothing better. */
enum nearness {
    DISABLED_FIELD,
    FIELD,
    REQUIRED,
    DISABLED_PATTERN,
    PATTERN,
    LIMIT,
    ADDRESS,
    FOREIGN, /* the message would be taken from the right sender */
    WOULD_TAKE,
    CUT,
    NEAR = PATTERN,
};

struct candidate {
    struct miss_rule rule;
    enum nearness nearness;
};

static void miss_rule_clear(struct miss_rule *rule)
{
    free(rule->word);
    free(rule->value);
}

void miss_clear(struct miss *miss)
{
    for (size_t i = 0; i < miss->count; i++)
        miss_rule_clear(&miss->rule[i]);
    miss->count = 0;
}

static char *copy_text(const void *data, size_t len)
{
    char *text = malloc(VALUE_MAX);

    if (text)
        (void)text_sanitise(data, len, text, VALUE_MAX);
    return text;
}

/* --- fields --- */

/* Goes through the fields of a line that the entry does not fulfil. Returns how many there are;
 * *ret_first is the first one's first word, unless another is the unit. */
static size_t count_obstacles(const struct match *match, const struct entry *entry,
                              size_t *ret_first)
{
    size_t count = 0, len, previous_len = 0;
    const char *word, *previous = NULL;

    for (size_t i = 0; (word = match_word(match, i, &len)); i++) {
        size_t field_len = strcspn(word, "=");
        char field[65];
        const void *value;
        size_t value_len;

        /* Words of one field are neighbours. */
        if (previous && field_len == previous_len && memcmp(word, previous, field_len) == 0)
            continue;
        previous = word;
        previous_len = field_len;
        snprintf(field, sizeof(field), "%.*s", (int)field_len, word);
        if (entry->get(entry, field, &value, &value_len) == 0 &&
            match_has_value(match, field, value, value_len))
            continue;
        if (count++ == 0 || strcmp(field, "_SYSTEMD_UNIT") == 0)
            *ret_first = i;
    }
    return count;
}

/* Names the word, and says if it is one of several. */
static char *name_word(const struct match *match, size_t i)
{
    char text[VALUE_MAX], *ret = NULL;
    size_t len, more = 0;
    const char *word = match_word(match, i, &len), *other;
    size_t field_len = strcspn(word, "=") + 1;

    for (size_t k = i + 1; (other = match_word(match, k, &len)); k++)
        more += strncmp(word, other, field_len) == 0;
    (void)text_sanitise(word, strlen(word), text, sizeof(text));
    if (more == 0)
        return strdup(text);
    return asprintf(&ret, "%s (or %zu other%s)", text, more, more > 1 ? "s" : "") < 0 ? NULL : ret;
}

static int set_word(struct miss_rule *ret, const struct match *match, size_t i,
                    const struct entry *entry)
{
    size_t len;
    const char *word = match_word(match, i, &len);
    char field[65];
    const void *value;

    snprintf(field, sizeof(field), "%.*s", (int)strcspn(word, "="), word);
    ret->word = name_word(match, i);
    if (!ret->word)
        return -ENOMEM;
    if (entry->get(entry, field, &value, &len) < 0)
        return 0;
    ret->value = copy_text(value, len);
    return ret->value ? 0 : -ENOMEM;
}

static bool is_unit(const struct match *match, size_t i)
{
    size_t len;

    return strncmp(match_word(match, i, &len), "_SYSTEMD_UNIT=", strlen("_SYSTEMD_UNIT=")) == 0;
}

/* The nearest line of Match= is the one with the fewest fields against it. */
static int examine_match(const struct rule *rule, const struct entry *entry, struct miss_rule *ret)
{
    const struct match *match, *nearest = NULL;
    size_t least = 0, word = 0;

    for (size_t i = 0; (match = rule_match(rule, i)); i++) {
        size_t first = 0, count = count_obstacles(match, entry, &first);

        if (nearest && count >= least)
            continue;
        nearest = match;
        least = count;
        word = first;
    }
    ret->stage = MISS_FIELD;
    if (!nearest)
        return 0;
    if (is_unit(nearest, word))
        ret->stage = MISS_UNIT;
    return set_word(ret, nearest, word, entry);
}

static bool matches_any(const struct rule *rule, const struct entry *entry)
{
    const struct match *match;

    for (size_t i = 0; (match = rule_match(rule, i)); i++)
        if (match_holds(match, entry))
            return true;
    return false;
}

/* The first Require= that does not hold. */
static int examine_require(const struct rule *rule, const struct entry *entry,
                           struct miss_rule *ret)
{
    const struct match *match;
    size_t word = 0;

    for (size_t i = 0; (match = rule_require(rule, i)); i++) {
        if (count_obstacles(match, entry, &word) == 0)
            continue;
        ret->stage = MISS_REQUIRE;
        return set_word(ret, match, word, entry);
    }
    return 0;
}

/* --- patterns --- */

static void set_pattern(struct miss_rule *ret, enum miss_stage stage, enum event_kind kind,
                        size_t index, const struct pattern *pattern)
{
    ret->stage = stage;
    ret->key = event_kind_keys[kind];
    ret->index = index;
    ret->field = "MESSAGE";
    ret->pattern = pattern;
}

/* The pattern that took the message, but whose address is none; or that ran into a limit. */
static int examine_captures(const struct rule *rule, const char *message, size_t len,
                            enum rules_verdict verdict, struct miss_rule *ret)
{
    const struct pattern *pattern;

    for (unsigned kind = 0; kind < _EVENT_KIND_MAX; kind++)
        for (size_t i = 0; (pattern = rule_pattern(rule, (enum event_kind)kind, i)); i++) {
            struct pattern_captures captures = { 0 };
            const struct pattern_span *addr = &captures.group[PATTERN_ADDR];
            enum pattern_result result = pattern_match(pattern, message, len, &captures);

            if (result == PATTERN_GAVE_UP && verdict == RULES_GAVE_UP) {
                int r;

                set_pattern(ret, MISS_LIMIT, (enum event_kind)kind, i, pattern);
                r = trace_pattern(pattern, message, len, &ret->trace);
                return r == -ENOMEM ? r : 0;
            }
            if (result != PATTERN_MATCHES || verdict != RULES_BAD_ADDRESS)
                continue;
            set_pattern(ret, MISS_ADDRESS, (enum event_kind)kind, i, pattern);
            if (!addr->text)
                return 0;
            ret->value = copy_text(addr->text, addr->len);
            return ret->value ? 0 : -ENOMEM;
        }
    return 0;
}

/* Where the message has no address, the field of Peer= is what did not have it. */
static int examine_peer(const struct rule *rule, const struct entry *entry, struct miss_rule *ret)
{
    const char *field;
    const struct pattern *peer = rule_peer(rule, &field);
    struct pattern_captures captures = { 0 };
    const void *value;
    size_t len;
    int r;

    if (!peer || ret->value)
        return 0;
    ret->key = "Peer";
    ret->index = 0;
    ret->field = field;
    ret->pattern = peer;
    if (entry->get(entry, field, &value, &len) < 0)
        return 0;
    if (pattern_match(peer, value, len, &captures) == PATTERN_MATCHES) {
        const struct pattern_span *addr = &captures.group[PATTERN_ADDR];

        ret->value = addr->text ? copy_text(addr->text, addr->len) : NULL;
        return addr->text && !ret->value ? -ENOMEM : 0;
    }
    ret->stage = MISS_PATTERN;
    r = trace_pattern(peer, value, len, &ret->trace);
    return r == -ENOMEM ? r : 0;
}

static int trace_all(const struct rule *rule, const char *message, size_t len,
                     struct miss_rule *ret)
{
    const struct pattern *pattern;

    for (unsigned kind = 0; kind < _EVENT_KIND_MAX; kind++)
        for (size_t i = 0; (pattern = rule_pattern(rule, (enum event_kind)kind, i)); i++) {
            struct trace trace;
            int r = trace_pattern(pattern, message, len, &trace);

            if (r == -ENOMEM)
                return r;
            if (r < 0 || (ret->pattern && trace.depth <= ret->trace.depth))
                continue;
            set_pattern(ret, MISS_PATTERN, (enum event_kind)kind, i, pattern);
            ret->trace = trace;
        }
    return 0;
}

static int examine_message(const struct rule *rule, const struct entry *entry,
                           enum rules_verdict verdict, struct miss_rule *ret)
{
    const void *message;
    size_t len;
    int r;

    ret->stage = MISS_LENGTH;
    if (entry->get(entry, "MESSAGE", &message, &len) < 0 || len > MESSAGE_MAX)
        return 0;
    if (verdict == RULES_NOTHING)
        return trace_all(rule, message, len, ret);
    r = examine_captures(rule, message, len, verdict, ret);
    if (r < 0 || verdict != RULES_BAD_ADDRESS)
        return r;
    return examine_peer(rule, entry, ret);
}

/* --- rules --- */

static int examine_fields(const struct rule *rule, const struct entry *entry, bool would_take,
                          struct candidate *ret)
{
    ret->nearness = FIELD;
    if (matches_any(rule, entry)) {
        ret->nearness = would_take ? FOREIGN : REQUIRED;
        return examine_require(rule, entry, &ret->rule);
    }
    if (would_take)
        ret->nearness = FOREIGN;
    else if (!rule_enabled(rule))
        ret->nearness = DISABLED_FIELD;
    return examine_match(rule, entry, &ret->rule);
}

static int examine(const struct rule *rule, const struct entry *entry, bool is_cut,
                   struct candidate *ret)
{
    struct event event;
    enum rules_verdict verdict = rule_judge(rule, entry, &event);
    int r;

    *ret = (struct candidate){ .rule = { .rule = rule, .disabled = !rule_enabled(rule) } };
    if (is_cut) {
        ret->rule.stage = MISS_CUT;
        ret->nearness = CUT;
        return 0;
    }
    if (!rule_speaks_for(rule, entry))
        return examine_fields(rule, entry, verdict == RULES_EVENT, ret);
    if (verdict == RULES_EVENT) {
        ret->rule.stage = MISS_DISABLED;
        ret->nearness = WOULD_TAKE;
        return 0;
    }
    r = examine_message(rule, entry, verdict, &ret->rule);
    if (verdict == RULES_BAD_ADDRESS)
        ret->nearness = ADDRESS;
    else if (verdict == RULES_GAVE_UP)
        ret->nearness = LIMIT;
    else
        ret->nearness = rule_enabled(rule) ? PATTERN : DISABLED_PATTERN;
    return r;
}

static bool is_nearer(const struct candidate *a, const struct candidate *b)
{
    if (a->nearness != b->nearness)
        return a->nearness > b->nearness;
    return a->nearness == PATTERN && a->rule.trace.depth > b->rule.trace.depth;
}

/* Puts a candidate in its place among the nearest ones; the one that falls out is cleared. */
static void insert(struct candidate *nearest, size_t *count, struct candidate *candidate)
{
    size_t at = *count;

    while (at > 0 && is_nearer(candidate, &nearest[at - 1]))
        at--;
    if (at == MISS_RULES_MAX) {
        miss_rule_clear(&candidate->rule);
        return;
    }
    if (*count == MISS_RULES_MAX)
        miss_rule_clear(&nearest[--*count].rule);
    memmove(&nearest[at + 1], &nearest[at], (*count - at) * sizeof(*nearest));
    nearest[at] = *candidate;
    ++*count;
}

int miss_find(const struct settings *settings, const struct entry *entry,
              enum rules_verdict verdict, const struct rule *cut, struct miss *ret)
{
    struct candidate nearest[MISS_RULES_MAX];
    size_t count = 0;
    int r = 0;

    for (size_t i = 0; i < rules_count(settings->rules) && r == 0; i++) {
        const struct rule *rule = rules_at(settings->rules, i);
        struct candidate candidate;

        r = examine(rule, entry, verdict == RULES_CUT && rule == cut, &candidate);
        insert(nearest, &count, &candidate);
    }
    *ret = (struct miss){ 0 };
    for (size_t i = 0; i < count; i++) {
        /* Every rule is far from most entries. */
        if (r == 0 && (i == 0 || nearest[i].nearness >= NEAR))
            ret->rule[ret->count++] = nearest[i].rule;
        else
            miss_rule_clear(&nearest[i].rule);
    }
    return r;
}
