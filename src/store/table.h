/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "change.h"
#include "core/cleanup.h"
#include "core/event.h"
#include "core/network.h"
#include "core/rule.h"
#include "map.h"

/* Who is allowed, and until when: what events change in the map, and what time does. The map holds
 * the truth; this adds when to look at which of its records again. All times are arguments. */
struct table;

/* What the table goes by. All that it points to has to outlive its use. */
struct table_policy {
    const struct rules *rules;
    const struct networks *local, *never; /* who is never allowed */
    uint64_t grace_usec; /* what is left to an address whose session's rule is gone */
    /* For how long a login can count, and an open session; 0 if none are followed. */
    uint64_t longest_grace_usec, longest_session_usec;
    size_t max_per_user; /* addresses */
};

/* `map` stays the caller's and must outlive the table. Returns 0 or -ENOMEM. */
int table_new(struct map *map, size_t max_entries, struct table **ret);
struct table *table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free)

/* Learns what the map holds, and goes by `policy` from then on: at the start, after each
 * transaction that did not take effect, and when the policy or the clock has changed. *ret_beyond
 * tells whether there is something that would not have been written today: times that the clock or
 * the policy rules out, an address that is excluded, a session that nobody follows. Returns 0 or a
 * negative errno. */
int table_load(struct table *table, const struct table_policy *policy, uint64_t now_usec,
               bool *ret_beyond);

/* Mends what table_load() found, in as many transactions as that takes; then load anew. Returns 0
 * with how many addresses were removed, or a negative errno; what was mended before that remains.
 */
int table_mend(struct table *table, uint64_t now_usec, size_t *ret_removed);

/* Inside a transaction: applies an event. One from the future (a clock was wrong) counts as one
 * from now. Returns 0 with what it came to, or a negative errno. */
int table_apply(struct table *table, const struct event *event, uint64_t now_usec,
                struct change *ret);

/* Inside a transaction, after table_apply() has come to CHANGE_ALLOW: takes out one address of the
 * event's user, his oldest that nobody else uses, if he has more than he may have. Returns 0 with
 * CHANGE_DISPLACE and *ret_any true, or with *ret_any false if he has not, or none can go; or a
 * negative errno. */
int table_displace(struct table *table, const struct event *event, struct change *ret,
                   bool *ret_any);

/* True if the event's unit has sessions of an earlier run: a server that was started anew says no
 * goodbyes. */
bool table_is_new_run(const struct table *table, const struct event *event);

/* Inside a transaction: ends the sessions of the unit's earlier run, at the event's time. Returns 0
 * with how many were open, or a negative errno. */
int table_end_run(struct table *table, const struct event *event, uint64_t now_usec,
                  size_t *ret_ended);

/* Inside a transaction: lets time pass until something happens that is worth telling. Returns 0
 * with CHANGE_EXPIRE and *ret_any true, or with *ret_any false if nothing is due any more; or a
 * negative errno. */
int table_expire(struct table *table, uint64_t now_usec, struct change *ret, bool *ret_any);

/* When table_expire() has something to look at next; UINT64_MAX if never. */
uint64_t table_next_usec(const struct table *table);

/* How many addresses are in the map, and how many sessions are open. */
size_t table_count(const struct table *table);
size_t table_session_count(const struct table *table);

/* How many logins were not followed as sessions for want of room, since the table was made. */
size_t table_unfollowed(const struct table *table);
