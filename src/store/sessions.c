/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each session is in an index by its key, in one of two heaps by its time, if it is open in a
 * hash table by its user, and counted with its unit, of which all sessions are of one run: those of
 * an earlier one are ended first. */

#include "sessions.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "index.h"

#define STATES (SESSION_OPEN + 1)

struct unit {
    char name[UNIT_MAX + 1]; /* first, for compare_names() */
    char invocation[INVOCATION_MAX + 1];
    size_t sessions;
};

struct item {
    struct index_link link; /* first, so that the one is the other */
    uint64_t due_usec;
    size_t place; /* in its heap */
    struct unit *unit;
    struct item *next_of_chain;
    uint32_t user_hash;
    enum session_state state;
    size_t key_len;
    char key[];
};

struct queue {
    struct item **items;
    size_t count, capacity;
};

/* Chains of items that may be of the same user. */
struct users {
    struct item **chains;
    size_t count; /* of the chains: a power of two, or 0 */
};

struct sessions {
    struct users users;
    struct index *by_key; /* of struct item */
    void *by_unit;        /* of struct unit */
    struct queue queues[STATES];
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_of(const struct index_link *link, const void *key, size_t len)
{
    const struct item *item = (const struct item *)link;

    return item->key_len == len && memcmp(item->key, key, len) == 0;
}

static struct item *find_item(const struct sessions *sessions, const char *key)
{
    return (struct item *)index_find(sessions->by_key, key, strlen(key));
}

static struct unit *find_unit(const struct sessions *sessions, const char *name)
{
    struct unit *const *node = tfind(name, &sessions->by_unit, compare_names);

    return node ? *node : NULL;
}

struct sessions *sessions_new(void)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));

    if (!sessions)
        return NULL;
    sessions->by_key = index_new(is_of);
    return sessions->by_key ? sessions : sessions_free(sessions);
}

static void free_link(struct index_link *link)
{
    free(link);
}

void sessions_clear(struct sessions *sessions)
{
    if (sessions->by_key)
        index_empty(sessions->by_key, free_link);
    tdestroy(sessions->by_unit, free);
    sessions->by_unit = NULL;
    for (size_t state = 0; state < STATES; state++) {
        free(sessions->queues[state].items);
        sessions->queues[state] = (struct queue){ 0 };
    }
    free(sessions->users.chains);
    sessions->users = (struct users){ 0 };
}

struct sessions *sessions_free(struct sessions *sessions)
{
    if (sessions) {
        sessions_clear(sessions);
        index_free(sessions->by_key);
    }
    free(sessions);
    return NULL;
}

/* --- the heaps: the item at i is due no later than those at 2i + 1 and 2i + 2 --- */

static void place(struct queue *queue, struct item *item, size_t i)
{
    queue->items[i] = item;
    item->place = i;
}

static void sift_up(struct queue *queue, struct item *item)
{
    size_t i = item->place;

    for (; i > 0 && queue->items[(i - 1) / 2]->due_usec > item->due_usec; i = (i - 1) / 2)
        place(queue, queue->items[(i - 1) / 2], i);
    place(queue, item, i);
}

static void sift_down(struct queue *queue, struct item *item)
{
    size_t i = item->place;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < queue->count &&
            queue->items[child + 1]->due_usec < queue->items[child]->due_usec)
            child++;
        if (child >= queue->count || queue->items[child]->due_usec >= item->due_usec)
            break;
        place(queue, queue->items[child], i);
        i = child;
    }
    place(queue, item, i);
}

static int make_room(struct queue *queue)
{
    size_t capacity = queue->capacity ? 2 * queue->capacity : 64;
    struct item **items;

    if (queue->count < queue->capacity)
        return 0;
    items = reallocarray(queue->items, capacity, sizeof(struct item *));
    if (!items)
        return -ENOMEM;
    queue->items = items;
    queue->capacity = capacity;
    return 0;
}

static void enqueue(struct queue *queue, struct item *item)
{
    item->place = queue->count++;
    sift_up(queue, item);
}

static void dequeue(struct queue *queue, struct item *item)
{
    struct item *last = queue->items[--queue->count];

    if (last == item)
        return;
    last->place = item->place;
    sift_up(queue, last);
    sift_down(queue, last);
}

/* --- units --- */

static struct unit *enter_unit(struct sessions *sessions, const char *name, const char *invocation)
{
    struct unit *unit = find_unit(sessions, name);

    if (!unit) {
        unit = calloc(1, sizeof(*unit));
        if (!unit)
            return NULL;
        memcpy(unit->name, name, strlen(name) + 1);
        memcpy(unit->invocation, invocation, strlen(invocation) + 1);
        if (!tsearch(unit, &sessions->by_unit, compare_names)) {
            free(unit);
            return NULL;
        }
    }
    unit->sessions++;
    return unit;
}

static void leave_unit(struct sessions *sessions, struct unit *unit)
{
    if (--unit->sessions > 0)
        return;
    (void)tdelete(unit, &sessions->by_unit, compare_names);
    free(unit);
}

/* --- users: about two open sessions a chain --- */

static struct item **find_chain(const struct users *users, uint32_t user_hash)
{
    return &users->chains[user_hash & (users->count - 1)];
}

