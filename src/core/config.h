/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* The syntax of configuration files is that of systemd.syntax(7) without quoting: "[Section]",
 * "Key=value", comment lines that begin with "#" or ";", blanks around "=" and at the ends dropped,
 * a backslash at a line's end continues it (comment lines in between are skipped). A "#" inside a
 * value is part of the value. */

struct config_item {
    const char *section; /* "" before the first section */
    const char *key;
    const char *value; /* "" for an empty assignment, which resets a list */
    unsigned line;     /* where the key stands */
};

/* Called for each assignment in order; the strings are gone after it returns. A negative return
 * value ends the reading and is returned by config_parse(). */
typedef int (*config_item_func)(const struct config_item *item, void *userdata);

/* Reads `len` bytes of text. Returns 0, or what the callback returned if that was negative, or
 * -ENOMEM, or for bad syntax -EBADMSG. On failure *reterr_line is the line, and *reterr_reason, a
 * constant, what is wrong with its syntax, or NULL if it was the callback that failed. */
int config_parse(const char *text, size_t len, config_item_func func, void *userdata,
                 unsigned *reterr_line, const char **reterr_reason);

/* Where in the same text a byte of a value stands: `line` is that of the item, `offset` counts the
 * value's bytes and may be its length. Where lines are joined, the blank in between stands at the
 * backslash. Returns 0 with line and column, counted in bytes, both from 1; -ENOENT if no item
 * begins on that line or its value is shorter; -ENOMEM. */
int config_locate(const char *text, size_t len, unsigned line, size_t offset, unsigned *ret_line,
                  unsigned *ret_column);
