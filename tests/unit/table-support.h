/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/rule.h"
#include "map-support.h"
#include "store/table.h"

/* A table on a map, with rules of each kind, and a clock that runs as the test says. */

#define MINUTE      (60 * UINT64_C(1000000))
#define HOUR        (60 * MINUTE)
#define GRACE       (30 * MINUTE)
#define MAX_SESSION (24 * HOUR)
#define START       UINT64_C(1795340000000000)

struct stage {
    struct rules *rules;
    struct networks *local, *never;
    struct rule *imap;     /* follows sessions: GRACE, MAX_SESSION */
    struct rule *pop;      /* the same, but 3 * GRACE, MAX_SESSION / 2 */
    struct rule *two_line; /* the address comes first, then the login; follows sessions */
    struct rule *plain;    /* knows nothing of sessions */
    struct map *map;
    struct table *table;
    size_t max_entries, max_per_user;
    uint64_t now;
};

/* `path` as in map_options. */
struct stage *stage_new(const char *path, size_t max_entries, unsigned ipv6_bits);
void stage_free(struct stage *stage);

/* Loads the table, and returns whether something has to be mended. */
bool stage_load(struct stage *stage);

/* Loads, mends if need be, and loads again: what the watcher does. Returns how many addresses were
 * removed. */
size_t stage_reload(struct stage *stage);

/* Another process with the same map; nothing must have to be mended. */
void stage_restart(struct stage *stage);

/* An event of "RULE.service" in its run "run1", of the user "alice", now. `addr` and `session` can
 * be NULL; a logout without a session is one of the user. */
struct event stage_event(const struct stage *stage, const struct rule *rule, enum event_kind kind,
                         const char *addr, const char *session);

/* Applies an event as the watcher does, in a transaction of its own. */
struct change stage_apply(struct stage *stage, const struct event *event);

/* stage_event() and stage_apply(). */
enum change_kind stage_do(struct stage *stage, const struct rule *rule, enum event_kind kind,
                          const char *addr, const char *session);

/* Lets time pass until then; returns how many addresses expired. */
size_t stage_pass(struct stage *stage, uint64_t now);

/* How many sessions of either state the map has, unreadable ones included. */
size_t stage_sessions(const struct stage *stage, enum session_state state);

/* Fails the test unless the address is allowed until then, with so many sessions; 0: unless it is
 * not in the map. */
void stage_check(const struct stage *stage, const char *what, const char *addr,
                 uint64_t expires_usec, unsigned sessions);

/* Fails the test unless the table's memory and the map agree. */
void stage_check_invariants(const struct stage *stage);
