/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "server.h"

/* The command line; the strings belong to argv. */
struct options {
    const char *listen[SERVER_LISTENERS_MAX];
    size_t n_listen;
    const char *dbfile;
    const char *catch_up; /* the watcher's socket; "": it is not asked */
    unsigned max_connections;
    bool debug;
};

enum options_result {
    OPTIONS_RUN,
    OPTIONS_PRINTED, /* --help or --version; nothing else is to be done */
    OPTIONS_WRONG,   /* the error is on standard error already */
};

enum options_result options_parse(int argc, char **argv, struct options *ret);

/* Tells on standard error where help is to be had, after an error of usage. */
void options_hint(void);
