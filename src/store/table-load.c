/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Learning what the map holds, and mending what would not have been written today: the clock was
 * set back, networks were added to those that are excluded, a rule is gone whose sessions nobody
 * would end. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "table-private.h"

/* An address whose record says that sessions hold it. */
struct claim {
    struct addr addr;
    struct record record;
    uint32_t item;
};

struct load {
    struct table *table;
    uint64_t now_usec;
    bool is_beyond;
    struct claim *claims;
    size_t count, capacity;
};

static int grow(void *array, size_t count, size_t *capacity, size_t size)
{
    void **slot = array;
    size_t larger = *capacity ? 2 * *capacity : 64;
    void *items;

    if (count < *capacity)
        return 0;
    items = reallocarray(*slot, larger, size);
    if (!items)
        return -ENOMEM;
    *slot = items;
    *capacity = larger;
    return 0;
}

static bool is_excluded(const struct table *table, const struct addr *addr)
{
    unsigned bits = addr_is_ipv4(addr) ? 128 : map_ipv6_bits(table->map);

    return networks_contain_group(table->policy.local, addr, bits) ||
           networks_contain_group(table->policy.never, addr, bits);
}

/* Until when nobody can be allowed beyond, going by the record. The grace begins with the login, or
 * with the end of a session, of which all that is known is that it is not later than now. */
static uint64_t find_limit(const struct table *table, const struct record *record,
                           uint64_t now_usec)
{
    const struct table_policy *policy = &table->policy;
    uint64_t login_usec = earlier(record->login_usec, now_usec), end_usec = login_usec;

    if (record->sessions > 0)
        return login_usec + later(policy->longest_grace_usec, policy->longest_session_usec);
    if (policy->longest_session_usec > 0)
        end_usec = earlier(now_usec, login_usec + policy->longest_session_usec);
    return end_usec + policy->longest_grace_usec;
}

static bool is_beyond(const struct table *table, const struct addr *addr,
                      const struct record *record, uint64_t now_usec)
{
    return record->login_usec > now_usec ||
           record->expires_usec > find_limit(table, record, now_usec) || is_excluded(table, addr);
}

/* The enabled rule that still follows such sessions; NULL if there is none. */
static const struct rule *find_follower(const struct table *table, const char *key,
                                        const struct session *session)
{
    struct session_key parts;
    const struct rule *rule;

    if (session_key_decode(key, strlen(key), &parts) < 0)
        return NULL;
    rule = rules_find(table->policy.rules, parts.rule);
    if (!rule || !rule_enabled(rule))
        return NULL;
    if (session->state == SESSION_PENDING)
        return rule_pattern(rule, EVENT_CONNECT, 0) ? rule : NULL;
    return rule_has_logout(rule) ? rule : NULL;
}

/* A session knows its client's own address, which can be excluded where its group is not. */
static bool is_followed(const struct table *table, const char *key, const struct session *session)
{
    if (!session || !find_follower(table, key, session))
        return false;
    return session->state == SESSION_PENDING ||
           !(networks_contain(table->policy.local, &session->addr, NULL) ||
             networks_contain(table->policy.never, &session->addr, NULL));
}

static int load_session(const char *key, const struct session *session, void *userdata)
{
    struct load *load = userdata;
    struct table *table = load->table;
    uint64_t span_usec = PENDING_USEC;
    int r;

    if (!is_followed(table, key, session)) {
        load->is_beyond = true;
        return 0;
    }
    if (session->since_usec > load->now_usec)
        load->is_beyond = true;
    if (session->state == SESSION_OPEN)
        span_usec = rule_max_session_usec(find_follower(table, key, session));
    r = sessions_put(table->sessions, key, session,
                     earlier(session->since_usec, load->now_usec) + span_usec);
    if (r == 0 && session->state == SESSION_OPEN)
        r = table_hold(table, &session->addr, ROSTER_NONE, 0, true);
    return r;
}

