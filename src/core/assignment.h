/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

/* The assignments that are in force, in the order in which they were made, each with its origin. */
struct assignments;

struct assignment {
    char *section, *key, *value, *origin;
    bool is_default;
};

struct assignments *assignments_new(void);
struct assignments *assignments_free(struct assignments *assignments);
DEFINE_CLEANUP(struct assignments *, assignments_free)

/* Adds a copy of the assignment. Returns 0 or -ENOMEM. */
int assignments_add(struct assignments *assignments, const struct assignment *assignment);

/* Takes back what was assigned to a key: all of it, or only its default. Returns how many. */
size_t assignments_drop(struct assignments *assignments, const char *section, const char *key,
                        bool only_default);

size_t assignments_count(const struct assignments *assignments);
const struct assignment *assignments_at(const struct assignments *assignments, size_t i);
