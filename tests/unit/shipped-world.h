/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/network.h"
#include "core/rule.h"
#include "core/settings.h"
#include "store/change.h"
#include "store/map.h"
#include "store/table.h"

/* Rules of conf.d/ with a map in memory, where nobody is local: what the watcher does, without a
 * journal and a clock. */
struct world {
    struct settings *settings;
    struct networks *nobody;
    struct map *map;
    struct table *table;
    uint64_t now_usec;
};

/* `files` ends with NULL. */
void open_world(struct world *world, const char *const *files);
void close_world(struct world *world);

/* What comes of an entry that was judged so: true if it was an event, and *ret what that did. */
bool apply_verdict(struct world *world, enum rules_verdict verdict, const struct event *event,
                   struct change *ret);
