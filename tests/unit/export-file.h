/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fake-entry.h"

/* Reads entries from a file in the Journal Export Format of systemd, as fake entries. */

#define EXPORT_FIELDS_MAX 64

struct export_file {
    char *data;
    size_t len, at;
    char names[EXPORT_FIELDS_MAX][65];
    struct fake_field fields[EXPORT_FIELDS_MAX + 1]; /* of the entry that was read last */
};

/* Both end the test if the file is missing or not in that format. */
void export_open(struct export_file *file, const char *path);
bool export_next(struct export_file *file); /* false at the end */
void export_close(struct export_file *file);

/* The whole of a file, with a NUL behind it; for the caller to free. */
char *read_whole_file(const char *path, size_t *ret_len);
