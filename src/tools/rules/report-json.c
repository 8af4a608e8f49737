/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An object a line: one for each entry, and the summary as the last. Times are whole numbers of
 * microseconds under a name that says so; null is what is not known. Bytes that are no UTF-8 are
 * written as journalctl(1) does it, as an array of numbers. */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "report.h"
#include "tools/column.h"
#include "tools/json.h"
#include "tools/listing.h"

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static json_t *bytes_array(const unsigned char *bytes, size_t len)
{
    _cleanup_(json_decrefp) json_t *array = json_array();

    if (!array)
        return NULL;
    for (size_t i = 0; i < len; i++)
        if (json_array_append_new(array, json_integer(bytes[i])) < 0)
            return NULL;
    return TAKE_PTR(array);
}

static json_t *field_value(const struct entry *entry, const char *field)
{
    const void *value;
    size_t len;
    json_t *text;

    if (entry->get(entry, field, &value, &len) < 0)
        return json_null();
    text = json_stringn(value, len);
    return text ? text : bytes_array(value, len);
}

static json_t *usec_or_null(uint64_t usec)
{
    return usec > 0 ? json_integer((json_int_t)usec) : json_null();
}

static const char *event_name(const struct outcome *outcome)
{
    static const char *const names[_EVENT_KIND_MAX] = {
        [EVENT_LOGIN] = "login",
        [EVENT_LOGOUT] = "logout",
        [EVENT_CONNECT] = "connect",
        [EVENT_FAIL] = "fail",
    };

    return outcome->judged == RULES_EVENT ? names[outcome->event.kind] : NULL;
}

/* Sets each value; one that could not be made, or set, is out of memory. */
struct member {
    const char *key;
    json_t *value;
};

static int set_members(json_t *object, const struct member *members, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count; i++)
        if (json_object_set_new(object, members[i].key, members[i].value) < 0)
            r = -ENOMEM;
    return r;
}

#define SET(object, ...)                                                                           \
    set_members(object, (const struct member[]){ __VA_ARGS__ },                                    \
                sizeof((const struct member[]){ __VA_ARGS__ }) / sizeof(struct member))

static int print(FILE *file, json_t *object)
{
    int r = json_dumpf(object, file, JSON_COMPACT);

    fputc('\n', file);
    return r < 0 && !ferror(file) ? -ENOMEM : 0;
}

static int set_event(json_t *object, const struct outcome *outcome)
{
    bool has_change = outcome->judged == RULES_EVENT && outcome->change.kind != CHANGE_UNKNOWN;
    char address[ADDR_TEXT_MAX] = "";
    struct addr addr;

    if (outcome_addr(outcome, &addr))
        addr_format(&addr, address);
    return SET(
        object, { "event", text_or_null(event_name(outcome)) },
        { "address", text_or_null(address) }, { "user", text_or_null(outcome_user(outcome)) },
        { "session", text_or_null(outcome->judged == RULES_EVENT ? outcome->event.session : NULL) },
        { "expires_usec", usec_or_null(has_change ? outcome->change.record.expires_usec : 0) },
        { "network", text_or_null(has_change ? outcome->change.network : NULL) });
}

static json_t *miss_object(const struct settings *settings, const struct miss_rule *rule)
{
    _cleanup_(json_decrefp) json_t *object = json_object();
    const struct assignment *assignment =
        rule->key ? settings_find_rule_key(settings, rule->rule, rule->key, rule->index) : NULL;
    bool has_trace = rule->stage == MISS_PATTERN || rule->stage == MISS_LIMIT;
    char reason[MISS_TEXT_MAX];
    int r;

    if (!object)
        return NULL;
    miss_describe(rule, reason);
    r = SET(object, { "rule", json_string(rule_name(rule->rule)) },
            { "origin", text_or_null(assignment ? assignment->origin
                                                : settings_rule_origin(settings, rule->rule)) },
            { "disabled", json_boolean(rule->disabled) },
            { "stage", json_string(miss_stage_names[rule->stage]) },
            { "reason", text_or_null(reason) }, { "word", text_or_null(rule->word) },
            { "value", text_or_null(rule->value) }, { "key", text_or_null(rule->key) },
            { "field", text_or_null(rule->field) });
    if (r == 0 && rule->pattern)
        r = SET(object, { "pattern", json_string(pattern_text(rule->pattern)) });
    if (r == 0 && has_trace)
        r = SET(object, { "offset", json_integer((json_int_t)rule->trace.subject) },
                { "pattern_offset", json_integer((json_int_t)rule->trace.item) },
                { "pattern_length", json_integer((json_int_t)rule->trace.item_len) });
    return r == 0 ? TAKE_PTR(object) : NULL;
}

static int set_misses(json_t *object, const struct settings *settings, const struct miss *miss)
{
    _cleanup_(json_decrefp) json_t *array = json_array();

    if (!array)
        return -ENOMEM;
    for (size_t i = 0; i < miss->count; i++)
        if (json_array_append_new(array, miss_object(settings, &miss->rule[i])) < 0)
            return -ENOMEM;
    return SET(object, { "misses", TAKE_PTR(array) });
}

