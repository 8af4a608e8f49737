/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/settings.h"

/* Rules of conf.d/ with a mistake that somebody could have made. */
struct weak {
    const char *rule;
    const char *key, *pattern; /* what stands there instead of all that is there */
};

/* Ends with NULL for rule. */
extern const struct weak weak_rules[];

void weaken(struct settings *settings, const struct weak *weak);
