/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What settings.c and settings-keys.c share: a table row for each key. */

#include "settings.h"

/* What a row's functions work on: `rule` is NULL in [Watcher]. */
struct target {
    struct settings *settings;
    struct rule *rule;
};

struct setting {
    const char *key;
    const char *fallback; /* NULL: none is shown */
    int (*assign)(const struct target *target, const struct setting *setting, const char *value,
                  char *reterr);
    void (*reset)(const struct target *target,
                  const struct setting *setting); /* empties a list; NULL if it is not one */
    size_t offset; /* of the field in struct settings, if that is all */
    unsigned most;
    enum event_kind kind; /* of a rule's list of patterns */
};

/* The keys of [Watcher] and of [Rule NAME], each table with a row without a key at its end. */
extern const struct setting settings_watcher_keys[];
extern const struct setting settings_rule_keys[];