static void chain_item(struct users *users, struct item *item)
{
    struct item **chain = find_chain(users, item->user_hash);

    item->next_of_chain = *chain;
    *chain = item;
}

static void unchain_item(struct users *users, const struct item *item)
{
    struct item **place = find_chain(users, item->user_hash);

    while (*place != item)
        place = &(*place)->next_of_chain;
    *place = item->next_of_chain;
}

static int make_room_for_user(struct users *users, const struct queue *open)
{
    struct users larger = { .count = users->count ? 2 * users->count : 4 };

    if (open->count < 2 * users->count)
        return 0;
    larger.chains = calloc(larger.count, sizeof(struct item *));
    if (!larger.chains)
        return -ENOMEM;
    for (size_t i = 0; i < open->count; i++)
        chain_item(&larger, open->items[i]);
    free(users->chains);
    *users = larger;
    return 0;
}

/* --- sessions --- */

static struct item *make_item(struct sessions *sessions, const char *key,
                              const struct session *session)
{
    _cleanup_(freep) struct item *item = calloc(1, sizeof(*item) + strlen(key) + 1);
    struct session_key parts;

    if (!item || session_key_decode(key, strlen(key), &parts) < 0)
        return NULL;
    item->key_len = strlen(key);
    memcpy(item->key, key, item->key_len + 1);
    item->user_hash = text_hash(session->user, strlen(session->user));
    item->state = session->state;
    item->unit = enter_unit(sessions, session->unit, parts.invocation);
    return item->unit ? TAKE_PTR(item) : NULL;
}

int sessions_put(struct sessions *sessions, const char *key, const struct session *session,
                 uint64_t due_usec)
{
    struct queue *queue = &sessions->queues[session->state];
    struct item *item;

    if (make_room(queue) < 0 ||
        make_room_for_user(&sessions->users, &sessions->queues[SESSION_OPEN]) < 0)
        return -ENOMEM;
    item = make_item(sessions, key, session);
    if (!item)
        return -ENOMEM;
    sessions_remove(sessions, key);
    if (index_add(sessions->by_key, &item->link, key, item->key_len) < 0) {
        leave_unit(sessions, item->unit);
        free(item);
        return -ENOMEM;
    }
    item->due_usec = due_usec;
    enqueue(queue, item);
    if (item->state == SESSION_OPEN)
        chain_item(&sessions->users, item);
    return 0;
}

void sessions_remove(struct sessions *sessions, const char *key)
{
    struct item *item = find_item(sessions, key);

    if (!item)
        return;
    index_remove(sessions->by_key, &item->link);
    dequeue(&sessions->queues[item->state], item);
    if (item->state == SESSION_OPEN)
        unchain_item(&sessions->users, item);
    leave_unit(sessions, item->unit);
    free(item);
}

const char *sessions_first(const struct sessions *sessions, enum session_state state,
                           uint64_t *ret_due_usec)
{
    const struct queue *queue = &sessions->queues[state];

    if (queue->count == 0)
        return NULL;
    *ret_due_usec = queue->items[0]->due_usec;
    return queue->items[0]->key;
}

size_t sessions_count(const struct sessions *sessions, enum session_state state)
{
    return sessions->queues[state].count;
}

bool sessions_has_other_run(const struct sessions *sessions, const char *unit,
                            const char *invocation)
{
    const struct unit *found = find_unit(sessions, unit);

    return found && strcmp(found->invocation, invocation) != 0;
}

const char **sessions_of_unit(const struct sessions *sessions, const char *name)
{
    const struct unit *unit = find_unit(sessions, name);
    const char **keys = calloc((unit ? unit->sessions : 0) + 1, sizeof(*keys));
    size_t count = 0;

    if (!keys || !unit)
        return keys;
    for (size_t state = 0; state < STATES; state++) {
        const struct queue *queue = &sessions->queues[state];

        for (size_t i = 0; i < queue->count; i++)
            if (queue->items[i]->unit == unit)
                keys[count++] = queue->items[i]->key;
    }
    return keys;
}

static bool may_be_of_user(const struct item *item, const char *prefix, uint32_t user_hash)
{
    return item->user_hash == user_hash && strncmp(item->key, prefix, strlen(prefix)) == 0;
}

const char **sessions_of_user(const struct sessions *sessions, const char *rule, const char *user)
{
    const struct users *users = &sessions->users;
    uint32_t user_hash = text_hash(user, strlen(user));
    const struct item *first = users->count > 0 ? *find_chain(users, user_hash) : NULL;
    char prefix[RULE_NAME_MAX + 3];
    const char **keys;
    size_t count = 0;

    snprintf(prefix, sizeof(prefix), rule ? "@%s/" : "@", rule);
    for (const struct item *item = first; item; item = item->next_of_chain)
        count += may_be_of_user(item, prefix, user_hash);
    keys = calloc(count + 1, sizeof(*keys));
    if (!keys)
        return NULL;
    for (const struct item *item = first; item; item = item->next_of_chain)
        if (may_be_of_user(item, prefix, user_hash))
            keys[--count] = item->key;
    return keys;
}
