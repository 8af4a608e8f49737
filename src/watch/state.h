/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "core/cleanup.h"
#include "core/network.h"
#include "core/settings.h"
#include "source.h"
#include "store/table.h"

/* Everything that a set of settings brings with it. It is made whole or not at all; each failure
 * but -ENOMEM is logged where it happens, and comes back as a negative errno. */
struct state {
    struct settings *settings;
    struct networks *local_networks;
    struct map *map;
    struct table *table;
    struct source *source;
    bool from_start; /* all of the journal is to be read, and nothing of that is committed yet */
};

/* Takes `settings` in any case. -ENOMEDIUM: no journal can be read; -EMEDIUMTYPE, -EPROTONOSUPPORT:
 * the map is not ours. */
int state_open(struct settings *settings, struct state **ret);
struct state *state_free(struct state *state);
DEFINE_CLEANUP(struct state *, state_free)

/* Puts other settings in force; takes them in any case. On failure the state is as it was, but for
 * -ENOTRECOVERABLE, after which there is no map any more. The new source is not attached to a loop.
 */
int state_change(struct state *state, struct settings *settings);

/* The name under which the map keeps the source's cursor. */
const char *state_source_name(const struct state *state);

/* After a transaction that failed: makes the table say again what the map says, and has the source
 * go back to where the map stands. A map that cannot be read, or with `map_is_damaged`, is opened
 * anew; a new one takes its place if it is damaged indeed. After a failure there is no map any
 * more. If it is the source that fails, source_next() will say so. */
int state_recover(struct state *state, bool map_is_damaged);

/* After the clock was set: nobody stays allowed for longer than a login now would be. After a
 * failure, state_recover(). */
int state_mend(struct state *state);
