/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/network.h"
#include "core/settings.h"
#include "input.h"

/* What the commands need before they begin. Whatever fails is told on standard error; the return
 * value is then the exit status, and otherwise 0. */

enum {
    EXIT_MATCH = 0,
    EXIT_NO_MATCH = 1,
    EXIT_USAGE = 2,
};

__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

/* For a negative errno that has no better words: out of memory, most often. */
int complain_of(int error, const char *what);

/* Reads the configuration that `config` names, NULL for the installed one. With `rules`, a list
 * that ends with NULL, there are
 * these, enabled, and no others. */
int setup_settings(const char *config, const char *const *rules, struct settings **ret);

int setup_networks(const struct settings *settings, struct networks **ret);

int setup_journal(const struct input_journal_options *options, struct input **ret);

/* Flushes standard output; `status`, or EX_IOERR if that failed. */
int finish_output(int status);
