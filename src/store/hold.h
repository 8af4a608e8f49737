/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/cleanup.h"

/* The addresses that open sessions hold in the table, beyond the grace of their logins. */
struct holds;

struct hold {
    struct addr addr; /* as the map sees it */
    uint32_t sessions;
    uint64_t grace_usec; /* until when the logins so far would have allowed it */
    uint32_t item;       /* the address's in the roster */
    bool was_known;      /* it was in the map before */
    bool is_noted;       /* `grace_usec` is in the map, or has to be looked for there first */
};

struct holds *holds_new(void);
struct holds *holds_free(struct holds *holds);
DEFINE_CLEANUP(struct holds *, holds_free)
void holds_clear(struct holds *holds);

/* NULL if no session holds the address. */
struct hold *holds_find(const struct holds *holds, const struct addr *addr);

/* The address's hold, made without sessions if there is none; NULL if there is no memory. */
struct hold *holds_get(struct holds *holds, const struct addr *addr);

void holds_drop(struct holds *holds, struct hold *hold);

size_t holds_count(const struct holds *holds);
