/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "column.h"
#include "filter.h"
#include "json.h"

/* The command line of pbs-list(1). */
struct options {
    struct filter *filter;
    const char *map_file; /* NULL: the default */
    struct columns columns;
    bool columns_chosen;
    const struct column *sort;
    enum json_mode json;
    bool raw;
    bool headings;
    bool reverse;
    bool quiet;
    const char *explain; /* an address; all below is for that alone */
    const char *config, *directory, *name_space;
    const char **files; /* ends with NULL; NULL if there are none */
    size_t n_files;
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
