/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table, by libsmartcols, which measures the terminal and the width of characters. */

#include "table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>

#include "core/cleanup.h"

DEFINE_CLEANUP(struct libscols_table *, scols_unref_table)

static int add_columns(struct libscols_table *table, const struct columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = columns->column[i];
        int flags = (column->right ? SCOLS_FL_RIGHT : 0) | (column->wraps ? SCOLS_FL_WRAP : 0);

        if (!scols_table_new_column(table, column->name, 0, flags))
            return -ENOMEM;
    }
    return 0;
}

static int add_row(struct libscols_table *table, const struct columns *columns,
                   const struct row *row, uint64_t now_usec)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    int r = line ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < columns->count; i++) {
        struct cell cell = columns->column[i]->cell(row, now_usec);
        char text[CELL_TEXT_MAX];

        r = scols_line_set_data(line, i, cell_format(&cell, now_usec, text));
    }
    return r;
}

static void print_count(size_t count)
{
    if (count == 0)
        puts("No entries.");
    else
        printf("\n%zu %s listed.\n", count, count == 1 ? "entry" : "entries");
}

int table_print(const struct listing *listing, const struct columns *columns, bool headings,
                bool raw, uint64_t now_usec)
{
    _cleanup_(scols_unref_tablep) struct libscols_table *table = scols_new_table();
    int r = table ? 0 : -ENOMEM;

    if (r == 0)
        r = scols_table_enable_raw(table, raw);
    if (r == 0)
        r = scols_table_enable_noheadings(table, !headings);
    if (r == 0)
        r = add_columns(table, columns);
    for (size_t i = 0; r == 0 && i < listing->count; i++)
        r = add_row(table, columns, &listing->row[i], now_usec);
    if (r == 0 && listing->count > 0)
        r = scols_print_table(table);
    if (r == 0 && headings && !raw)
        print_count(listing->count);
    return r;
}
