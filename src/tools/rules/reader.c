/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader.h"

#include <errno.h>
#include <stdlib.h>

int reader_open(struct reader *reader, FILE *file)
{
    *reader = (struct reader){ .file = file, .data = malloc(READER_KEEP_MAX) };
    return reader->data ? 0 : -ENOMEM;
}

void reader_close(struct reader *reader)
{
    free(reader->data);
    reader->data = NULL;
}

static void keep(struct reader *reader, int c)
{
    if (reader->len < READER_KEEP_MAX)
        reader->data[reader->len++] = (char)c;
}

int reader_line(struct reader *reader)
{
    int c;

    if (reader->is_held) {
        reader->is_held = false;
        return 1;
    }
    reader->len = 0;
    c = getc(reader->file);
    if (c == EOF)
        return ferror(reader->file) ? -errno : 0;
    for (; c != EOF && c != '\n'; c = getc(reader->file))
        keep(reader, c);
    return ferror(reader->file) ? -errno : 1;
}

void reader_hold(struct reader *reader)
{
    reader->is_held = true;
}

int reader_block(struct reader *reader, size_t len)
{
    reader->len = 0;
    for (; len > 0; len--) {
        int c = getc(reader->file);

        if (c == EOF)
            return ferror(reader->file) ? -errno : -EBADMSG;
        keep(reader, c);
    }
    return getc(reader->file) == '\n' ? 0 : -EBADMSG;
}
