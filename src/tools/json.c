/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON, by jansson: flat objects, times and spans as whole numbers of microseconds under a name
 * that says so, null for what is not known. */

#include "json.h"

#include <errno.h>

#include "core/cleanup.h"

static json_t *cell_value(const struct cell *cell)
{
    if (cell->kind == CELL_NONE)
        return json_null();
    if (cell->kind == CELL_TEXT)
        return json_string(cell->text);
    return json_integer((json_int_t)cell->number);
}

static json_t *row_object(const struct row *row, const struct columns *columns, uint64_t now_usec)
{
    _cleanup_(json_decrefp) json_t *object = json_object();

    if (!object)
        return NULL;
    for (size_t i = 0; i < columns->count; i++) {
        struct cell cell = columns->column[i]->cell(row, now_usec);

        if (json_object_set_new(object, columns->column[i]->key, cell_value(&cell)) < 0)
            return NULL;
    }
    return TAKE_PTR(object);
}

static int print_lines(const struct listing *listing, const struct columns *columns,
                       uint64_t now_usec)
{
    for (size_t i = 0; i < listing->count; i++) {
        _cleanup_(json_decrefp) json_t *object = row_object(&listing->row[i], columns, now_usec);

        if (!object)
            return -ENOMEM;
        json_dumpf(object, stdout, JSON_COMPACT);
        fputc('\n', stdout);
    }
    return 0;
}

json_t *json_rows(const struct listing *listing, const struct columns *columns, uint64_t now_usec)
{
    _cleanup_(json_decrefp) json_t *array = json_array();

    if (!array)
        return NULL;
    for (size_t i = 0; i < listing->count; i++)
        if (json_array_append_new(array, row_object(&listing->row[i], columns, now_usec)) < 0)
            return NULL;
    return TAKE_PTR(array);
}

static int print_array(const struct listing *listing, const struct columns *columns, size_t flags,
                       uint64_t now_usec)
{
    _cleanup_(json_decrefp) json_t *array = json_rows(listing, columns, now_usec);

    if (!array)
        return -ENOMEM;
    json_dumpf(array, stdout, flags);
    fputc('\n', stdout);
    return 0;
}

int json_print(const struct listing *listing, const struct columns *columns, enum json_mode mode,
               uint64_t now_usec)
{
    if (mode == JSON_LINES)
        return print_lines(listing, columns, now_usec);
    return print_array(listing, columns, mode == JSON_PRETTY ? JSON_INDENT(4) : JSON_COMPACT,
                       now_usec);
}
