/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/cleanup.h"
#include "core/record.h"
#include "core/session.h"

/* The map of allowed addresses, a TDB file. Its format is public: pop-before-smtp.tdb(5). One
 * process writes it; any number read it meanwhile. A process must not open the same file twice:
 * closing one of the two would drop the locks of the other. */
struct map;

enum map_state {
    MAP_KEPT,      /* opened as it was */
    MAP_CREATED,   /* there was none, or one that was never published */
    MAP_CONVERTED, /* made anew from the old one, for another max_entries or ipv6_bits */
    MAP_REPLACED,  /* the old one was damaged and is kept as map_set_aside() says; this one is empty
                    */
};

struct map_options {
    const char *path; /* NULL: in memory only, for a run that must not write */
    unsigned max_entries;
    unsigned ipv6_bits;
    uint64_t now_usec; /* names the file that a damaged map is kept as */
    /* A map that is kept is not checked, since map_scan() will. If that returns -EBADMSG, close the
     * map and open it again without this. */
    bool checks_later;
};

/* Opens the map for its one writer. Returns 0; -EMEDIUMTYPE if the path holds something that is not
 * such a map (nothing is touched then), -EPROTONOSUPPORT for a format version that this program
 * does not know, -EBUSY if another writer has it, or the errno of what failed. */
int map_open_writer(const struct map_options *options, struct map **ret, enum map_state *ret_state);

/* Opens an existing map for look-ups. Needs write permission all the same, because TDB takes no
 * locks on files opened read-only; nothing is written but the repair of a transaction that a killed
 * writer left. Returns 0, -ENOENT, -EACCES, -EMEDIUMTYPE, -EPROTONOSUPPORT, or another errno. */
int map_open_reader(const char *path, struct map **ret);

/* Has all readers that are opened from now on stop waiting for locks of another process when *flag
 * is set and a signal interrupts the wait; they then fail with -EAGAIN. */
void map_give_up_on(volatile sig_atomic_t *flag);

struct map *map_close(struct map *map);
DEFINE_CLEANUP(struct map *, map_close)

/* Writer: puts a new map in its place. Until then one that is MAP_CREATED or MAP_REPLACED lies
 * beside it as PATH.new, where readers do not see it: they say that they cannot tell rather than
 * that nobody is allowed, while the journal is read again. Does nothing for a map that is in place.
 * Returns 0 or a negative errno. */
int map_publish(struct map *map);

/* What an error of these functions means, in words for a message. */
const char *map_error_text(int error);

/* Where a damaged file was put by map_open_writer(); NULL if none was. */
const char *map_set_aside(const struct map *map);

unsigned map_ipv6_bits(const struct map *map);

/* For readers, before a batch of look-ups: reopens the file if the writer has put another in its
 * place. Returns 0 or the errno of map_open_reader(); the map then has the old file still. */
int map_refresh(struct map *map);

/* Writer: returns 0 if the file is still where it was put, -EBADMSG if it was deleted or replaced,
 * so that nobody reads what is written to it, or cut short; or another negative errno. */
int map_check_place(struct map *map);

/* For readers: holds off commits until map_unlock(), so that all look-ups in between cost no locks
 * of their own. Only for moments: the writer waits. Returns 0, -EAGAIN (map_give_up_on()),
 * -EBADMSG, or another errno. */
int map_lock(struct map *map);
void map_unlock(struct map *map);

/* Looks an address up, in the group that the map keeps it in. Returns 0, -ENOENT if it is not
 * there, -EBADMSG for a record that cannot be read, or another errno. */
int map_get(struct map *map, const struct addr *addr, struct record *ret);

/* Writer: all changes happen inside one transaction, which takes effect as a whole at the commit.
 * Each returns 0 or a negative errno; after a failure of any, cancel and begin anew. */
int map_begin(struct map *map);
int map_put(struct map *map, const struct addr *addr, const struct record *record);
int map_delete(struct map *map, const struct addr *addr);
int map_put_cursor(struct map *map, const char *source, const char *cursor, uint64_t realtime_usec);
int map_put_doubts(struct map *map, const char *source, const char *rule, const char *text);
int map_put_session(struct map *map, const char *key, const struct session *session);
int map_delete_session(struct map *map, const char *key);
int map_put_grace(struct map *map, const struct addr *addr, uint64_t until_usec);
int map_delete_grace(struct map *map, const struct addr *addr);
int map_commit(struct map *map);
void map_cancel(struct map *map);

/* A session by its key's text (session.h). Returns 0, -ENOENT, -EBADMSG for one that cannot be
 * read, or another errno. */
int map_get_session(struct map *map, const char *key, struct session *ret);

/* Until when the logins of an address that sessions hold would allow it without them, where its
 * record does not tell. Returns 0, -ENOENT, -EBADMSG for one that cannot be read, or another errno.
 */
int map_get_grace(struct map *map, const struct addr *addr, uint64_t *ret);

/* The place in a source that the map's contents correspond to. Returns 0, and *ret for the caller
 * to free; -ENOENT if the source was never read; -EBADMSG, -ENOMEM, or another errno. */
int map_get_cursor(struct map *map, const char *source, char **ret, uint64_t *ret_realtime_usec);

/* What a rule had to remember at that place in the source (rule.h). Returns 0, -ENOENT if nothing
 * was written down, -EBADMSG if it is longer than `size`, or another errno. */
int map_get_doubts(struct map *map, const char *source, const char *rule, char *ret, size_t size);

/* Calls func for each record, in no order; ends early when it returns non-zero. `record` is NULL
 * for one that cannot be read. Commits of the writer can happen in between: a record that is there
 * all the time is seen once, one that comes or goes may be seen or not. func must not change the
 * map. Returns what func did, or a negative errno. */
typedef int (*map_each_func)(const struct addr *addr, const struct record *record, void *userdata);
int map_each(struct map *map, map_each_func func, void *userdata);

/* The same for records and sessions at once; `session` is NULL for one that cannot be read. The
 * writer, outside of a transaction, has the map checked at the same time, in the order in which
 * they stand in the file: then it returns -EBADMSG, perhaps after some calls, if that is damaged,
 * and for records that cannot be read. */
typedef int (*map_session_func)(const char *key, const struct session *session, void *userdata);
int map_scan(struct map *map, map_each_func record_func, map_session_func session_func,
             void *userdata);