static int add_claim(struct load *load, const struct addr *addr, const struct record *record,
                     uint32_t item)
{
    if (grow(&load->claims, load->count, &load->capacity, sizeof(*load->claims)) < 0)
        return -ENOMEM;
    load->claims[load->count++] = (struct claim){ *addr, *record, item };
    return 0;
}

static int load_record(const struct addr *addr, const struct record *record, void *userdata)
{
    struct load *load = userdata;
    struct table *table = load->table;
    uint32_t item;
    int r;

    if (record && is_beyond(table, addr, record, load->now_usec))
        load->is_beyond = true;
    /* An unreadable record allows nobody; it comes due at once, and is then removed. */
    r = roster_add(table->roster, addr, record ? record->expires_usec : 0,
                   table_user_number(record ? record->user : "", addr), &item);
    if (r == 0 && record && record->sessions > 0)
        r = add_claim(load, addr, record, item);
    return r;
}

/* An address without the sessions that it should have is not held; a hold without its address, or
 * of other sessions than the address has, does not fit either. */
static void settle_claims(struct load *load)
{
    struct table *table = load->table;
    size_t settled = 0;

    for (size_t i = 0; i < load->count; i++) {
        const struct claim *claim = &load->claims[i];
        struct hold *hold = holds_find(table->holds, &claim->addr);

        if (!hold)
            continue;
        settled += hold->sessions == claim->record.sessions;
        hold->item = claim->item;
        hold->was_known = true;
        hold->is_noted = true;
        hold->grace_usec = claim->record.login_usec + table_grace_usec(table, claim->record.rule);
        roster_set_due_usec(table->roster, claim->item, UINT64_MAX);
    }
    if (settled != load->count || settled != holds_count(table->holds))
        load->is_beyond = true;
}

int table_load(struct table *table, const struct table_policy *policy, uint64_t now_usec,
               bool *ret_beyond)
{
    struct load load = { .table = table, .now_usec = now_usec };
    int r;

    roster_clear(table->roster);
    sessions_clear(table->sessions);
    holds_clear(table->holds);
    table->policy = *policy;
    r = map_scan(table->map, load_record, load_session, &load);
    if (r == 0)
        settle_claims(&load);
    free(load.claims);
    if (r == 0)
        *ret_beyond = load.is_beyond;
    return r;
}

/* What was found while the map must not be changed, in the order of the file. */
struct found {
    struct table *table;
    uint64_t now_usec;
    struct addr *addrs;
    char (*keys)[SESSION_KEY_TEXT_MAX];
    size_t n_addrs, addrs_capacity, n_keys, keys_capacity;
    size_t n_removed;
};

static uint32_t count_sessions(const struct table *table, const struct addr *addr)
{
    const struct hold *hold = holds_find(table->holds, addr);

    return hold ? hold->sessions : 0;
}

static int find_record(const struct addr *addr, const struct record *record, void *userdata)
{
    struct found *found = userdata;

    if (!record || (!is_beyond(found->table, addr, record, found->now_usec) &&
                    record->sessions == count_sessions(found->table, addr)))
        return 0;
    if (grow(&found->addrs, found->n_addrs, &found->addrs_capacity, sizeof(*found->addrs)) < 0)
        return -ENOMEM;
    found->addrs[found->n_addrs++] = *addr;
    return 0;
}

/* True if the session is one of ours, with a record if it should have one. */
static bool is_whole(const struct table *table, const char *key, const struct session *session)
{
    struct record record;

    return is_followed(table, key, session) &&
           (session->state == SESSION_PENDING || map_get(table->map, &session->addr, &record) == 0);
}

static int find_session(const char *key, const struct session *session, void *userdata)
{
    struct found *found = userdata;

    if (is_whole(found->table, key, session) && session->since_usec <= found->now_usec)
        return 0;
    /* What does not fit is none of ours and does no harm. */
    if (strlen(key) >= SESSION_KEY_TEXT_MAX)
        return 0;
    if (grow(&found->keys, found->n_keys, &found->keys_capacity, sizeof(*found->keys)) < 0)
        return -ENOMEM;
    memcpy(found->keys[found->n_keys++], key, strlen(key) + 1);
    return 0;
}

