/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two lines an entry: what came of it, then the entry much as journalctl(1) shows it. Verdicts
 * stand in a column of their own, so that the eye finds them. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/duration.h"
#include "core/text.h"
#include "report.h"
#include "tools/column.h"

#define VERDICT_WIDTH 8
#define INDENT        "         "

#define ENTRY_TEXT_MAX 1600

static const char *colour_of(const struct judgement *judgement)
{
    switch (judgement->outcome->verdict) {
    case VERDICT_LOGIN:
        return "\033[1;32m";
    case VERDICT_LOGOUT:
    case VERDICT_PENDING:
        return "\033[32m";
    case VERDICT_IGNORED:
    case VERDICT_FAIL:
        return "\033[90m";
    case VERDICT_MISSED:
        return judgement->concerns ? "\033[1;33m" : "\033[90m";
    case VERDICT_REFUSED:
    case VERDICT_STALE:
    case VERDICT_CUT:
    case VERDICT_DROPPED:
        return "\033[1;31m";
    case _VERDICT_MAX:
        break;
    }
    return "";
}

static const char *name_of(const struct judgement *judgement)
{
    if (judgement->outcome->verdict == VERDICT_MISSED && !judgement->concerns)
        return "-";
    return verdict_names[judgement->outcome->verdict];
}

static void print_verdict(const struct report_options *options, const struct judgement *judgement)
{
    bool colour = options->colour;

    fprintf(options->file, "%s%-*s%s ", colour ? colour_of(judgement) : "", VERDICT_WIDTH,
            name_of(judgement), colour ? "\033[0m" : "");
}

static void read_safe(const struct entry *entry, const char *field, char *ret, size_t size)
{
    const void *value;
    size_t len;

    ret[0] = 0;
    if (entry->get(entry, field, &value, &len) == 0)
        text_sanitise(value, len, ret, size);
}

static void format_entry(const struct entry *entry, char ret[static ENTRY_TEXT_MAX])
{
    time_t seconds = (time_t)(entry->realtime_usec / USEC_PER_SEC);
    char time[32] = "?", ident[65], pid[24], message[1024];
    struct tm tm;

    if (localtime_r(&seconds, &tm))
        (void)strftime(time, sizeof(time), "%b %d %H:%M:%S", &tm);
    read_safe(entry, "SYSLOG_IDENTIFIER", ident, sizeof(ident));
    if (!ident[0])
        read_safe(entry, "_COMM", ident, sizeof(ident));
    read_safe(entry, "_PID", pid, sizeof(pid));
    if (!pid[0])
        read_safe(entry, "SYSLOG_PID", pid, sizeof(pid));
    read_safe(entry, "MESSAGE", message, sizeof(message));
    snprintf(ret, ENTRY_TEXT_MAX, "%s %s%s%s%s%s%s", time, ident, pid[0] ? "[" : "", pid,
             pid[0] ? "]" : "", ident[0] || pid[0] ? ": " : "", message);
}

static void print_rules(FILE *file, const struct settings *settings)
{
    const char *separator = "Rules: ";

    for (size_t i = 0; i < rules_count(settings->rules); i++) {
        const struct rule *rule = rules_at(settings->rules, i);

        if (!rule_enabled(rule))
            continue;
        fprintf(file, "%s%s (%s)", separator, rule_name(rule),
                settings_rule_origin(settings, rule));
        separator = ", ";
    }
    fputc('\n', file);
}

void report_text_head(const struct report_options *options)
{
    if (options->quiet)
        return;
    print_rules(options->file, options->settings);
    fprintf(options->file, "Entries: %s\n\n", options->source);
}

/* An open session holds the address; that it ends is not known before. */
static void print_expiry(FILE *file, const struct record *record)
{
    struct cell cell = { .kind = CELL_TIME, .number = record->expires_usec };
    char text[CELL_TEXT_MAX];

    fprintf(file, ", %s %s", record->sessions > 0 ? "held, at most until" : "until",
            cell_format(&cell, 0, text));
}

static void print_event(FILE *file, const struct outcome *outcome)
{
    const char *user = outcome_user(outcome);
    char address[ADDR_TEXT_MAX];
    struct addr addr;

    if (outcome_addr(outcome, &addr)) {
        addr_format(&addr, address);
        fprintf(file, ", %s", address);
    }
    if (user[0])
        fprintf(file, ", user %s", user);
    if (outcome->event.session[0])
        fprintf(file, ", session %s", outcome->event.session);
    if (outcome->change.kind != CHANGE_UNKNOWN && outcome->change.record.expires_usec > 0)
        print_expiry(file, &outcome->change.record);
}

static const char *event_name(enum event_kind kind)
{
    static const char *const names[_EVENT_KIND_MAX] = {
        [EVENT_LOGIN] = "login",
        [EVENT_LOGOUT] = "logout",
        [EVENT_CONNECT] = "connection",
        [EVENT_FAIL] = "failed login",
    };

    return names[kind];
}

