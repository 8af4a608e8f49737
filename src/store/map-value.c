/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records and sessions, read and changed. In a transaction both happen in memory, and what has
 * changed goes to TDB when it ends, or when it has become a lot. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "map-private.h"

/* Items in memory at a time. A batch has some ten thousand at most; the conversion of a whole map
 * has more. */
#define DRAFT_MAX 32768

static_assert(RECORD_TEXT_MAX <= DRAFT_TEXT_MAX && SESSION_TEXT_MAX <= DRAFT_TEXT_MAX, "");

static size_t encode_record(const void *value, char *ret)
{
    return record_encode(value, ret);
}

static int decode_record(const void *data, size_t len, void *ret)
{
    return record_decode(data, len, ret);
}

static size_t encode_session(const void *value, char *ret)
{
    return session_encode(value, ret);
}

static int decode_session(const void *data, size_t len, void *ret)
{
    return session_decode(data, len, ret);
}

static const struct draft_kind record_kind = {
    .size = sizeof(struct record),
    .encode = encode_record,
    .decode = decode_record,
};

static const struct draft_kind session_kind = {
    .size = sizeof(struct session),
    .encode = encode_session,
    .decode = decode_session,
};

static int fetch(struct map *map, const struct draft_kind *kind, const char *key, void *ret)
{
    char text[DRAFT_TEXT_MAX];
    size_t len;
    int r = map_fetch(map, key, text, sizeof(text), &len);

    return r < 0 ? r : kind->decode(text, len, ret);
}

static int write_item(struct map *map, const struct draft_item *item)
{
    char text[DRAFT_TEXT_MAX];
    int r;

    if (item->exists)
        return map_store(map, item->key, text, item->kind->encode(item->value, text));
    if (!item->may_be_in_file)
        return 0;
    errno = 0;
    r = tdb_delete(map->tdb, string_data(item->key)) < 0 ? map_error(map) : 0;
    return r == -ENOENT ? 0 : r;
}

int map_flush(struct map *map)
{
    struct draft_item *item = NULL;
    int r = 0;

    while (r == 0 && (item = draft_next(map->draft, item)))
        if (item->is_changed)
            r = write_item(map, item);
    draft_clear(map->draft);
    return r;
}

static int add_item(struct map *map, const struct draft_kind *kind, const char *key, size_t len,
                    struct draft_item **ret)
{
    int r = draft_count(map->draft) < DRAFT_MAX ? 0 : map_flush(map);

    if (r < 0)
        return r;
    *ret = draft_add(map->draft, kind, key, len);
    return *ret ? 0 : -ENOMEM;
}

/* Reads into memory what the file has under a key of which nothing is known yet. */
static int read_item(struct map *map, const struct draft_kind *kind, const char *key, size_t len,
                     struct draft_item **ret)
{
    union {
        struct record record;
        struct session session;
    } value;
    int found = fetch(map, kind, key, &value), r;

    if (found < 0 && found != -ENOENT)
        return found;
    r = add_item(map, kind, key, len, ret);
    if (r < 0)
        return r;
    (*ret)->exists = (*ret)->may_be_in_file = found == 0;
    if (found == 0)
        memcpy((*ret)->value, &value, kind->size);
    return 0;
}

static int get(struct map *map, const struct draft_kind *kind, const char *key, size_t len,
               void *ret)
{
    struct draft_item *item;
    int r = 0;

    if (!map->in_transaction)
        return fetch(map, kind, key, ret);
    item = draft_find(map->draft, key, len);
    if (!item)
        r = read_item(map, kind, key, len, &item);
    if (r < 0)
        return r;
    if (!item->exists)
        return -ENOENT;
    memcpy(ret, item->value, kind->size);
    return 0;
}

static int put(struct map *map, const struct draft_kind *kind, const char *key, size_t len,
               const void *value)
{
    struct draft_item *item;
    int r = 0;

    assert(map->in_transaction);
    item = draft_find(map->draft, key, len);
    if (!item) {
        r = add_item(map, kind, key, len, &item);
        if (r < 0)
            return r;
        item->may_be_in_file = true;
    }
    memcpy(item->value, value, kind->size);
    item->exists = item->is_changed = true;
    return 0;
}

/* What cannot be read can be deleted all the same. */
static int delete (struct map *map, const struct draft_kind *kind, const char *key, size_t len)
{
    struct draft_item *item;
    int r = 0;

    assert(map->in_transaction);
    item = draft_find(map->draft, key, len);
    if (!item) {
        r = read_item(map, kind, key, len, &item);
        if (r == -EBADMSG) {
            r = add_item(map, kind, key, len, &item);
            if (r == 0)
                item->exists = item->may_be_in_file = true;
        }
        if (r < 0)
            return r;
    }
    if (!item->exists)
        return -ENOENT;
    item->exists = false;
    item->is_changed = true;
    return 0;
}

int map_get(struct map *map, const struct addr *addr, struct record *ret)
{
    char key[ADDR_TEXT_MAX];
    size_t len = addr_format_key(addr, map->ipv6_bits, key);

    return get(map, &record_kind, key, len, ret);
}

int map_put(struct map *map, const struct addr *addr, const struct record *record)
{
    char key[ADDR_TEXT_MAX];
    size_t len = addr_format_key(addr, map->ipv6_bits, key);

    return put(map, &record_kind, key, len, record);
}

int map_delete(struct map *map, const struct addr *addr)
{
    char key[ADDR_TEXT_MAX];
    size_t len = addr_format_key(addr, map->ipv6_bits, key);

    return delete (map, &record_kind, key, len);
}

int map_get_session(struct map *map, const char *key, struct session *ret)
{
    return get(map, &session_kind, key, strlen(key), ret);
}

int map_put_session(struct map *map, const char *key, const struct session *session)
{
    return put(map, &session_kind, key, strlen(key), session);
}

int map_delete_session(struct map *map, const char *key)
{
    return delete (map, &session_kind, key, strlen(key));
}
