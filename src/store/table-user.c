/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many addresses one user can have: whoever has an account can log in from as many as he gets
 * hold of, and the table is everybody's. */

#include <errno.h>
#include <string.h>

#include "core/text.h"
#include "table-private.h"

uint32_t table_user_number(const char *user, const struct addr *addr)
{
    return user[0] ? text_hash(user, strlen(user)) : text_hash(addr->bytes, sizeof(addr->bytes));
}

int table_remove(struct table *table, uint32_t item)
{
    int r = map_delete(table->map, roster_addr(table->roster, item));

    roster_remove(table->roster, item);
    return r;
}

/* Whether it is worth looking into the map: two users can have the same number, so that he has at
 * most as many addresses as that. */
static bool may_have_too_many(const struct table *table, const char *user)
{
    uint32_t number = text_hash(user, strlen(user)), item = ROSTER_NONE;
    size_t count = 0;

    while ((item = roster_next_of_user(table->roster, number, item)) != ROSTER_NONE)
        count++;
    return count > table->policy.max_per_user;
}

/* One of the user's addresses. */
struct candidate {
    uint32_t item;
    struct record record;
};

/* The older one; of two that are as old, the lower address, so that it does not depend on anything
 * but the map. */
static bool is_older(const struct table *table, const struct candidate *a,
                     const struct candidate *b)
{
    if (b->item == ROSTER_NONE || a->record.login_usec != b->record.login_usec)
        return b->item == ROSTER_NONE || a->record.login_usec < b->record.login_usec;
    return addr_compare(roster_addr(table->roster, a->item), roster_addr(table->roster, b->item)) <
           0;
}

/* Counts the user's addresses, and finds his oldest one that comes behind *after, if that is one.
 * It is the record that tells whose an address is. */
static int find_oldest(struct table *table, const char *user, const struct candidate *after,
                       struct candidate *ret, size_t *ret_count)
{
    uint32_t number = text_hash(user, strlen(user));
    struct candidate one = { ROSTER_NONE, { 0 } };

    ret->item = ROSTER_NONE;
    *ret_count = 0;
    while ((one.item = roster_next_of_user(table->roster, number, one.item)) != ROSTER_NONE) {
        int r = map_get(table->map, roster_addr(table->roster, one.item), &one.record);

        if (r == -EBADMSG)
            continue;
        if (r < 0)
            return r;
        if (strcmp(one.record.user, user) != 0)
            continue;
        ++*ret_count;
        if ((after->item == ROSTER_NONE || is_older(table, after, &one)) &&
            is_older(table, &one, ret))
            *ret = one;
    }
    return 0;
}

/* Ends the user's sessions at an address; false if others have sessions there as well. */
static int end_sessions(struct table *table, const char *user, const struct addr *group,
                        bool *ret_alone)
{
    struct hold *hold = holds_find(table->holds, group);
    _cleanup_(freep) const char **keys =
        hold ? sessions_of_user(table->sessions, NULL, user) : NULL;
    size_t own = 0;
    int r = 0;

    *ret_alone = true;
    if (!hold)
        return 0;
    if (!keys)
        return -ENOMEM;
    for (size_t i = 0; keys[i] && r == 0; i++) {
        struct session session;
        struct addr at;

        r = map_get_session(table->map, keys[i], &session);
        if (r < 0)
            break;
        at = table_group(table, &session.addr);
        if (strcmp(session.user, user) == 0 && addr_compare(&at, group) == 0)
            keys[own++] = keys[i];
    }
    if (r == 0 && own < hold->sessions)
        *ret_alone = false;
    for (size_t i = 0; i < own && r == 0 && *ret_alone; i++)
        r = table_drop_session(table, keys[i]);
    if (r < 0 || !*ret_alone)
        return r;
    r = table_forget_grace(table, hold);
    holds_drop(table->holds, hold);
    return r;
}

int table_displace(struct table *table, const struct event *event, struct change *ret,
                   bool *ret_any)
{
    struct candidate oldest = { ROSTER_NONE, { 0 } };

    *ret_any = false;
    if (!event->user[0] || !may_have_too_many(table, event->user))
        return 0;
    for (;;) {
        struct candidate next;
        struct addr addr;
        bool is_alone = false;
        size_t count;
        int r = find_oldest(table, event->user, &oldest, &next, &count);

        if (r < 0 || count <= table->policy.max_per_user || next.item == ROSTER_NONE)
            return r;
        addr = *roster_addr(table->roster, next.item);
        r = end_sessions(table, event->user, &addr, &is_alone);
        if (r == 0 && is_alone) {
            *ret = (struct change){ .kind = CHANGE_DISPLACE, .addr = addr, .record = next.record };
            *ret_any = true;
            return table_remove(table, next.item);
        }
        if (r < 0)
            return r;
        oldest = next;
    }
}
