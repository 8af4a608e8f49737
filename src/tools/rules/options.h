/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fields.h"
#include "selection.h"

enum command {
    COMMAND_TEST,
    COMMAND_CHECK,
    COMMAND_LIST,
    COMMAND_EXPLAIN,
    _COMMAND_MAX,
};

/* Texts given by repeated options, NULL-terminated; `item` is NULL if there are none. */
struct texts {
    const char **item;
    size_t count;
};

/* The command line of pbs-rules(1). */
struct options {
    enum command command;
    const char *config; /* NULL: the installed configuration */
    const char *map_file;
    const char *directory, *name_space, *boot;
    struct texts files, rules;
    struct selection *selection;
    struct fields *fields; /* what a plain line lacks */
    uint64_t lines;        /* UINT64_MAX: all */
    const char *expect;
    const char *address; /* to be explained */
    bool from_stdin;
    bool follow, all, table, json, quiet;
    bool has_since; /* internal: -f shows the last lines unless something else was said */
};

enum options_result {
    OPTIONS_RUN,
    OPTIONS_DONE,  /* --help or --version, printed */
    OPTIONS_WRONG, /* what is wrong is on standard error */
    OPTIONS_NO_MEMORY,
};

/* Reads the command line. The texts in *ret belong to argv. */
enum options_result options_parse(int argc, char *argv[], uint64_t now_usec, struct options *ret);

void options_done(struct options *options);