/* Why it changes nothing: "(login, local network 10.0.0.0/8) ". */
static void print_why(FILE *file, const struct outcome *outcome)
{
    if (!outcome->why)
        return;
    fputc('(', file);
    if (outcome->verdict == VERDICT_IGNORED)
        fprintf(file, "%s, ", event_name(outcome->event.kind));
    fputs(outcome->why, file);
    if (outcome->judged == RULES_EVENT && outcome->change.network)
        fprintf(file, " %s", outcome->change.network);
    fputs(") ", file);
}

void report_text_entry(const struct report_options *options, const struct judgement *judgement)
{
    const struct outcome *outcome = judgement->outcome;
    const char *origin = outcome_origin(options->settings, outcome);
    char line[ENTRY_TEXT_MAX];

    format_entry(judgement->entry, line);
    print_verdict(options, judgement);
    if (outcome->verdict == VERDICT_MISSED || outcome->verdict == VERDICT_DROPPED) {
        fprintf(options->file, "%s\n", line);
    } else {
        print_why(options->file, outcome);
        if (origin)
            fprintf(options->file, "%s (%s)", rule_name(outcome->rule), origin);
        if (outcome->judged == RULES_EVENT)
            print_event(options->file, outcome);
        fprintf(options->file, "\n" INDENT "%s\n", line);
    }
    if (judgement->miss)
        miss_print(options->file, options->settings, judgement->miss, judgement->entry);
    if (judgement->warning)
        fprintf(options->file, INDENT "warning: %s\n", judgement->warning);
}

void report_text_miss(const struct report_options *options, const struct judgement *judgement)
{
    char line[ENTRY_TEXT_MAX];

    format_entry(judgement->entry, line);
    fprintf(options->file, "%s\n", line);
    miss_print(options->file, options->settings, judgement->miss, judgement->entry);
}

int report_text_folds(const struct report_options *options, struct folds *folds, bool is_first)
{
    static const struct outcome missed = { .verdict = VERDICT_MISSED };
    static const struct judgement judgement = { .outcome = &missed, .concerns = true };
    _cleanup_(freep) const struct fold **fold = NULL;
    size_t count;
    int r = folds_sort(folds, &fold, &count);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 || !is_first)
            fputc('\n', options->file);
        print_verdict(options, &judgement);
        fprintf(options->file, "%zu time%s: %s\n", fold[i]->count, fold[i]->count == 1 ? "" : "s",
                fold[i]->shape);
        if (fold[i]->text)
            fprintf(options->file, INDENT "%s%s",
                    fold[i]->count == 1 ? "" : "first: ", fold[i]->text);
    }
    if (folds_beyond(folds) > 0)
        fprintf(options->file, "\nand %zu more that look like none of these; --all shows them\n",
                folds_beyond(folds));
    return 0;
}

static void print_rule(FILE *file, const struct tally_rule *rule)
{
    const char *separator = ": ";

    fprintf(file, "  %s", rule_name(rule->rule));
    for (int i = 0; i < _VERDICT_MAX; i++)
        if (rule->verdicts[i] > 0 && i != VERDICT_MISSED) {
            fprintf(file, "%s%zu %s", separator, rule->verdicts[i], verdict_names[i]);
            separator = ", ";
        }
    if (rule->bad_address > 0)
        fprintf(file, "%s%zu without a valid address", separator, rule->bad_address);
    if (rule->bad_address > 0)
        separator = ", ";
    if (rule->gave_up > 0)
        fprintf(file, "%s%zu beyond the pattern limit", separator, rule->gave_up);
    else if (tally_hits(rule) == 0)
        fprintf(file, "%sno hit", separator);
    fputc('\n', file);
}

void report_text_summary(const struct report_options *options, const struct tally *tally,
                         bool is_first)
{
    const struct tally_rule *slowest = tally_slowest(tally);

    if (options->quiet)
        return;
    if (!is_first)
        fputc('\n', options->file);
    fprintf(options->file, "%zu %s read: %zu matched, %zu missed", tally->entries,
            tally->entries == 1 ? "entry" : "entries", tally->matched,
            tally->verdicts[VERDICT_MISSED]);
    if (tally->verdicts[VERDICT_CUT] > 0)
        fprintf(options->file, ", %zu in doubt", tally->verdicts[VERDICT_CUT]);
    fprintf(options->file, ", %zu of other programs\n", tally->others);
    for (size_t i = 0; i < tally->rules; i++)
        print_rule(options->file, &tally->rule[i]);
    fprintf(options->file, "  [%.3f s, %" PRIu64 " entries/s",
            (double)tally->usec / (double)USEC_PER_SEC, tally_entries_per_second(tally));
    if (slowest)
        fprintf(options->file, "; slowest rule: %s, %.1f us an entry", rule_name(slowest->rule),
                (double)slowest->nsec / (double)slowest->judged / 1000);
    fputs("]\n", options->file);
}