int report_json_entry(const struct report_options *options, const struct judgement *judgement)
{
    _cleanup_(json_decrefp) json_t *object = json_object();
    const struct outcome *outcome = judgement->outcome;
    const struct entry *entry = judgement->entry;
    bool is_other = outcome->verdict == VERDICT_MISSED && !judgement->concerns;
    int r;

    if (!object)
        return -ENOMEM;
    r = SET(object, { "verdict", json_string(is_other ? "NONE" : verdict_names[outcome->verdict]) },
            { "rule", text_or_null(outcome->rule ? rule_name(outcome->rule) : NULL) },
            { "origin", text_or_null(outcome_origin(options->settings, outcome)) });
    if (r == 0)
        r = set_event(object, outcome);
    if (r == 0)
        r = SET(object, { "reason", text_or_null(outcome->why) },
                { "warning", text_or_null(judgement->warning) },
                { "time_usec", usec_or_null(entry->realtime_usec) },
                { "cursor", field_value(entry, "__CURSOR") },
                { "unit", field_value(entry, "_SYSTEMD_UNIT") },
                { "identifier", field_value(entry, "SYSLOG_IDENTIFIER") },
                { "message", field_value(entry, "MESSAGE") });
    if (r == 0 && judgement->miss)
        r = set_misses(object, options->settings, judgement->miss);
    return r < 0 ? r : print(options->file, object);
}

static json_t *verdicts_object(const size_t verdicts[static _VERDICT_MAX])
{
    _cleanup_(json_decrefp) json_t *object = json_object();

    if (!object)
        return NULL;
    for (int i = 0; i < _VERDICT_MAX; i++)
        if (json_object_set_new(object, verdict_names[i], json_integer((json_int_t)verdicts[i])) <
            0)
            return NULL;
    return TAKE_PTR(object);
}

static json_t *rule_object(const struct settings *settings, const struct tally_rule *rule)
{
    _cleanup_(json_decrefp) json_t *object = json_object();
    int r;

    if (!object)
        return NULL;
    r = SET(object, { "rule", json_string(rule_name(rule->rule)) },
            { "origin", text_or_null(settings_rule_origin(settings, rule->rule)) },
            { "hits", json_integer((json_int_t)tally_hits(rule)) },
            { "verdicts", verdicts_object(rule->verdicts) },
            { "bad_addresses", json_integer((json_int_t)rule->bad_address) },
            { "limit_hits", json_integer((json_int_t)rule->gave_up) },
            { "judged", json_integer((json_int_t)rule->judged) },
            { "judged_nsec", json_integer((json_int_t)rule->nsec) });
    return r == 0 ? TAKE_PTR(object) : NULL;
}

static json_t *rules_array(const struct settings *settings, const struct tally *tally)
{
    _cleanup_(json_decrefp) json_t *array = json_array();

    if (!array)
        return NULL;
    for (size_t i = 0; i < tally->rules; i++)
        if (json_array_append_new(array, rule_object(settings, &tally->rule[i])) < 0)
            return NULL;
    return TAKE_PTR(array);
}

/* The rows as pbs-list --json prints them, with all columns. */
static json_t *table_array(struct map *map, uint64_t now_usec)
{
    _cleanup_(listing_done) struct listing listing = { 0 };
    struct filter *filter = filter_new();
    struct columns columns = { .count = 0 };
    int r = filter ? listing_read(&listing, map, filter, now_usec) : -ENOMEM;

    filter_free(filter);
    if (r < 0)
        return NULL;
    listing_sort(&listing, column_find("ADDRESS", strlen("ADDRESS")), false, now_usec);
    for (size_t i = 0; column_at(i); i++)
        columns.column[columns.count++] = column_at(i);
    return json_rows(&listing, &columns, now_usec);
}

int report_json_summary(const struct report_options *options, const struct tally *tally,
                        struct map *map, uint64_t now_usec)
{
    _cleanup_(json_decrefp) json_t *summary = json_object(), *object = json_object();
    int r;

    if (!summary || !object)
        return -ENOMEM;
    r = SET(summary, { "schema", json_integer(1) },
            { "entries", json_integer((json_int_t)tally->entries) },
            { "matched", json_integer((json_int_t)tally->matched) },
            { "missed", json_integer((json_int_t)tally->verdicts[VERDICT_MISSED]) },
            { "others", json_integer((json_int_t)tally->others) },
            { "verdicts", verdicts_object(tally->verdicts) },
            { "rules", rules_array(options->settings, tally) },
            { "first_usec", usec_or_null(tally->first_usec) },
            { "last_usec", usec_or_null(tally->last_usec) },
            { "duration_usec", json_integer((json_int_t)tally->usec) });
    if (r == 0 && map)
        r = SET(summary, { "table", table_array(map, now_usec) });
    if (r == 0)
        r = SET(object, { "summary", TAKE_PTR(summary) });
    return r < 0 ? r : print(options->file, object);
}
