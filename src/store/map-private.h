/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What map.c, map-check.c, map-create.c, map-open.c and map-value.c share. */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
/* tdb.h does not include what it needs. */
#include <tdb.h>

#include "draft.h"
#include "map.h"

#define MAP_FORMAT "1"

/* The jenkins hash spreads better than TDB's first one; every tdb since 1.2.6 (2010) can read it.
 */
#define MAP_TDB_FLAGS (TDB_NOSYNC | TDB_DISALLOW_NESTING | TDB_INCOMPATIBLE_HASH)

#define MAP_KEY_MAX    4200 /* ".cursor/" and a path */
#define MAP_CURSOR_MAX 1024 /* a journal cursor has about 130 bytes */

#define MAP_GRACE_PREFIX ".grace/"

struct map {
    struct tdb_context *tdb;
    char *path;     /* NULL in memory */
    char *new_path; /* where the file is until map_publish(); NULL if it is in its place */
    char *aside;
    unsigned ipv6_bits;
    bool is_writer; /* nobody else changes the file */
    bool in_transaction;
    struct draft *draft; /* of the transaction; NULL before the first */
    dev_t device;        /* which file this is, for readers */
    ino_t inode;
    off_t size; /* when last looked at */
};

static inline TDB_DATA string_data(const char *text)
{
    return (TDB_DATA){ .dptr = (unsigned char *)text, .dsize = strlen(text) };
}

/* The negative errno for what just failed in TDB; errno must have been 0 before the call. */
int map_error(struct map *map);

/* The value of any key, copied to `ret`; -EBADMSG if it is longer than `size`. */
int map_fetch(struct map *map, const char *key, char *ret, size_t size, size_t *ret_len);

int map_store(struct map *map, const char *key, const char *value, size_t len);

/* Writes what the transaction has changed so far to TDB, as a part of it. */
int map_flush(struct map *map);

/* -ENOENT if there is no such key. */
int map_remove(struct map *map, const char *key);

/* Closes what is open, if anything, and gives up the writer's lock. */
void map_close_file(struct map *map);

/* From map-check.c. */

/* Reads what the map says about itself. -EMEDIUMTYPE if it says nothing: it is another program's.
 */
int map_read_settings(struct map *map);

/* The same, of a file that is whole: its structure, and every record in it; else -EBADMSG, or why
 * that could not be found out. */
int map_check(struct map *map);

/* Whether a check by TDB that failed has found damage: -EBADMSG, or else why it could not be made.
 * It wants memory for each hash chain, of which a damaged header may name more than the file has
 * room for. */
int map_check_error(struct map *map);

/* From map-create.c. */

extern const struct tdb_logging_context map_tdb_silent;

/* The error that TDB last reported to its log. */
extern enum TDB_ERROR map_tdb_complaint;

/* True if the flag of map_give_up_on() is set. */
bool map_gave_up(void);

/* A map without a file yet; `path` may be NULL. */
int map_allocate(const char *path, struct map **ret);

/* Reads the value of such a key. Returns 0 or -EBADMSG. */
int map_grace_decode(const void *data, size_t len, uint64_t *ret);

/* Notes which file is open, for map_refresh(). */
int map_note_file(struct map *map);

/* One writer at a time, for as long as the file is open; -EBUSY if there is another. flock(2) does
 * not meet TDB's fcntl(2) locks. */
int map_lock_for_writing(struct map *map);

/* An empty map, not yet published. */
int map_create(const struct map_options *options, struct map **ret);

/* The same with what the old one holds, and another hash size or prefix. */
int map_convert(struct map *old, const struct map_options *options, struct map **ret);

bool map_fits(const struct map *map, const struct map_options *options);
