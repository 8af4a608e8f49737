/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What table.c, table-load.c and table-session.c share. */

#include "core/roster.h"
#include "hold.h"
#include "sessions.h"
#include "table.h"

/* The invariant: each address in the map has exactly one item in the roster, with the number of the
 * user whom its record names. The item of one that sessions hold is never due; every other is due
 * no later than its record expires. A login that extends touches the record only; the item finds
 * out when it comes due. What memory knows of sessions is what the map has of them. While a
 * transaction is open all of this runs ahead of the map, so one that fails is followed by
 * table_load(). */
struct table {
    struct map *map;
    struct table_policy policy;
    struct roster *roster;
    struct sessions *sessions;
    struct holds *holds;
    size_t max_entries;
    size_t unfollowed;
};

static inline uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The address as the map sees it. */
struct addr table_group(const struct table *table, const struct addr *addr);

/* How long the logins of a rule count by themselves. */
uint64_t table_grace_usec(const struct table *table, const char *rule);

/* A change that has nothing but what the event says. */
void table_fill_change(struct change *change, enum change_kind kind, const struct event *event);

/* What stands for the user of an address in the roster. Who has no name is a user of his own at
 * each address. */
uint32_t table_user_number(const char *user, const struct addr *addr);

/* Takes an address out of the map and the roster. */
int table_remove(struct table *table, uint32_t item);

/* From table-session.c. */

/* The key under which the map has the event's session; false if the event names none. */
bool table_session_key(const struct event *event, char ret[static SESSION_KEY_TEXT_MAX]);

/* Finds the event's session. Returns 0, -ENOENT if there is none, or another errno. */
int table_find_session(struct table *table, const struct event *event,
                       char ret_key[static SESSION_KEY_TEXT_MAX], struct session *ret);

/* Puts a session in the map and into the index. */
int table_put_session(struct table *table, const char *key, const struct session *session,
                      uint64_t due_usec);

/* Takes one out of both. */
int table_drop_session(struct table *table, const char *key);

/* Notes that an open session more holds the address, whose item is given; `expires_usec` is what
 * the address would have had without it. */
int table_hold(struct table *table, const struct addr *addr, uint32_t item, uint64_t expires_usec,
               bool is_new);

/* Looks for what the map has of an address's grace, after the hold was made from its record. */
int table_recall_grace(struct table *table, struct hold *hold, uint64_t now_usec);

/* Takes it out of the map: the hold is about to go. */
int table_forget_grace(struct table *table, struct hold *hold);

/* Puts it there if the record that the address has by now does not tell. */
int table_note_grace(struct table *table, struct hold *hold, const struct record *record);

/* Ends a session. Its address, if it was the last, is left until `until_usec`. *ret is what the
 * address's record has become; `expires_usec` is 0 in it if there is none. */
int table_end_session(struct table *table, const char *key, const struct session *session,
                      uint64_t until_usec, uint64_t now_usec, struct record *ret);

/* What EVENT_LOGOUT and EVENT_FAIL do; `time_usec` is the event's, but not later than now. */
int table_log_out(struct table *table, const struct event *event, uint64_t time_usec,
                  uint64_t now_usec, struct change *ret);
int table_fail(struct table *table, const struct event *event, uint64_t time_usec,
               uint64_t now_usec, struct change *ret);
