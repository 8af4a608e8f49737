/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "row.h"

/* What can be shown of a row: by name in the table, by key in JSON. */

enum cell_kind {
    CELL_NONE, /* "-" in the table, null in JSON */
    CELL_TEXT,
    CELL_COUNT,
    CELL_TIME, /* µs since the epoch, shown as date and time of day */
    CELL_PAST, /* µs since the epoch, shown as the span since then */
    CELL_LEFT, /* µs from now */
};

struct cell {
    enum cell_kind kind;
    const char *text; /* CELL_TEXT; belongs to the row */
    uint64_t number;  /* all others */
    bool is_held;     /* CELL_LEFT: a session is open, and grace begins when it ends */
};

struct column {
    const char *name;
    const char *key;
    const char *help;
    bool right; /* numbers stand at the right */
    bool wraps; /* text of any length, wrapped where the terminal is too narrow */
    struct cell (*cell)(const struct row *row, uint64_t now_usec);
};

#define CELL_TEXT_MAX 320 /* USER_MAX, or a date */

/* Writes the cell as the table shows it; returns `ret`. */
const char *cell_format(const struct cell *cell, uint64_t now_usec, char ret[static CELL_TEXT_MAX]);

/* The i-th of all columns; NULL past the last. */
const struct column *column_at(size_t i);

/* The column of that name in any case; NULL if there is none. */
const struct column *column_find(const char *name, size_t len);

/* The order of two rows by one column: negative, zero or positive. */
int column_compare(const struct column *column, const struct row *a, const struct row *b,
                   uint64_t now_usec);

#define COLUMNS_MAX 16 /* in one table; each of them twice is enough for anybody */

/* A choice of columns. */
struct columns {
    const struct column *column[COLUMNS_MAX];
    size_t count;
};

/* Reads a list such as "ADDRESS,LEFT", or "+EXPIRES" to add to what is chosen already. Returns 0,
 * -EINVAL for an unknown name, or -E2BIG; *ret is then as it was. */
int columns_parse(const char *text, struct columns *ret);
