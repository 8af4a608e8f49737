/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cleanup.h"
#include "core/session.h"

/* Which sessions have not ended, by their keys' text (session.h): an index in memory of what the
 * map holds, for the questions that the map cannot answer: which one's time is over next, which
 * belong to a unit or to a user. */
struct sessions;

struct sessions *sessions_new(void);
struct sessions *sessions_free(struct sessions *sessions);
DEFINE_CLEANUP(struct sessions *, sessions_free)
void sessions_clear(struct sessions *sessions);

/* Adds a session, or gives the one with that key another time. Returns 0 or -ENOMEM; the index is
 * unchanged on failure. */
int sessions_put(struct sessions *sessions, const char *key, const struct session *session,
                 uint64_t due_usec);

void sessions_remove(struct sessions *sessions, const char *key);

/* The key of the one that is due first, NULL if there is none; it holds until the next change. */
const char *sessions_first(const struct sessions *sessions, enum session_state state,
                           uint64_t *ret_due_usec);

size_t sessions_count(const struct sessions *sessions, enum session_state state);

/* True if the unit has sessions, and of another run than this one. */
bool sessions_has_other_run(const struct sessions *sessions, const char *unit,
                            const char *invocation);

/* The keys, as an array that ends with NULL, for the caller to free(), of all sessions of a unit;
 * of the open ones of a rule, or of all if it is NULL, that may be of that user (another user can
 * be among them). Each key holds until its own session is removed. NULL if there is no memory. */
const char **sessions_of_unit(const struct sessions *sessions, const char *unit);
const char **sessions_of_user(const struct sessions *sessions, const char *rule, const char *user);
