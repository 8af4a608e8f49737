/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A strict reader for the unit-file syntax. Libraries for it lose repeated keys, cut values at "#"
 * or at 200 bytes, or join what should not be joined; patterns need all of that to be right. */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* Where a piece of a logical line stands in the file. */
struct piece {
    size_t at; /* in the logical line */
    unsigned line, column;
};

/* What config_locate() looks for. */
struct sought {
    unsigned line;
    size_t offset;
    unsigned ret_line, ret_column;
};

struct reader {
    char *section;
    char *assignment; /* the logical line that is being put together; NULL between two */
    size_t len;
    unsigned line;         /* where it begins */
    const char *logical;   /* the one that is being read */
    struct sought *sought; /* NULL if nothing is; there are pieces only if something is */
    struct piece *piece;
    size_t pieces;
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

static int note_piece(struct reader *reader, size_t at, unsigned line, const char *start,
                      const char *text)
{
    struct piece *piece;

    if (!reader->sought)
        return 0;
    piece = reallocarray(reader->piece, reader->pieces + 1, sizeof(*piece));
    if (!piece)
        return -ENOMEM;
    piece[reader->pieces++] = (struct piece){ at, line, (unsigned)(text - start) + 1 };
    reader->piece = piece;
    return 0;
}

/* Returns -EEXIST if the byte is in this value, which ends the reading. */
static int seek_value(const struct reader *reader, const char *value, const char *end)
{
    struct sought *sought = reader->sought;
    size_t at = (size_t)(value - reader->logical) + sought->offset, i = reader->pieces - 1;

    if (reader->line != sought->line || sought->offset > (size_t)(end - value))
        return 0;
    while (i > 0 && reader->piece[i].at > at)
        i--;
    sought->ret_line = reader->piece[i].line;
    sought->ret_column = reader->piece[i].column + (unsigned)(at - reader->piece[i].at);
    return -EEXIST;
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
    if (reader->sought)
        return seek_value(reader, value, end);
    key = strndup(start, (size_t)(key_end - start));
    text = strndup(value, (size_t)(end - value));
    if (!key || !text)
        return -ENOMEM;
    item = (struct config_item){ reader->section, key, text, reader->line };
    return reader->func(&item, reader->userdata);
}

static int read_logical_line(struct reader *reader, const char *start, const char *end)
{
    reader->logical = start;
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

static int add_to_line(struct reader *reader, const char *start, const char *text, const char *end,
                       unsigned line)
{
    int r = note_piece(reader, reader->len, line, start, text);

    return r < 0 ? r : continue_line(reader, text, end);
}

static int read_line(struct reader *reader, const char *start, const char *end, unsigned line)
{
    static const char blank[] = " ";
    const char *text = start, *text_end = end, *backslash;
    bool continues;
    int r;

    trim(&text, &text_end);
    if (text < text_end && (*text == '#' || *text == ';'))
        return 0;
    continues = text < text_end && text_end[-1] == '\\';
    if (!reader->assignment) {
        reader->line = line;
        reader->pieces = 0;
    }
    if (!reader->assignment && !continues) {
        r = note_piece(reader, 0, line, start, text);
        return r < 0 ? r : read_logical_line(reader, text, text_end);
    }
    if (continues)
        text_end--;
    backslash = text_end;
    trim(&text, &text_end);
    r = add_to_line(reader, start, text, text_end, line);
    if (r == 0 && continues) {
        r = note_piece(reader, reader->len, line, start, backslash);
        r = r < 0 ? r : continue_line(reader, blank, blank + 1);
    }
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

int config_locate(const char *text, size_t len, unsigned line, size_t offset, unsigned *ret_line,
                  unsigned *ret_column)
{
    struct sought sought = { .line = line, .offset = offset };
    struct reader reader = { .sought = &sought, .section = strdup("") };
    int r = reader.section ? read_text(&reader, text, text + len) : -ENOMEM;

    free(reader.section);
    free(reader.assignment);
    free(reader.piece);
    if (r == -ENOMEM)
        return r;
    if (r != -EEXIST)
        return -ENOENT;
    *ret_line = sought.ret_line;
    *ret_column = sought.ret_column;
    return 0;
}
