/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/text.h"
#include "export-file.h"
#include "fake-entry.h"
#include "recorded-journal.h"
#include "shipped-world.h"

/* One line of an .expect file: "login TAB address TAB user TAB MESSAGE". */
struct expected {
    enum event_kind kind;
    char *addr, *user, *message;
    size_t message_len;
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

/* The next event in the text, which is cut into pieces as it is read; false at the end. */
static bool next_expected(char **text, struct expected *ret)
{
    char *line = strsep(text, "\n"), *kind;

    if (!line || !*line)
        return false;
    kind = strsep(&line, "\t");
    ret->kind = strcmp(kind, "login") == 0 ? EVENT_LOGIN : EVENT_LOGOUT;
    ret->addr = strsep(&line, "\t");
    ret->user = strsep(&line, "\t");
    ret->message = line;
    check_true("expected line", ret->message != NULL);
    unescape(ret->user);
    ret->message_len = unescape(ret->message);
    return true;
}

static bool may_be_missing(const struct recorded_journal *journal, const struct expected *want)
{
    if (strcmp(want->addr, "-") == 0)
        return true;
    for (size_t i = 0; journal->untold[i]; i++)
        if (strncmp(want->message, journal->untold[i], strlen(journal->untold[i])) == 0)
            return true;
    return false;
}

static void find_expected(const struct recorded_journal *journal, char **text, enum event_kind kind,
                          const void *message, size_t len, struct expected *ret)
{
    while (next_expected(text, ret)) {
        if (ret->kind == kind && ret->message_len == len && memcmp(ret->message, message, len) == 0)
            return;
        if (!may_be_missing(journal, ret))
            fail_msg("%s: got %s by: %.*s\nwant: %s", journal->name, event_kind_keys[kind],
                     (int)len, (const char *)message, ret->message);
    }
    fail_msg("%s: %s too many: %.*s", journal->name, event_kind_keys[kind], (int)len,
             (const char *)message);
}

static void check_change(const struct event *event, const struct change *change,
                         const struct expected *want)
{
    char addr[ADDR_TEXT_MAX], user[USER_MAX + 1];

    addr_format(&change->addr, addr);
    text_sanitise(want->user, strlen(want->user), user, sizeof(user));
    if (strcmp(want->addr, "-") != 0)
        check_text(want->message, addr, want->addr);
    /* Many goodbyes do not say whose they are; the session does. */
    check_text(want->message, event->user[0] ? event->user : change->record.user, user);
}

static bool is_told(const struct change *change)
{
    return change->kind == CHANGE_ALLOW || change->kind == CHANGE_EXTEND ||
           change->kind == CHANGE_LOGOUT;
}

static uint64_t entry_time(const struct entry *entry)
{
    const void *text;
    size_t len;

    check_int("time", entry->get(entry, "__REALTIME_TIMESTAMP", &text, &len), 0);
    return strtoull(text, NULL, 10); /* a newline follows */
}

static void judge_entry(struct world *world, const struct recorded_journal *journal,
                        struct entry *entry, char **expect, unsigned counts[_EVENT_KIND_MAX])
{
    struct event event;
    struct change change;
    struct expected want = { .message_len = 0 };
    const struct rule *by;
    const void *message = "";
    size_t len = 0;
    enum rules_verdict verdict;

    world->now_usec = entry->realtime_usec = entry_time(entry);
    verdict = rules_judge(world->settings->rules, entry, &event, &by);
    (void)entry->get(entry, "MESSAGE", &message, &len);
    if (verdict != RULES_EVENT && verdict != RULES_NOTHING)
        fail_msg("%s: verdict %d on: %.*s", journal->name, verdict, (int)len,
                 (const char *)message);
    if (!apply_verdict(world, verdict, &event, &change))
        return;
    if (event.kind == EVENT_LOGIN && !is_told(&change))
        fail_msg("%s: change %d by: %.*s", journal->name, change.kind, (int)len,
                 (const char *)message);
    if (!is_told(&change))
        return;
    find_expected(journal, expect, event.kind, message, len, &want);
    check_change(&event, &change, &want);
    counts[event.kind]++;
}

void check_recorded_journal(const struct recorded_journal *journal)
{
    char path[512];
    struct export_file file;
    struct world world;
    size_t len;
    unsigned counts[_EVENT_KIND_MAX] = { 0 };

    snprintf(path, sizeof(path), "%s/tests/journals/%s.expect", SOURCE_DIR, journal->name);

    _cleanup_(freep) char *expect = read_whole_file(path, &len);
    char *rest = expect;

    snprintf(path, sizeof(path), "%s/tests/journals/%s.export", SOURCE_DIR, journal->name);
    open_world(&world, journal->files);
    export_open(&file, path);
    while (export_next(&file)) {
        struct entry entry = fake_entry(file.fields, 0);

        judge_entry(&world, journal, &entry, &rest, counts);
    }
    export_close(&file);
    close_world(&world);

    struct expected missed;

    while (next_expected(&rest, &missed))
        if (!may_be_missing(journal, &missed))
            fail_msg("%s: missed: %s", journal->name, missed.message);
    check_unsigned(journal->name, counts[EVENT_LOGIN], journal->logins);
    check_unsigned(journal->name, counts[EVENT_LOGOUT], journal->logouts);
}
