/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/rule.h"
#include "core/settings.h"

/* The rules in conf.d/, all of them enabled, and entries for them to judge. */

/* `files` ends with NULL; fails the test if they are not rules that work. */
struct settings *load_shipped_rules(const char *const *files);

/* One line of a server's log. */
struct shipped_line {
    const char *unit, *identifier, *uid;
    const char *pid; /* NULL: that of no other line, so that none suffers from the one before */
    const char *message;
};

enum rules_verdict judge_shipped(const struct settings *settings, const struct shipped_line *line,
                                 struct event *ret);
