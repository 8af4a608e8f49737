/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A line is "FIELD=text", or "FIELD" alone and then a 64-bit little-endian length, as many bytes
 * and a newline; an empty line ends an entry. */

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "core/cleanup.h"
#include "export-file.h"

char *read_whole_file(const char *path, size_t *ret_len)
{
    _cleanup_(fclosep) FILE *file = fopen(path, "re");
    size_t len = 0, capacity = 0;
    char *data = NULL;

    check_true(path, file != NULL);
    do {
        capacity = capacity ? 2 * capacity : 65536;
        data = realloc(data, capacity);
        assert_non_null(data);
        len += fread(data + len, 1, capacity - len - 1, file);
    } while (len == capacity - 1);
    check_true(path, !ferror(file));
    data[len] = '\0';
    *ret_len = len;
    return data;
}

void export_open(struct export_file *file, const char *path)
{
    *file = (struct export_file){ .at = 0 };
    file->data = read_whole_file(path, &file->len);
}

void export_close(struct export_file *file)
{
    free(file->data);
    file->data = NULL;
}

static uint64_t read_le64(const char *data)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | (unsigned char)data[i];
    return value;
}

/* Reads one line into the field; false for the empty one. */
static bool read_field(struct export_file *file, size_t i)
{
    const char *line = file->data + file->at;
    size_t left = file->len - file->at, line_len, name_len;
    const char *end = memchr(line, '\n', left), *equals;
    struct fake_field *field = &file->fields[i];

    check_true("complete line", end != NULL);
    line_len = (size_t)(end - line);
    file->at += line_len + 1;
    if (line_len == 0)
        return false;
    equals = memchr(line, '=', line_len);
    name_len = equals ? (size_t)(equals - line) : line_len;
    check_true("field name", name_len > 0 && name_len < sizeof(file->names[i]));
    memcpy(file->names[i], line, name_len);
    file->names[i][name_len] = '\0';
    *field = (struct fake_field){ .name = file->names[i] };
    if (equals) {
        field->data = equals + 1;
        field->len = line_len - name_len - 1;
        return true;
    }
    check_true("binary field", left >= line_len + 1 + 8);
    field->data = end + 9;
    field->len = read_le64(end + 1);
    check_true("binary field", field->len < left - line_len - 9 && end[9 + field->len] == '\n');
    file->at += 8 + field->len + 1;
    return true;
}

bool export_next(struct export_file *file)
{
    size_t n = 0;

    while (file->at < file->len && n == 0)
        while (file->at < file->len && read_field(file, n)) {
            n++;
            check_true("number of fields", n < EXPORT_FIELDS_MAX);
        }
    file->fields[n] = (struct fake_field){ .name = NULL };
    return n > 0;
}
