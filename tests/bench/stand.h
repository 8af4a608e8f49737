/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "store/table.h"

/* A table on a map file, as the watcher has it, driven as fast as it goes. */
struct stand {
    struct map *map;
    struct table *table;
    struct rules *rules;
    struct rule *rule; /* knows nothing of sessions: every login is an address and a time */
    struct networks *none;
};

/* Makes the map anew. Every failure of these functions ends the program: there is nothing to
 * measure then. */
void stand_open(struct stand *stand, const char *path, unsigned max_entries, uint64_t grace_usec);
void stand_close(struct stand *stand);

/* In one transaction each: lets time pass until `now_usec`; and logs in `count` addresses, which
 * next() numbers, one every `step_usec` from `now_usec` on. Returns the time after the last. */
void stand_pass(struct stand *stand, uint64_t now_usec);
uint64_t stand_log_in(struct stand *stand, uint32_t (*next)(void *userdata), void *userdata,
                      unsigned count, uint64_t now_usec, uint64_t step_usec);
