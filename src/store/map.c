/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The map on TDB: reading, and changing it inside transactions. map-open.c has the ways to open it.
 *
 * Transactions protect against a writer that dies at any instant; the file is not synced to the
 * disk, because after a power failure it can be rebuilt from the journal. */

#include "map.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "map-private.h"

void map_close_file(struct map *map)
{
    if (!map->tdb)
        return;
    map_cancel(map);
    /* TDB 1.4.8 leaves a part of the file mapped after it grew in a transaction, which would keep a
     * writer's lock until the process ends. */
    (void)flock(tdb_fd(map->tdb), LOCK_UN);
    (void)tdb_close(TAKE_PTR(map->tdb));
}

struct map *map_close(struct map *map)
{
    if (!map)
        return NULL;
    map_close_file(map);
    draft_free(map->draft);
    free(map->path);
    free(map->new_path);
    free(map->aside);
    free(map);
    return NULL;
}

const char *map_error_text(int error)
{
    switch (error) {
    case -EMEDIUMTYPE:
        return "not a map of pop-before-smtp";
    case -EPROTONOSUPPORT:
        return "format of another version";
    case -EBADMSG:
        return "damaged";
    case -EAGAIN:
        return "another process keeps it locked";
    case -EBUSY:
        return "another process writes it; is the service running?";
    default:
        return strerror(-error);
    }
}

const char *map_set_aside(const struct map *map)
{
    return map->aside;
}

unsigned map_ipv6_bits(const struct map *map)
{
    return map->ipv6_bits;
}

/* TDB keeps a code of its own; an I/O error's errno, if there is one, tells more (ENOSPC). */
static int convert_error(enum TDB_ERROR error, int saved)
{
    switch (error) {
    case TDB_ERR_NOEXIST:
        return -ENOENT;
    case TDB_ERR_CORRUPT:
        return -EBADMSG;
    case TDB_ERR_OOM:
        return -ENOMEM;
    case TDB_ERR_LOCK:
    case TDB_ERR_NOLOCK:
    case TDB_ERR_LOCK_TIMEOUT:
        return map_gave_up() ? -EAGAIN : -ENOLCK;
    case TDB_ERR_RDONLY:
        return -EROFS;
    default:
        return saved > 0 ? -saved : -EIO;
    }
}

int map_error(struct map *map)
{
    int saved = errno;

    return convert_error(tdb_error(map->tdb), saved);
}

struct copy {
    char *data;
    size_t size, len;
};

/* Runs under the chain's lock, so it does no more than copy. */
static int copy_value(TDB_DATA key, TDB_DATA value, void *userdata)
{
    struct copy *copy = userdata;

    copy->len = value.dsize;
    if (value.dsize <= copy->size)
        memcpy(copy->data, value.dptr, value.dsize);
    return 0;
}

int map_fetch(struct map *map, const char *key, char *ret, size_t size, size_t *ret_len)
{
    struct copy copy = { ret, size, 0 };

    errno = 0;
    map_tdb_complaint = TDB_SUCCESS;
    if (tdb_parse_record(map->tdb, string_data(key), copy_value, &copy) < 0) {
        int r = map_error(map);

        /* TDB also calls a key absent whose chain it could not lock, or not follow in a damaged
         * file; only its log tells the difference. */
        if (r == -ENOENT && map_tdb_complaint != TDB_SUCCESS)
            return convert_error(map_tdb_complaint, EBADMSG);
        return r;
    }
    if (copy.len > size)
        return -EBADMSG;
    *ret_len = copy.len;
    return 0;
}

int map_lock(struct map *map)
{
    errno = 0;
    return tdb_lockall_read(map->tdb) < 0 ? map_error(map) : 0;
}

void map_unlock(struct map *map)
{
    (void)tdb_unlockall_read(map->tdb);
}

int map_begin(struct map *map)
{
    assert(!map->in_transaction);
    if (!map->draft)
        map->draft = draft_new();
    if (!map->draft)
        return -ENOMEM;
    errno = 0;
    /* TDB has no transactions on memory, and a run that writes no file needs none. */
    if (map->path && tdb_transaction_start(map->tdb) < 0)
        return map_error(map);
    map->in_transaction = true;
    return 0;
}

int map_store(struct map *map, const char *key, const char *value, size_t len)
{
    TDB_DATA data = { .dptr = (unsigned char *)value, .dsize = len };

    assert(map->in_transaction);
    errno = 0;
    return tdb_store(map->tdb, string_data(key), data, TDB_REPLACE) < 0 ? map_error(map) : 0;
}

int map_remove(struct map *map, const char *key)
{
    assert(map->in_transaction);
    errno = 0;
    return tdb_delete(map->tdb, string_data(key)) < 0 ? map_error(map) : 0;
}

int map_put_cursor(struct map *map, const char *source, const char *cursor, uint64_t realtime_usec)
{
    char key[MAP_KEY_MAX], value[MAP_CURSOR_MAX];
    int key_len = snprintf(key, sizeof(key), ".cursor/%s", source);
    int len = snprintf(value, sizeof(value), "%" PRIu64 " %s", realtime_usec, cursor);

    if (key_len >= (int)sizeof(key) || len >= (int)sizeof(value))
        return -ENAMETOOLONG;
    return map_store(map, key, value, (size_t)len);
}

static int doubts_key(const char *source, const char *rule, char ret[static MAP_KEY_MAX])
{
    int len = snprintf(ret, MAP_KEY_MAX, ".doubts/%s/%s", rule, source);

    return len >= MAP_KEY_MAX ? -ENAMETOOLONG : 0;
}

