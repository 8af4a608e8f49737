/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A strict reader for the unit-file syntax. Libraries for it lose repeated keys, cut values at "#"
 * or at 200 bytes, or join what should not be joined; patterns need all of that to be right. */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

struct reader {
    char *section;
    char *assignment; /* the logical line that is being put together; NULL between two */
    size_t len;
    unsigned line; /* where it begins */
    config_item_func func;
    void *userdata;
    const char *reason;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void trim(const char **start, const char **end)
{
    while (*start < *end && is_blank(**start))
        ++*start;
    while (*end > *start && is_blank((*end)[-1]))
        --*end;
}

static int fail(struct reader *reader, const char *reason)
{
    reader->reason = reason;
    return -EBADMSG;
}

static int read_section(struct reader *reader, const char *start, const char *end)
{
    char *section;

    if (end - start < 3 || end[-1] != ']' || memchr(start + 1, ']', (size_t)(end - start - 2)) ||
        memchr(start + 1, '[', (size_t)(end - start - 2)))
        return fail(reader, "a section is written as [Name]");
    section = strndup(start + 1, (size_t)(end - start - 2));
    if (!section)
        return -ENOMEM;
    free(reader->section);
    reader->section = section;
    return 0;
}

static int read_assignment(struct reader *reader, const char *start, const char *end)
{
    const char *equals = memchr(start, '=', (size_t)(end - start));
    const char *key_end, *value;
    _cleanup_(freep) char *key = NULL, *text = NULL;
    struct config_item item;

    if (!equals)
        return fail(reader, "neither [Section], Key=value nor a comment");
    key_end = equals;
    value = equals + 1;
    trim(&start, &key_end);
    trim(&value, &end);
    if (key_end == start)
        return fail(reader, "no key before the \"=\"");
    key = strndup(start, (size_t)(key_end - start));
    text = strndup(value, (size_t)(end - value));
    if (!key || !text)
        return -ENOMEM;
    item = (struct config_item){ reader->section, key, text, reader->line };
    return reader->func(&item, reader->userdata);
}

static int read_logical_line(struct reader *reader, const char *start, const char *end)
{
    trim(&start, &end);
    if (start == end)
        return 0;
    if (*start == '[')
        return read_section(reader, start, end);
    return read_assignment(reader, start, end);
}

/* Adds a line to the one being put together, with a blank in place of backslash and newline. */
static int continue_line(struct reader *reader, const char *start, const char *end)
{
    char *joined = realloc(reader->assignment, reader->len + (size_t)(end - start) + 1);

    if (!joined)
        return -ENOMEM;
    memcpy(joined + reader->len, start, (size_t)(end - start));
    reader->assignment = joined;
    reader->len += (size_t)(end - start);
    return 0;
}

static int finish_line(struct reader *reader)
{
    _cleanup_(freep) char *text = TAKE_PTR(reader->assignment);
    size_t len = reader->len;

    reader->len = 0;
    return text ? read_logical_line(reader, text, text + len) : 0;
}

static int read_line(struct reader *reader, const char *start, const char *end, unsigned line)
{
    static const char blank[] = " ";
    const char *text = start, *text_end = end;
    bool continues;
    int r;

    trim(&text, &text_end);
    if (text < text_end && (*text == '#' || *text == ';'))
        return 0;
    continues = text < text_end && text_end[-1] == '\\';
    if (!reader->assignment)
        reader->line = line;
    if (!reader->assignment && !continues)
        return read_logical_line(reader, text, text_end);
    if (continues)
        text_end--;
    trim(&text, &text_end);
    r = continue_line(reader, text, text_end);
    if (r == 0 && continues)
        r = continue_line(reader, blank, blank + 1);
    if (r < 0 || continues)
        return r;
    return finish_line(reader);
}

static int read_text(struct reader *reader, const char *text, const char *end)
{
    for (unsigned line = 1; text < end; line++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        int r = read_line(reader, text, newline ? newline : end, line);

        if (r < 0)
            return r;
        text = newline ? newline + 1 : end;
    }
    return finish_line(reader);
}

int config_parse(const char *text, size_t len, config_item_func func, void *userdata,
                 unsigned *reterr_line, const char **reterr_reason)
{
    struct reader reader = { .func = func, .userdata = userdata };
    const char *nul = memchr(text, 0, len);
    int r;

    if (nul) {
        *reterr_line = 1;
        for (const char *p = text; p < nul; p++)
            *reterr_line += *p == '\n';
        *reterr_reason = "a NUL byte; this is not a text file";
        return -EBADMSG;
    }
    reader.section = strdup("");
    if (!reader.section)
        return -ENOMEM;
    r = read_text(&reader, text, text + len);
    free(reader.section);
    free(reader.assignment);
    *reterr_line = reader.line;
    *reterr_reason = reader.reason;
    return r;
}
