/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/text.h"
#include "export-file.h"
#include "fake-entry.h"
#include "map-support.h"
#include "shipped-rules.h"
#include "shipped.h"
#include "store/table.h"

/* One line of an .expect file: "login TAB address TAB user TAB MESSAGE". */
struct expected {
    enum event_kind kind;
    char *addr, *user, *message;
    size_t message_len;
};

/* A journal that is being read, with a map in memory and nobody who is local. */
struct reading {
    struct settings *settings;
    struct networks *nobody;
    struct map *map;
    struct table *table;
    struct export_file file;
    char *expect, *rest;
    unsigned counts[_EVENT_KIND_MAX];
};

/* Undoes the two escapes of these files, in place; returns the length. */
static size_t unescape(char *text)
{
    char *to = text;

    for (char *from = text; *from; to++) {
        bool tab = strncmp(from, "\\x09", 4) == 0, newline = strncmp(from, "\\x0a", 4) == 0;

        *to = tab ? '\t' : newline ? '\n' : *from;
        from += tab || newline ? 4 : 1;
    }
    *to = '\0';
    return (size_t)(to - text);
}

/* The next event in the text that can be known, which is cut into pieces as it is read; false at
 * the end. */
static bool next_expected(char **text, struct expected *ret)
{
    char *line;

    while ((line = strsep(text, "\n")) && *line) {
        ret->kind = strcmp(strsep(&line, "\t"), "login") == 0 ? EVENT_LOGIN : EVENT_LOGOUT;
        ret->addr = strsep(&line, "\t");
        ret->user = strsep(&line, "\t");
        ret->message = line;
        check_true("expected line", ret->message != NULL);
        if (strcmp(ret->addr, "-") == 0)
            continue;
        unescape(ret->user);
        ret->message_len = unescape(ret->message);
        return true;
    }
    return false;
}

static void open_reading(struct reading *reading, const struct shipped_journal *journal)
{
    char path[512];
    size_t len;
    bool is_beyond;

    *reading = (struct reading){
        .settings = load_shipped_rules(journal->files),
        .nobody = networks_new(),
        .map = open_writer(NULL, MAX_ENTRIES, 128, MAP_CREATED),
    };

    const struct table_policy policy = {
        .rules = reading->settings->rules,
        .local = reading->nobody,
        .never = reading->nobody,
        .grace_usec = reading->settings->grace_usec,
        .longest_grace_usec = settings_longest_grace_usec(reading->settings),
        .longest_session_usec = settings_longest_session_usec(reading->settings),
        .max_per_user = 1000,
    };

    check_int("table", table_new(reading->map, MAX_ENTRIES, &reading->table), 0);
    check_int("load", table_load(reading->table, &policy, 0, &is_beyond), 0);
    check_int("begin", map_begin(reading->map), 0);
    snprintf(path, sizeof(path), "%s/tests/journals/%s.expect", SOURCE_DIR, journal->name);
    reading->expect = reading->rest = read_whole_file(path, &len);
    snprintf(path, sizeof(path), "%s/tests/journals/%s.export", SOURCE_DIR, journal->name);
    export_open(&reading->file, path);
}

static void close_reading(struct reading *reading)
{
    export_close(&reading->file);
    free(reading->expect);
    map_cancel(reading->map);
    table_free(reading->table);
    map_close(reading->map);
    networks_free(reading->nobody);
    settings_free(reading->settings);
}

/* What the watcher does with an entry; true if somebody logged in or out by it. */
static bool apply(struct reading *reading, const struct entry *entry, struct event *event,
                  struct change *ret)
{
    const struct rule *by;
    enum rules_verdict verdict = rules_judge(reading->settings->rules, entry, event, &by);
    size_t ended;

    check_true("verdict", verdict == RULES_EVENT || verdict == RULES_NOTHING);
    if (event->rule && table_is_new_run(reading->table, event))
        check_int("new run", table_end_run(reading->table, event, entry->realtime_usec, &ended), 0);
    if (verdict != RULES_EVENT)
        return false;
    check_int("apply", table_apply(reading->table, event, entry->realtime_usec, ret), 0);
    if (event->kind == EVENT_LOGIN)
        check_true("login counts", ret->kind == CHANGE_ALLOW || ret->kind == CHANGE_EXTEND);
    return event->kind == EVENT_LOGIN || ret->kind == CHANGE_LOGOUT;
}

static void check_change(const struct change *change, const struct expected *want)
{
    char addr[ADDR_TEXT_MAX], user[USER_MAX + 1];

    addr_format(&change->addr, addr);
    text_sanitise(want->user, strlen(want->user), user, sizeof(user));
    check_text(want->message, addr, want->addr);
    check_text(want->message, change->record.user, user);
}

static void read_entry(struct reading *reading, const struct shipped_journal *journal)
{
    struct entry entry = fake_entry(reading->file.fields, 0);
    struct event event;
    struct change change;
    struct expected want = { .message_len = 0 };
    const void *time, *message = "";
    size_t time_len, len = 0;

    check_int("time", entry.get(&entry, "__REALTIME_TIMESTAMP", &time, &time_len), 0);
    entry.realtime_usec = strtoull(time, NULL, 10); /* a newline follows */
    if (!apply(reading, &entry, &event, &change))
        return;
    (void)entry.get(&entry, "MESSAGE", &message, &len);
    if (!next_expected(&reading->rest, &want))
        fail_msg("%s: one too many: %.*s", journal->name, (int)len, (const char *)message);
    check_bytes(journal->name, message, len, want.message, want.message_len);
    check_int(want.message, event.kind, want.kind);
    check_change(&change, &want);
    reading->counts[event.kind]++;
}

void check_shipped_journal(const struct shipped_journal *journal)
{
    struct reading reading;
    struct expected missed;

    open_reading(&reading, journal);
    while (export_next(&reading.file))
        read_entry(&reading, journal);
    if (next_expected(&reading.rest, &missed))
        fail_msg("%s: missed: %s", journal->name, missed.message);
    check_unsigned(journal->name, reading.counts[EVENT_LOGIN], journal->logins);
    check_unsigned(journal->name, reading.counts[EVENT_LOGOUT], journal->logouts);
    close_reading(&reading);
}
