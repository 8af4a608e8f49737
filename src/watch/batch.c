/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Log entries are gathered while the transaction is open and written when it has taken effect, so
 * that the log never tells of what a failed commit took back. */

#include "batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "program/clock.h"
#include "program/journal-matches.h"
#include "sigbus.h"

/* How many entries are read between looks at the clock. */
#define CLOCK_INTERVAL 16

struct batch {
    struct change *told; /* the changes that there is something to say about */
    size_t n_told, capacity;
    size_t counts[_CHANGE_MAX]; /* of the others, which are most of them */
    size_t n_changes;           /* all of them */
    size_t n_entries;
    uint64_t last_realtime_usec;
    uint64_t begin_usec; /* on the monotonic clock */
    uint64_t real_usec;  /* what time it was when last looked */
    bool is_open;        /* a transaction is under way */
};

struct batch *batch_new(void)
{
    return calloc(1, sizeof(struct batch));
}

struct batch *batch_free(struct batch *batch)
{
    if (batch)
        free(batch->told);
    free(batch);
    return NULL;
}

/* Most wake-ups have nothing to write, and then there is no transaction. */
static int batch_open(struct batch *batch, struct map *map)
{
    int r;

    if (batch->is_open)
        return 0;
    r = map_check_place(map);
    if (r == 0)
        r = map_begin(map);
    if (r == 0)
        batch->is_open = true;
    return r;
}

static int tell(struct batch *batch, const struct change *change)
{
    if (batch->n_told == batch->capacity) {
        size_t capacity = batch->capacity ? 2 * batch->capacity : 64;
        struct change *told = reallocarray(batch->told, capacity, sizeof(*told));

        if (!told)
            return -ENOMEM;
        batch->told = told;
        batch->capacity = capacity;
    }
    batch->told[batch->n_told++] = *change;
    return 0;
}

static int note_change(struct batch *batch, const struct change *change)
{
    batch->n_changes++;
    if (report_has_words(change))
        return tell(batch, change);
    batch->counts[change->kind]++;
    return 0;
}

static void report(struct batch *batch, const struct batch_context *context)
{
    for (size_t kind = 0; kind < _CHANGE_MAX; kind++)
        context->report->changes[kind] += batch->counts[kind];
    for (size_t i = 0; i < batch->n_told; i++)
        report_change(context->report, &batch->told[i], context->settings);
}

/* What a transaction overwrites is saved in the file before, in whole pages, and that room is never
 * given back. A large batch of a large map would save most of it, and double the file. */
static bool is_full(const struct batch *batch, const struct batch_context *context)
{
    size_t most = table_count(context->table) < LARGE_MAP ? BATCH_MAX : BATCH_MAX_LARGE_MAP;

    return batch->n_changes >= most || batch->n_entries >= most;
}

static bool is_overdue(const struct batch *batch)
{
    return batch->n_entries > 0 && batch->n_entries % CLOCK_INTERVAL == 0 &&
           clock_monotonic_usec() - batch->begin_usec >= BATCH_USEC;
}

