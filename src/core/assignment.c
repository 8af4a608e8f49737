/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An array in order, searched from the front: there are some dozen assignments, and they are looked
 * at only while the configuration is read or dumped. */

#include "assignment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct assignments {
    struct assignment *items;
    size_t count;
};

static void assignment_clear(struct assignment *assignment)
{
    free(assignment->section);
    free(assignment->key);
    free(assignment->value);
    free(assignment->origin);
}

struct assignments *assignments_new(void)
{
    return calloc(1, sizeof(struct assignments));
}

struct assignments *assignments_free(struct assignments *assignments)
{
    if (!assignments)
        return NULL;
    for (size_t i = 0; i < assignments->count; i++)
        assignment_clear(&assignments->items[i]);
    free(assignments->items);
    free(assignments);
    return NULL;
}

int assignments_add(struct assignments *assignments, const struct assignment *assignment)
{
    struct assignment copy = {
        .section = strdup(assignment->section),
        .key = strdup(assignment->key),
        .value = strdup(assignment->value),
        .origin = strdup(assignment->origin),
        .is_default = assignment->is_default,
    };
    struct assignment *items =
        reallocarray(assignments->items, assignments->count + 1, sizeof(*items));

    if (items)
        assignments->items = items;
    if (!items || !copy.section || !copy.key || !copy.value || !copy.origin) {
        assignment_clear(&copy);
        return -ENOMEM;
    }
    items[assignments->count++] = copy;
    return 0;
}

size_t assignments_drop(struct assignments *assignments, const char *section, const char *key,
                        bool only_default)
{
    size_t kept = 0, dropped;

    for (size_t i = 0; i < assignments->count; i++) {
        struct assignment *item = &assignments->items[i];

        if (strcmp(item->section, section) == 0 && strcmp(item->key, key) == 0 &&
            (item->is_default || !only_default))
            assignment_clear(item);
        else
            assignments->items[kept++] = *item;
    }
    dropped = assignments->count - kept;
    assignments->count = kept;
    return dropped;
}

size_t assignments_count(const struct assignments *assignments)
{
    return assignments->count;
}

const struct assignment *assignments_at(const struct assignments *assignments, size_t i)
{
    return &assignments->items[i];
}
