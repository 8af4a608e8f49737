/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "core/entry.h"
#include "core/settings.h"
#include "folds.h"
#include "miss.h"
#include "replay.h"
#include "tally.h"

/* What is printed, for people or as JSON. */

/* One entry and what came of it. */
struct judgement {
    const struct entry *entry;
    const struct outcome *outcome;
    const struct miss *miss; /* why it was missed; NULL unless it was */
    const char *warning;     /* something odd about it; NULL if there is nothing */
    bool concerns;           /* false: an entry of another program */
};

struct report_options {
    FILE *file;
    bool colour;
    const struct settings *settings;
    const char *source; /* what is read, in words */
    bool quiet;         /* nothing but entries */
};

/* For people. */
void report_text_head(const struct report_options *options);
void report_text_entry(const struct report_options *options, const struct judgement *judgement);
/* The entry and what stopped the rules, as it stands below its shape. */
void report_text_miss(const struct report_options *options, const struct judgement *judgement);
/* `is_first`: nothing but the head was printed before. */
int report_text_folds(const struct report_options *options, struct folds *folds, bool is_first);
void report_text_summary(const struct report_options *options, const struct tally *tally,
                         bool is_first);

/* As JSON; they return 0 or -ENOMEM. `map` NULL: without the table. */
int report_json_entry(const struct report_options *options, const struct judgement *judgement);
int report_json_summary(const struct report_options *options, const struct tally *tally,
                        struct map *map, uint64_t now_usec);
