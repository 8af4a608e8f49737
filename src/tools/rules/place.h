/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <limits.h>
#include <stddef.h>

/* A place in a configuration file. */
struct place {
    char path[PATH_MAX];   /* safe to show */
    unsigned line, column; /* from 1; 0 if not known */
};

#define PLACE_TEXT_MAX (PATH_MAX + 24)

/* Where a byte of an assignment's value stands; `origin` is "FILE:LINE", as settings keep it. The
 * file is read again; if that fails, or the text is not there any more, the line is that of the
 * origin and the column is 0. */
void place_find(const char *origin, size_t offset, struct place *ret);

/* Writes "FILE:LINE:COLUMN", without what is not known. */
void place_format(const struct place *place, char ret[static PLACE_TEXT_MAX]);

/* Reads a configuration file; the caller frees it. NULL if that is not possible. */
char *place_read_file(const char *path, size_t *ret_len);
