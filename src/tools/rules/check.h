/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "core/cleanup.h"
#include "core/lint.h"
#include "core/settings.h"

/* `pbs-rules check`: what lint.h finds, with the places where an administrator can mend it. */

struct finding {
    char *path;
    unsigned line, column; /* from 1; column 0 if the text is not there any more */
    enum lint_severity severity;
    char *text;
};

struct findings;

/* Lints all rules, also disabled ones. The settings are as config_files_read() left them;
 * settings_finish() is not needed, since what it would refuse is found here. Sorted by path, line
 * and column. Returns 0 or -ENOMEM. */
int findings_collect(const struct settings *settings, struct findings **ret);
struct findings *findings_free(struct findings *findings);
DEFINE_CLEANUP(struct findings *, findings_free)

size_t findings_count(const struct findings *findings);
const struct finding *findings_at(const struct findings *findings, size_t i);

/* Prints "FILE:LINE:COLUMN: error|warning: text", a line each. */
void findings_print(const struct findings *findings, FILE *file);

/* Prints what config_files_read() said in its `reterr`, with the column if it is a pattern that
 * does not compile. The caller's exit status is 78. */
void check_print_error(const char *error, FILE *file);
