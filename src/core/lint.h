/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "rule.h"

enum lint_severity {
    LINT_ERROR,   /* the watcher refuses such a rule, or would if it were enabled */
    LINT_WARNING, /* it does not do what it is meant to do, or more */
};

/* One finding. The place is a byte of what was assigned to the i-th `key` of the rule; `key` NULL
 * stands for the rule as a whole. */
struct lint_finding {
    const struct rule *rule;
    const char *key;
    size_t index;
    size_t offset;
    enum lint_severity severity;
    const char *text;
};

/* Called for each finding; the text is gone after it returns. A negative return value ends the
 * linting and is returned. */
typedef int (*lint_func)(const struct lint_finding *finding, void *userdata);

/* Looks for what is accepted but most likely wrong, or unsafe, in all rules, also disabled ones;
 * pop-before-smtp.rules(5) lists what that is. Returns 0, -ENOMEM, or what the function returned.
 */
int lint_rules(const struct rules *rules, lint_func func, void *userdata);