int map_put_doubts(struct map *map, const char *source, const char *rule, const char *text)
{
    char key[MAP_KEY_MAX];
    int r = doubts_key(source, rule, key);

    return r < 0 ? r : map_store(map, key, text, strlen(text));
}

int map_get_doubts(struct map *map, const char *source, const char *rule, char *ret, size_t size)
{
    char key[MAP_KEY_MAX];
    size_t len;
    int r = doubts_key(source, rule, key);

    if (r == 0)
        r = map_fetch(map, key, ret, size - 1, &len);
    if (r == 0)
        ret[len] = 0;
    return r;
}

int map_get_cursor(struct map *map, const char *source, char **ret, uint64_t *ret_realtime_usec)
{
    char key[MAP_KEY_MAX], value[MAP_CURSOR_MAX], *end, *cursor;
    uint64_t realtime_usec;
    size_t len;
    int r;

    if (snprintf(key, sizeof(key), ".cursor/%s", source) >= (int)sizeof(key))
        return -ENAMETOOLONG;
    r = map_fetch(map, key, value, sizeof(value) - 1, &len);
    if (r < 0)
        return r;
    value[len] = 0;
    errno = 0;
    realtime_usec = strtoull(value, &end, 10);
    if (errno != 0 || end == value || end[0] != ' ' || end[1] == 0 || strlen(value) != len)
        return -EBADMSG;
    cursor = strdup(end + 1);
    if (!cursor)
        return -ENOMEM;
    *ret = cursor;
    *ret_realtime_usec = realtime_usec;
    return 0;
}

/* TDB does not say that it could not make the file longer, and its code may be that of an earlier
 * look-up; the file system says. */
static int commit_error(struct map *map)
{
    int r = map_error(map);
    struct statvfs fs;

    if ((r != -EIO && r != -ENOENT) || fstatvfs(tdb_fd(map->tdb), &fs) < 0)
        return r;
    if (fs.f_flag & ST_RDONLY)
        return -EROFS;
    return fs.f_bavail * fs.f_frsize < 1024 * 1024 ? -ENOSPC : -EIO;
}

int map_commit(struct map *map)
{
    int r;

    assert(map->in_transaction);
    r = map_flush(map);
    if (r < 0) {
        map_cancel(map);
        return r;
    }
    map->in_transaction = false;
    errno = 0;
    return map->path && tdb_transaction_commit(map->tdb) < 0 ? commit_error(map) : 0;
}

void map_cancel(struct map *map)
{
    if (map->in_transaction) {
        draft_clear(map->draft);
        if (map->path)
            (void)tdb_transaction_cancel(map->tdb);
    }
    map->in_transaction = false;
}

struct scan {
    const struct map *map;
    map_each_func record_func;
    map_session_func session_func;
    void *userdata;
    bool checks; /* what cannot be read is damage */
    int result;
};

static int visit_session(const struct scan *scan, TDB_DATA key, TDB_DATA value)
{
    char text[MAP_KEY_MAX];
    struct session_key parts;
    struct session session;
    bool whole;

    if (key.dsize >= sizeof(text) || memchr(key.dptr, 0, key.dsize))
        return 0;
    memcpy(text, key.dptr, key.dsize);
    text[key.dsize] = 0;
    whole = session_key_decode(text, key.dsize, &parts) == 0 &&
            session_decode(value.dptr, value.dsize, &session) == 0;
    return scan->session_func(text, whole ? &session : NULL, scan->userdata);
}

static int visit_record(const struct scan *scan, TDB_DATA key, TDB_DATA value)
{
    struct record record;
    struct addr addr = { 0 };
    bool whole = addr_parse_key((char *)key.dptr, key.dsize, scan->map->ipv6_bits, &addr) == 0 &&
                 record_decode(value.dptr, value.dsize, &record) == 0;

    if (!whole && scan->checks)
        return -EBADMSG;
    return scan->record_func(&addr, whole ? &record : NULL, scan->userdata);
}

static int visit(TDB_DATA key, TDB_DATA value, void *userdata)
{
    struct scan *scan = userdata;
    char kind = key.dsize > 0 ? (char)key.dptr[0] : 0;

    if (kind == '@')
        scan->result = scan->session_func ? visit_session(scan, key, value) : 0;
    else if (kind != '.')
        scan->result = visit_record(scan, key, value);
    return scan->result;
}

static int visit_next(struct tdb_context *tdb, TDB_DATA key, TDB_DATA value, void *userdata)
{
    return visit(key, value, userdata);
}

/* TDB's check goes on unless it is told -1. */
static int visit_checked(TDB_DATA key, TDB_DATA value, void *userdata)
{
    return visit(key, value, userdata) == 0 ? 0 : -1;
}

/* TDB's check reads the file from its beginning to its end; a traversal follows the hash chains all
 * over a large file, which takes longer than to check it, and locks each in turn. */
static int check_and_scan(struct map *map, struct scan *scan)
{
    scan->checks = true;
    if (tdb_check(map->tdb, visit_checked, scan) < 0 && scan->result == 0)
        scan->result = map_check_error(map);
    return scan->result;
}

int map_scan(struct map *map, map_each_func record_func, map_session_func session_func,
             void *userdata)
{
    struct scan scan = { map, record_func, session_func, userdata, false, 0 };
    int r = map->in_transaction ? map_flush(map) : 0;

    if (r < 0)
        return r;
    if (map->is_writer && !map->in_transaction)
        return check_and_scan(map, &scan);
    errno = 0;
    if (tdb_traverse_read(map->tdb, visit_next, &scan) < 0 && scan.result == 0)
        scan.result = map_error(map);
    return scan.result;
}

int map_each(struct map *map, map_each_func func, void *userdata)
{
    return map_scan(map, func, NULL, userdata);
}