/* Takes what the map has of an address's grace, which is for an address that is held. */
static int take_grace(struct table *table, const struct addr *addr, uint64_t now_usec,
                      uint64_t *until_usec)
{
    uint64_t noted_usec, limit_usec = now_usec + table->policy.longest_grace_usec;
    int r = map_get_grace(table->map, addr, &noted_usec);

    if (r == 0)
        *until_usec = later(*until_usec, earlier(noted_usec, limit_usec));
    if (r == 0 || r == -EBADMSG)
        r = map_delete_grace(table->map, addr);
    return r == -ENOENT ? 0 : r;
}

/* An address that is not held any more is left its grace. */
static int mend_record(struct table *table, const struct addr *addr, uint64_t now_usec)
{
    uint32_t sessions = count_sessions(table, addr);
    struct record record;
    uint64_t until_usec;
    int r = map_get(table->map, addr, &record);

    if (r < 0)
        return r;
    record.login_usec = earlier(record.login_usec, now_usec);
    record.expires_usec = earlier(record.expires_usec, find_limit(table, &record, now_usec));
    if (record.sessions > 0 && sessions == 0) {
        until_usec = now_usec + table_grace_usec(table, record.rule);
        r = take_grace(table, addr, now_usec, &until_usec);
        record.expires_usec = earlier(record.expires_usec, until_usec);
    }
    record.sessions = sessions;
    return r < 0 ? r : map_put(table->map, addr, &record);
}

static int remove_record(struct table *table, const struct addr *addr)
{
    uint64_t until_usec = 0;
    int r = map_delete(table->map, addr);

    return r < 0 ? r : take_grace(table, addr, 0, &until_usec);
}

/* One that is from the future counts from now, and all others that were found do not count. */
static int mend_session(struct table *table, const char *key, uint64_t now_usec)
{
    struct session session;
    int r = map_get_session(table->map, key, &session);

    if (r < 0 && r != -EBADMSG)
        return r;
    if (!is_whole(table, key, r == 0 ? &session : NULL))
        return map_delete_session(table->map, key);
    session.since_usec = earlier(session.since_usec, now_usec);
    return map_put_session(table->map, key, &session);
}

/* Mends the next ones, sessions before records. What is left after this is found again. */
static int mend_slice(struct found *found, size_t count)
{
    struct table *table = found->table;
    int r = 0;

    for (; count > 0 && found->n_keys > 0 && r == 0; count--)
        r = mend_session(table, found->keys[--found->n_keys], found->now_usec);
    for (; count > 0 && found->n_addrs > 0 && r == 0; count--) {
        const struct addr *addr = &found->addrs[--found->n_addrs];
        bool excluded = is_excluded(table, addr);

        r = excluded ? remove_record(table, addr) : mend_record(table, addr, found->now_usec);
        found->n_removed += excluded;
    }
    return r;
}

static int mend_found(struct found *found)
{
    struct map *map = found->table->map;
    int r = 0;

    while ((found->n_keys > 0 || found->n_addrs > 0) && r == 0) {
        r = map_begin(map);
        if (r == 0)
            r = mend_slice(found, MEND_MAX);
        if (r == 0)
            r = map_commit(map);
    }
    if (r < 0)
        map_cancel(map);
    return r;
}

int table_mend(struct table *table, uint64_t now_usec, size_t *ret_removed)
{
    struct found found = { .table = table, .now_usec = now_usec };
    int r = map_scan(table->map, find_record, find_session, &found);

    if (r == 0)
        r = mend_found(&found);
    free(found.addrs);
    free(found.keys);
    if (r == 0)
        *ret_removed = found.n_removed;
    return r;
}
