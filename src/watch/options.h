/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/settings.h"

/* What the command line asks for. Options that have a key in the configuration file are kept as
 * assignments to it, and override the file. */
struct options {
    const char *config;   /* NULL: the installed configuration */
    const char *pid_file; /* NULL: stay in the foreground */
    bool check, dump_config, list, version, help;
    struct {
        const char *option, *key, *value;
    } overrides[32];
    size_t n_overrides;
};

enum options_result {
    OPTIONS_VALID,
    OPTIONS_WRONG, /* what is wrong was written to standard error */
};

/* Reads the command line, and checks the values of options; what it keeps points into `argv`. */
enum options_result options_parse(int argc, char *argv[], struct options *ret);

void options_print_help(void);

/* Makes the assignments. Returns 0, -ENOMEM, or -EINVAL with the reason. */
int options_apply(const struct options *options, struct settings *settings,
                  char reterr[static SETTINGS_ERROR_MAX]);
