/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/network.h"
#include "core/settings.h"
#include "report.h"
#include "source.h"
#include "store/table.h"

/* One wake-up's work: what the journal has to say, and what time does, in one transaction of the
 * map together with the cursor; then, and only then, the log entries about it. */

struct batch_context {
    const struct settings *settings;
    struct map *map;
    struct table *table;
    struct source *source;
    const char *source_name;
    struct report *report;
    /* Each entry happens at its own time, and `now_usec` is moved along; otherwise all of them
     * happen now, and it is set. No entry happens later than now, whatever it says. */
    bool own_time;
    uint64_t now_usec;
};

enum batch_result {
    BATCH_DRAINED,        /* everything there is was read, and took effect */
    BATCH_MORE,           /* some of it was, and took effect */
    BATCH_JOURNAL_BROKEN, /* what was read took effect, or nothing did: go back to the map's place
                           */
    BATCH_MAP_FAILED,     /* nothing took effect; the table must be loaded, the journal gone back */
};

struct batch;

struct batch *batch_new(void);
struct batch *batch_free(struct batch *batch);
DEFINE_CLEANUP(struct batch *, batch_free)

/* *ret_error is set for the last two results, *ret_entries to how many entries took effect. */
enum batch_result batch_run(struct batch *batch, struct batch_context *context, int *ret_error,
                            size_t *ret_entries);
