/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/cleanup.h"
#include "core/entry.h"
#include "core/network.h"
#include "core/settings.h"
#include "store/change.h"
#include "store/map.h"

/* The watcher's work, on a table in memory: entries in, and what each of them comes to. The time is
 * the entries' own. */
struct replay;

enum verdict {
    VERDICT_LOGIN,
    VERDICT_LOGOUT,
    VERDICT_PENDING, /* a connection that waits for its login */
    VERDICT_FAIL,
    VERDICT_IGNORED, /* recognised, but it changes nothing */
    VERDICT_REFUSED, /* the map is full */
    VERDICT_STALE,   /* over before it was read */
    VERDICT_CUT,
    VERDICT_DROPPED, /* journald dropped messages that a rule may have needed */
    VERDICT_MISSED,
    _VERDICT_MAX,
};

/* As they are printed. */
extern const char *const verdict_names[_VERDICT_MAX];

struct outcome {
    enum verdict verdict;
    enum rules_verdict judged;
    const struct rule *rule; /* NULL if no rule took it, or tried to */
    struct event event;      /* for RULES_EVENT, as is `change` */
    struct change change;
    const char *why; /* IGNORED, and others that it explains; a constant. NULL: no more to say */
};

/* The settings and networks stay the caller's. Returns 0 or a negative errno. */
int replay_new(const struct settings *settings, const struct networks *local, struct replay **ret);
struct replay *replay_free(struct replay *replay);
DEFINE_CLEANUP(struct replay *, replay_free)

/* Judges the next entry. Returns 0 or a negative errno. */
int replay_entry(struct replay *replay, const struct entry *entry, struct outcome *ret);

/* Has what follows doubted: what went before is not known. */
void replay_doubt(struct replay *replay);

/* The table as it stands, and the time that it is there. */
struct map *replay_map(struct replay *replay);
uint64_t replay_now_usec(const struct replay *replay);

/* Whether the outcome is a login or logout that the rules recognised, of whomever, and whether or
 * not it changed the table. */
bool outcome_is_session_event(const struct outcome *outcome);

/* Whose it is, as far as known: from the entry, or else from the session that it belongs to. */
const char *outcome_user(const struct outcome *outcome);
bool outcome_addr(const struct outcome *outcome, struct addr *ret);

/* "FILE:LINE" of the pattern that matched; of the rule if it is not about a pattern; NULL without a
 * rule. */
const char *outcome_origin(const struct settings *settings, const struct outcome *outcome);
