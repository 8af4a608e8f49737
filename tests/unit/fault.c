/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fault.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <tdb.h>

static struct {
    bool is_armed;
    unsigned left; /* calls until the one that fails */
    int error;     /* what it failed with; 0: it did not come yet */
    bool in_tdb;   /* tdb_error() tells of it */
    bool only_tdb;
    enum TDB_ERROR code;
} fault;

void fault_arm(unsigned number)
{
    fault_arm_tdb(number, TDB_ERR_IO);
    fault.only_tdb = false;
}

void fault_arm_tdb(unsigned number, int code)
{
    fault.is_armed = fault.only_tdb = true;
    fault.left = number;
    fault.error = 0;
    fault.in_tdb = false;
    fault.code = (enum TDB_ERROR)code;
}

int fault_disarm(void)
{
    fault.is_armed = false;
    return fault.error;
}

static bool comes(int error)
{
    if (!fault.is_armed || fault.error < 0)
        return false;
    if (fault.left > 0) {
        fault.left--;
        return false;
    }
    fault.error = -error;
    errno = error;
    return true;
}

static bool fails(int error)
{
    return !fault.only_tdb && comes(error);
}

static bool fails_in_tdb(void)
{
    fault.in_tdb = comes(ENOSPC);
    if (fault.in_tdb && fault.only_tdb)
        errno = 0;
    return fault.in_tdb;
}

/* The linker's --wrap=NAME makes calls of NAME those of __wrap_NAME. */
#define WRAP(type, name, parameters, arguments, failed, error)                                     \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fails(error) ? (failed) : __real_##name arguments;                                  \
    }

#define WRAP_TDB(name, parameters, arguments)                                                      \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        return fails_in_tdb() ? -1 : __real_##name arguments;                                      \
    }

WRAP(void *, malloc, (size_t size), (size), NULL, ENOMEM)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NULL, ENOMEM)
WRAP(void *, realloc, (void *p, size_t size), (p, size), NULL, ENOMEM)
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size), NULL, ENOMEM)
WRAP(char *, strdup, (const char *text), (text), NULL, ENOMEM)
WRAP(char *, strndup, (const char *text, size_t len), (text, len), NULL, ENOMEM)
WRAP(void *, tsearch, (const void *key, void **root, int (*compare)(const void *, const void *)),
     (key, root, compare), NULL, ENOMEM)
WRAP(pcre2_match_context *, pcre2_match_context_create_8, (pcre2_general_context * context),
     (context), NULL, ENOMEM)
WRAP(pcre2_match_data *, pcre2_match_data_create_from_pattern_8,
     (const pcre2_code *code, pcre2_general_context *context), (code, context), NULL, ENOMEM)
WRAP(int, flock, (int fd, int operation), (fd, operation), -1, EIO)
WRAP(int, fstat, (int fd, struct stat *st), (fd, st), -1, EIO)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, EPERM)
WRAP(int, unlink, (const char *path), (path), -1, EROFS)
WRAP(int, rename, (const char *from, const char *to), (from, to), -1, EROFS)
WRAP_TDB(tdb_store, (struct tdb_context * tdb, TDB_DATA key, TDB_DATA data, int flag),
         (tdb, key, data, flag))
WRAP_TDB(tdb_delete, (struct tdb_context * tdb, TDB_DATA key), (tdb, key))
WRAP_TDB(tdb_transaction_start, (struct tdb_context * tdb), (tdb))
WRAP_TDB(tdb_traverse_read, (struct tdb_context * tdb, tdb_traverse_func func, void *userdata),
         (tdb, func, userdata))
WRAP_TDB(tdb_parse_record,
         (struct tdb_context * tdb, TDB_DATA key,
          int (*parser)(TDB_DATA key, TDB_DATA data, void *userdata), void *userdata),
         (tdb, key, parser, userdata))

/* Fails with a given code only: another code says that the map is damaged. */
int __real_tdb_check(struct tdb_context *tdb, int (*check)(TDB_DATA, TDB_DATA, void *), void *data);
int __wrap_tdb_check(struct tdb_context *tdb, int (*check)(TDB_DATA, TDB_DATA, void *), void *data);
int __wrap_tdb_check(struct tdb_context *tdb, int (*check)(TDB_DATA, TDB_DATA, void *), void *data)
{
    return fault.only_tdb && fails_in_tdb() ? -1 : __real_tdb_check(tdb, check, data);
}

/* A commit that fails has cancelled the transaction. */
int __real_tdb_transaction_commit(struct tdb_context *tdb);
int __wrap_tdb_transaction_commit(struct tdb_context *tdb);
int __wrap_tdb_transaction_commit(struct tdb_context *tdb)
{
    if (!fails_in_tdb())
        return __real_tdb_transaction_commit(tdb);
    tdb_transaction_cancel(tdb);
    errno = fault.only_tdb ? 0 : ENOSPC;
    return -1;
}

enum TDB_ERROR __real_tdb_error(struct tdb_context *tdb);
enum TDB_ERROR __wrap_tdb_error(struct tdb_context *tdb);
enum TDB_ERROR __wrap_tdb_error(struct tdb_context *tdb)
{
    bool ours = fault.is_armed && fault.in_tdb;

    fault.in_tdb = false;
    return ours ? fault.code : __real_tdb_error(tdb);
}