/* Removes those whose time is over. */
static int expire(struct batch *batch, struct batch_context *context)
{
    while (!is_full(batch, context) && table_next_usec(context->table) <= context->now_usec) {
        struct change change;
        bool any = false;
        int r = batch_open(batch, context->map);

        if (r == 0)
            r = table_expire(context->table, context->now_usec, &change, &any);
        if (r == 0 && any)
            r = note_change(batch, &change);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A server that was started anew has no sessions of its last run any more. */
static int note_run(struct batch *batch, const struct batch_context *context,
                    const struct event *event)
{
    struct change change = { .kind = CHANGE_NEW_RUN };
    size_t ended = 0;
    int r;

    if (!event->rule || !table_is_new_run(context->table, event))
        return 0;
    r = batch_open(batch, context->map);
    if (r == 0)
        r = table_end_run(context->table, event, context->now_usec, &ended);
    if (r < 0 || ended == 0)
        return r;
    change.record.sessions = (uint32_t)ended;
    snprintf(change.record.user, sizeof(change.record.user), "%s", event->unit);
    return note_change(batch, &change);
}

/* A user who has more addresses than he may keeps the newest. */
static int displace(struct batch *batch, const struct batch_context *context,
                    const struct event *event)
{
    bool any = true;

    while (any) {
        struct change change;
        int r = table_displace(context->table, event, &change, &any);

        if (r == 0 && any)
            r = note_change(batch, &change);
        if (r < 0)
            return r;
        if (any)
            report_trouble(context->report, TROUBLE_CROWDED, event->user);
    }
    return 0;
}

static int apply(struct batch *batch, const struct batch_context *context,
                 const struct event *event)
{
    size_t unfollowed = table_unfollowed(context->table);
    struct change change;
    int r = batch_open(batch, context->map);

    if (r == 0)
        r = table_apply(context->table, event, context->now_usec, &change);
    if (r == 0)
        r = note_change(batch, &change);
    if (r < 0)
        return r;
    if (change.kind == CHANGE_UNKNOWN && event->kind == EVENT_LOGIN)
        report_trouble(context->report, TROUBLE_UNTIED, rule_name(event->rule));
    if (table_unfollowed(context->table) > unfollowed)
        report_trouble(context->report, TROUBLE_UNFOLLOWED, "");
    return change.kind == CHANGE_ALLOW ? displace(batch, context, event) : 0;
}

/* An entry from the future, read once more because the clock was set back, counted from the time at
 * which it was read first. Now it would count from now. */
static bool has_counted(const struct batch *batch, const struct batch_context *context,
                        const struct entry *entry)
{
    return entry->realtime_usec > batch->real_usec && source_was_seen(context->source);
}

static int judge(struct batch *batch, const struct batch_context *context,
                 const struct entry *entry)
{
    const struct rules *rules = context->settings->rules;
    const struct rule *rule = NULL;
    const char *notice, *unit;
    struct event event;
    size_t len, unit_len;
    enum rules_verdict verdict = rules_judge(rules, entry, &event, &rule);
    int r = note_run(batch, context, &event);

    if (r < 0)
        return r;
    switch (verdict) {
    case RULES_EVENT:
        return apply(batch, context, &event);
    case RULES_BAD_ADDRESS:
        report_trouble(context->report, TROUBLE_BAD_ADDRESS, rule_name(rule));
        return 0;
    case RULES_GAVE_UP:
        report_trouble(context->report, TROUBLE_GAVE_UP, rule_name(rule));
        return 0;
    case RULES_CUT:
        report_trouble(context->report, TROUBLE_CUT, rule_name(rule));
        return 0;
    case RULES_NOTHING:
        if (journal_is_drop_notice(entry, &notice, &len) &&
            rules_note_drop(rules, notice, len, &unit, &unit_len))
            report_drop_notice(context->report, notice, len, unit, unit_len);
        return 0;
    }
    return 0;
}

/* Lets time pass until the entry happened, but never beyond the time that it is. */
static int move_clock(struct batch *batch, struct batch_context *context, uint64_t realtime_usec)
{
    uint64_t usec = realtime_usec < batch->real_usec ? realtime_usec : batch->real_usec;

    if (usec <= context->now_usec)
        return 0;
    context->now_usec = usec;
    return expire(batch, context);
}

static void look_at_clock(struct batch *batch, struct batch_context *context)
{
    batch->real_usec = clock_realtime_usec();
    if (!context->own_time)
        context->now_usec = batch->real_usec;
}

static int take_entry(struct batch *batch, struct batch_context *context, const struct entry *entry)
{
    batch->n_entries++;
    /* It may have been written after the batch was begun. */
    if (entry->realtime_usec > batch->real_usec)
        look_at_clock(batch, context);
    batch->last_realtime_usec = entry->realtime_usec;
    if (context->own_time) {
        int r = move_clock(batch, context, entry->realtime_usec);

        if (r < 0)
            return r;
    }
    return has_counted(batch, context, entry) ? 0 : judge(batch, context, entry);
}

/* Returns 0, or the errno of a map that failed. */
static int read_entries(struct batch *batch, struct batch_context *context,
                        enum batch_result *ret_result, int *ret_error)
{
    while (!is_full(batch, context) && !is_overdue(batch)) {
        struct entry entry;
        int r = 0;

        switch (source_next(context->source, &entry, ret_error)) {
        case SOURCE_ENTRY:
            r = take_entry(batch, context, &entry);
            break;
        case SOURCE_END:
            *ret_result = BATCH_DRAINED;
            return 0;
        case SOURCE_BROKEN:
            *ret_result = BATCH_JOURNAL_BROKEN;
            return 0;
        }
        if (r < 0)
            return r;
    }
    *ret_result = BATCH_MORE;
    return 0;
}

/* What the rules have to remember, where that has changed. */
static int put_doubts(struct batch *batch, struct batch_context *context)
{
    const struct rules *rules = context->settings->rules;
    char text[CUTS_TEXT_MAX];
    int r = 0;

    for (size_t i = 0; i < rules_count(rules) && r == 0; i++) {
        const struct rule *rule = rules_at(rules, i);

        if (!rule_take_doubts(rule, text))
            continue;
        r = batch_open(batch, context->map);
        if (r == 0)
            r = map_put_doubts(context->map, context->source_name, rule_name(rule), text);
    }
    return r;
}

/* Writes down how far the journal was read. */
static int put_position(struct batch *batch, struct batch_context *context)
{
    _cleanup_(freep) char *cursor = NULL;
    int r;

    if (batch->n_entries == 0)
        return 0;
    r = source_cursor(context->source, &cursor);
    if (r < 0)
        return r;
    r = batch_open(batch, context->map);
    if (r < 0)
        return r;
    r = map_put_cursor(context->map, context->source_name, cursor, batch->last_realtime_usec);
    return r < 0 ? r : put_doubts(batch, context);
}

static int commit(struct batch *batch, struct map *map)
{
    if (!batch->is_open)
        return 0;
    batch->is_open = false;
    return map_commit(map);
}

enum batch_result batch_run(struct batch *batch, struct batch_context *context, int *ret_error,
                            size_t *ret_entries)
{
    enum batch_result result = BATCH_MAP_FAILED;
    int r;

    batch->n_changes = batch->n_told = batch->n_entries = 0;
    memset(batch->counts, 0, sizeof(batch->counts));
    batch->is_open = false;
    batch->begin_usec = clock_monotonic_usec();
    look_at_clock(batch, context);
    r = expire(batch, context);
    if (r == 0)
        r = read_entries(batch, context, &result, ret_error);
    if (r == 0)
        r = put_position(batch, context);
    /* Zeros were read in place of a file's bytes, perhaps the map's: none of this is reliable. */
    if (sigbus_happened())
        r = -EBADMSG;
    if (r == 0)
        r = commit(batch, context->map);
    if (r < 0) {
        map_cancel(context->map);
        *ret_entries = 0;
        /* It is the journal's fault if its cursor is not to be had, and said so already. */
        if (result == BATCH_JOURNAL_BROKEN && r == -ENODATA)
            return BATCH_JOURNAL_BROKEN;
        *ret_error = r;
        return BATCH_MAP_FAILED;
    }
    report(batch, context);
    *ret_entries = batch->n_entries;
    return result;
}
