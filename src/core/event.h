/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "addr.h"
#include "limits.h"

struct rule;

/* What one journal entry means: a user logged in from an address. By value, checked and canonical;
 * nothing behind the rules sees the entry's own text. */
struct event {
    struct addr addr;
    char user[USER_MAX + 1];
    const struct rule *rule; /* belongs to the rule set */
    uint64_t time_usec;      /* the entry's; may lie in the future if a clock was wrong */
};
