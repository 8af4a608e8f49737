/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text on standard input, in one of two forms:
 *
 * - the Journal Export Format: a line "FIELD=value" each, or "FIELD" alone, a 64-bit little-endian
 *   length, so many bytes, and a newline; an empty line ends an entry.
 *
 * - lines of a log, each an entry: "Nov 22 09:17:33 host ident[pid]: message", the same with an ISO
 *   date, or only the message. The process that a line names is taken for the one that wrote it,
 *   because whoever gives us lines vouches for them; whether the unit is right, the line cannot
 *   tell, and --field has to. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "core/match.h"
#include "core/timestamp.h"
#include "input.h"
#include "reader.h"

struct text_input {
    struct input input; /* must be first */
    struct reader reader;
    struct fields *fields;
    const struct fields *defaults;
    const struct selection *selection;
    uint64_t now_usec;
    uint64_t last_usec; /* for an entry without a time */
};

static struct input *free_text(struct input *input)
{
    struct text_input *text = (struct text_input *)input;

    reader_close(&text->reader);
    fields_free(text->fields);
    free(text);
    return NULL;
}

/* Reads the rest of a field whose line is its name. */
static int read_binary(struct text_input *text)
{
    unsigned char size[8];
    char name[65];
    size_t name_len = text->reader.len;
    uint64_t len = 0;
    int r;

    if (name_len >= sizeof(name) || !match_is_field_name(text->reader.data, name_len))
        return -EBADMSG;
    memcpy(name, text->reader.data, name_len);
    if (fread(size, 1, sizeof(size), text->reader.file) != sizeof(size))
        return ferror(text->reader.file) ? -errno : -EBADMSG;
    for (int i = 7; i >= 0; i--)
        len = len << 8 | size[i];
    r = reader_block(&text->reader, len);
    if (r < 0)
        return r;
    return fields_add(text->fields, name, name_len, text->reader.data, text->reader.len);
}

static int read_field(struct text_input *text)
{
    const char *line = text->reader.data, *equals = memchr(line, '=', text->reader.len);
    size_t name_len = equals ? (size_t)(equals - line) : text->reader.len;

    if (!equals)
        return read_binary(text);
    if (!match_is_field_name(line, name_len))
        return -EBADMSG;
    return fields_add(text->fields, line, name_len, equals + 1, text->reader.len - name_len - 1);
}

static uint64_t read_time(struct text_input *text)
{
    struct entry entry = fields_entry(text->fields, 0);
    const void *value;
    const char *digits;
    uint64_t usec = 0;
    size_t len;

    /* 19 digits cannot overflow, and reach further than any date that a line can have. */
    if (entry.get(&entry, "__REALTIME_TIMESTAMP", &value, &len) < 0 || len == 0 || len > 19)
        return text->last_usec;
    digits = value;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)digits[i]))
            return text->last_usec;
        usec = 10 * usec + (uint64_t)(digits[i] - '0');
    }
    return usec;
}

static int give(struct text_input *text, uint64_t usec, struct input_entry *ret)
{
    text->last_usec = usec;
    *ret = (struct input_entry){ .entry = fields_entry(text->fields, usec) };
    ret->is_shown = selection_holds(text->selection, &ret->entry);
    return 1;
}

static int next_export(struct input *input, struct input_entry *ret)
{
    struct text_input *text = (struct text_input *)input;
    bool any = false;
    int r;

    fields_clear(text->fields);
    while ((r = reader_line(&text->reader)) > 0) {
        if (text->reader.len == 0 && any)
            break;
        if (text->reader.len == 0)
            continue;
        any = true;
        r = read_field(text);
        if (r < 0)
            return r;
    }
    return r < 0 || !any ? r : give(text, read_time(text), ret);
}

/* "ident[pid]: " or "ident: "; returns its length, 0 if it is something else. */
static size_t read_tag(struct text_input *text, const char *line, size_t len, int *ret_error)
{
    size_t ident = 0, pid = 0, at;

    while (ident < len && !strchr(" :[", line[ident]))
        ident++;
    at = ident;
    if (at < len && line[at] == '[') {
        while (at + 1 + pid < len && isdigit((unsigned char)line[at + 1 + pid]))
            pid++;
        if (at + 1 + pid >= len || line[at + 1 + pid] != ']')
            return 0;
        at += 1 + pid + 1;
    }
    if (ident == 0 || at >= len || line[at] != ':')
        return 0;
    *ret_error =
        fields_add(text->fields, "SYSLOG_IDENTIFIER", strlen("SYSLOG_IDENTIFIER"), line, ident);
    if (*ret_error == 0 && pid > 0)
        *ret_error =
            fields_add(text->fields, "SYSLOG_PID", strlen("SYSLOG_PID"), line + ident + 1, pid);
    return at + 1 < len && line[at + 1] == ' ' ? at + 2 : at + 1;
}

