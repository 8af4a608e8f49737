/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "options.h"

/* What options.c and options-select.c share. */

#define LINES_DEFAULT 10

struct parsing {
    struct options *options;
    int argc;
    char **argv;
    uint64_t now_usec;
};

/* Takes an option. Returns 0, 1 if there is nothing left to do, -EINVAL if the argument is wrong
 * and has been complained about, or -ENOMEM. */
typedef int (*option_func)(struct parsing *parsing, const char *arg);

/* Those that say which entries are asked for. */
int options_take_unit(struct parsing *parsing, const char *arg);
int options_take_identifier(struct parsing *parsing, const char *arg);
int options_take_boot(struct parsing *parsing, const char *arg);
int options_take_lines(struct parsing *parsing, const char *arg);
int options_take_since(struct parsing *parsing, const char *arg);
int options_take_until(struct parsing *parsing, const char *arg);
int options_take_field(struct parsing *parsing, const char *arg);

/* The word behind the option, or the first one behind all; NULL if there is none. */
const char *options_next_word(const struct parsing *parsing);

/* Says on standard error what is wrong, and what would be right; returns -EINVAL. */
int options_wrong(const char *what, const char *arg, const char *allowed);
