/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "column.h"
#include "filter.h"

enum json_mode {
    JSON_OFF,
    JSON_PRETTY, /* an array over many lines */
    JSON_SHORT,  /* an array on one line */
    JSON_LINES,  /* an object a line */
};

/* The command line of pbs-list(1). */
struct options {
    struct filter *filter;
    const char *map_file;
    struct columns columns;
    bool columns_chosen;
    const struct column *sort;
    enum json_mode json;
    bool raw;
    bool headings;
    bool reverse;
    bool quiet;
};

enum options_result {
    OPTIONS_RUN,
    OPTIONS_DONE,  /* --help or --version, printed */
    OPTIONS_WRONG, /* what is wrong is on standard error */
    OPTIONS_NO_MEMORY,
};

/* Reads the command line. The texts in *ret belong to argv. */
enum options_result options_parse(int argc, char *argv[], struct options *ret);

void options_done(struct options *options);