/* Takes the time, the host and the tag off the line's beginning; what is left is the message. */
static int read_prefix(struct text_input *text, const char **line, size_t *len, uint64_t *ret_usec)
{
    size_t at = timestamp_parse_prefix(*line, *len, text->now_usec, ret_usec), host, tag;
    int r = 0;

    if (at == 0)
        return 0;
    for (host = at + 1; host < *len && (*line)[host] != ' '; host++)
        ;
    if (host >= *len)
        return 0;
    tag = read_tag(text, *line + host + 1, *len - host - 1, &r);
    if (r < 0)
        return r;
    if (tag == 0)
        return 0;
    r = fields_add(text->fields, "_HOSTNAME", strlen("_HOSTNAME"), *line + at + 1, host - at - 1);
    *line += host + 1 + tag;
    *len -= host + 1 + tag;
    return r;
}

/* The process by which the rules tell sessions apart, and a boot for it to run in. */
static int add_process(struct text_input *text)
{
    static const char boot[] = "00000000000000000000000000000000";
    struct entry entry = fields_entry(text->fields, 0);
    char pid[24];
    const void *value;
    size_t len;
    int r = 0;

    if (entry.get(&entry, "_PID", &value, &len) < 0 &&
        entry.get(&entry, "SYSLOG_PID", &value, &len) == 0 && len < sizeof(pid)) {
        memcpy(pid, value, len);
        r = fields_add(text->fields, "_PID", strlen("_PID"), pid, len);
    }
    if (r == 0 && entry.get(&entry, "_BOOT_ID", &value, &len) < 0)
        r = fields_add(text->fields, "_BOOT_ID", strlen("_BOOT_ID"), boot, strlen(boot));
    return r;
}

static int next_line(struct input *input, struct input_entry *ret)
{
    struct text_input *text = (struct text_input *)input;
    uint64_t usec = text->now_usec;
    const char *line;
    size_t len;
    int r;

    do {
        r = reader_line(&text->reader);
        if (r <= 0)
            return r;
    } while (text->reader.len == 0);
    line = text->reader.data;
    len = text->reader.len;
    fields_clear(text->fields);
    r = read_prefix(text, &line, &len, &usec);
    if (r == 0)
        r = fields_add(text->fields, "MESSAGE", strlen("MESSAGE"), line, len);
    if (r == 0)
        r = fields_add_missing(text->fields, text->defaults);
    if (r == 0)
        r = add_process(text);
    return r < 0 ? r : give(text, usec, ret);
}

/* journalctl -o export begins with "__CURSOR=..."; no server's log line begins like a field. */
static bool looks_like_export(const struct reader *reader)
{
    const char *equals = memchr(reader->data, '=', reader->len);

    return equals && match_is_field_name(reader->data, (size_t)(equals - reader->data));
}

/* journalctl -o json, or json-pretty, whose first line is the bracket alone. */
static bool looks_like_json(const struct reader *reader)
{
    static const char key[] = "\"__CURSOR\"", message[] = "\"MESSAGE\"";

    return reader->len > 0 && reader->data[0] == '{' &&
           (reader->len == 1 || memmem(reader->data, reader->len, key, strlen(key)) ||
            memmem(reader->data, reader->len, message, strlen(message)));
}

int input_open_text(FILE *file, const struct selection *selection, const struct fields *defaults,
                    uint64_t now_usec, struct input **ret)
{
    struct text_input *text = calloc(1, sizeof(*text));
    _cleanup_(input_freep) struct input *input = text ? &text->input : NULL;
    int r;

    if (!text)
        return -ENOMEM;
    *text = (struct text_input){
        .input = { next_line, free_text },
        .fields = fields_new(),
        .defaults = defaults,
        .selection = selection,
        .now_usec = now_usec,
        .last_usec = now_usec,
    };
    r = reader_open(&text->reader, file);
    if (r < 0 || !text->fields)
        return -ENOMEM;
    /* Empty lines are of no account in either form. */
    do
        r = reader_line(&text->reader);
    while (r > 0 && text->reader.len == 0);
    if (r < 0)
        return r;
    if (r > 0) {
        reader_hold(&text->reader);
        if (looks_like_json(&text->reader))
            return -EPROTONOSUPPORT;
        if (looks_like_export(&text->reader))
            text->input.next = next_export;
    }
    *ret = TAKE_PTR(input);
    return 0;
}
