/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What lint.c and lint-pattern.c share. */

#include "lint.h"

struct linter {
    const struct rule *rule;
    lint_func func;
    void *userdata;
};

/* Reports a finding; returns what the caller's function does. */
int lint_report(struct linter *linter, const char *key, size_t index, size_t offset,
                enum lint_severity severity, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* Looks into one pattern, which begins at `skip` in what was assigned. Returns 0, -ENOMEM, or what
 * the caller's function returned. */
int lint_pattern(struct linter *linter, const char *text, const char *key, size_t index,
                 size_t skip);
