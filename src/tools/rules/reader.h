/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Standard input, or a file, in lines and in blocks of bytes; whatever stands in it, only so much
 * is kept of each. */

/* Several times MESSAGE_MAX: what is longer is judged as too long. */
#define READER_KEEP_MAX 65536

struct reader {
    FILE *file; /* belongs to the caller */
    char *data; /* what was read last */
    size_t len;
    bool is_held; /* it was put back */
};

/* Initialises it. Returns 0 or -ENOMEM. */
int reader_open(struct reader *reader, FILE *file);
void reader_close(struct reader *reader);

/* Reads a line, without its newline, into `data` and `len`. Returns 1, 0 at the end, or a negative
 * errno. */
int reader_line(struct reader *reader);

/* Has reader_line() return the same line again. */
void reader_hold(struct reader *reader);

/* Reads so many bytes and the newline behind them. Returns 0, -EBADMSG if they end too early or
 * something else follows, or another negative errno. */
int reader_block(struct reader *reader, size_t len);
