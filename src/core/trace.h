/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "pattern.h"

/* Where a pattern that does not match got furthest, for an administrator who wonders why. All are
 * offsets and lengths in bytes. */
struct trace {
    size_t depth; /* for comparing patterns: how much of this one was matched before it stopped */
    size_t
        subject; /* the first byte that did not fit; the subject's length if it ended too early */
    size_t item; /* the part of the pattern's text that wanted something else there, */
    size_t item_len; /* 0 at the pattern's end */
    size_t word;   /* how many bytes directly before both belong to the same literal word and fit */
    bool searched; /* it was looked for from `subject` to the end, behind a wildcard */
    bool gave_up;  /* a limit ended the match; this is how far it came until then */
};

/* Runs the pattern again, and slowly, watching each step: for the misses that are shown, not for
 * every one. Returns 0 with *ret set; -EEXIST if the pattern does match; -ENOMEM. */
int trace_pattern(const struct pattern *pattern, const char *subject, size_t len,
                  struct trace *ret);
