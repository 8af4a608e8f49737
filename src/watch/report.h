/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/rule.h"
#include "core/settings.h"
#include "store/change.h"

/* What the administrator gets to hear: a log entry an event with fields to search by, warnings that
 * cannot flood, and the status line of the service. */

enum trouble {
    TROUBLE_BAD_ADDRESS,
    TROUBLE_GAVE_UP,
    TROUBLE_CUT,
    TROUBLE_UNTIED,
    TROUBLE_CROWDED,
    TROUBLE_FULL,
    TROUBLE_UNFOLLOWED,
    TROUBLE_JOURNAL,
    TROUBLE_MAP,
    _TROUBLE_MAX,
};

struct report {
    uint64_t changes[_CHANGE_MAX]; /* since the start */
    uint64_t troubles[_TROUBLE_MAX];
    uint64_t drops;                     /* notices of journald */
    uint64_t warned_usec[_TROUBLE_MAX]; /* when last, on the monotonic clock */
    const char *prefix;
    char status[512];
};

/* True if report_change() does more than to count. */
bool report_has_words(const struct change *change);

void report_change(struct report *report, const struct change *change,
                   const struct settings *settings);

/* Counts a trouble, and warns of it at most once a minute; `detail` stands behind the standing
 * text: the rule's name for the first four, the user's for TROUBLE_CROWDED, what failed for the
 * others, or "". */
void report_trouble(struct report *report, enum trouble trouble, const char *detail);

/* Warns of journald's notice that it dropped messages of a unit that a rule listens to. */
void report_drop_notice(struct report *report, const char *notice, size_t len, const char *unit,
                        size_t unit_len);

/* Tells the service manager how things stand, if that differs from what it knows. */
void report_status(struct report *report, size_t entries, size_t sessions);

/* A constant text to stand before every status from now on. */
void report_prefix(struct report *report, const char *prefix);
