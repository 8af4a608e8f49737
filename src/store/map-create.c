/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making a map: empty, or with what an old one of another shape holds. A new file is made beside
 * its place and moved there, so that readers see one map or the other and never a half-made one. */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "map-private.h"

__attribute__((format(printf, 3, 4))) static void tdb_silent(struct tdb_context *tdb,
                                                             enum tdb_debug_level level,
                                                             const char *format, ...)
{
    /* Callers learn of failures from return values; TDB's own words would go to stderr. */
    if (level <= TDB_DEBUG_ERROR)
        map_tdb_complaint = tdb_error(tdb);
}

enum TDB_ERROR map_tdb_complaint;
const struct tdb_logging_context map_tdb_silent = { .log_fn = tdb_silent };

/* The next prime: TDB takes the hash modulo the table's size. */
static int hash_size(unsigned max_entries)
{
    for (unsigned n = max_entries | 1;; n += 2) {
        unsigned d = 3;

        while (d * d <= n && n % d != 0)
            d += 2;
        if (d * d > n)
            return (int)n;
    }
}

int map_allocate(const char *path, struct map **ret)
{
    _cleanup_(map_closep) struct map *map = calloc(1, sizeof(*map));

    if (!map)
        return -ENOMEM;
    if (path) {
        map->path = strdup(path);
        if (!map->path)
            return -ENOMEM;
    }
    *ret = TAKE_PTR(map);
    return 0;
}

int map_note_file(struct map *map)
{
    struct stat st;

    if (fstat(tdb_fd(map->tdb), &st) < 0)
        return -errno;
    map->device = st.st_dev;
    map->inode = st.st_ino;
    map->size = st.st_size;
    return 0;
}

int map_lock_for_writing(struct map *map)
{
    if (flock(tdb_fd(map->tdb), LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    map->is_writer = true;
    return 0;
}

static int write_settings(struct map *map)
{
    char bits[8];
    int len = snprintf(bits, sizeof(bits), "%u", map->ipv6_bits);
    int r = map_begin(map);

    if (r == 0)
        r = map_store(map, ".format", MAP_FORMAT, strlen(MAP_FORMAT));
    if (r == 0)
        r = map_store(map, ".prefix", bits, (size_t)len);
    if (r < 0) {
        map_cancel(map);
        return r;
    }
    return map_commit(map);
}

/* Who may open the file: the group, for the bridge, whatever the umask is; and root, who tries the
 * program by hand, must not leave a file behind that the service cannot open. */
static int set_access(int fd, const char *path)
{
    _cleanup_(freep) char *copy = strdup(path);
    struct stat st;

    if (!copy)
        return -ENOMEM;
    if (fchmod(fd, 0660) < 0)
        return -errno;
    if (geteuid() != 0)
        return 0;
    if (stat(dirname(copy), &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0)
        return -errno;
    return 0;
}

static int create_file(struct map *map, const struct map_options *options)
{
    int r;

    if (asprintf(&map->new_path, "%s.new", map->path) < 0) {
        map->new_path = NULL;
        return -ENOMEM;
    }
    if (unlink(map->new_path) < 0 && errno != ENOENT)
        return -errno;
    errno = 0;
    map->tdb = tdb_open_ex(map->new_path, hash_size(options->max_entries), MAP_TDB_FLAGS,
                           O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &map_tdb_silent, NULL);
    if (!map->tdb)
        return errno > 0 ? -errno : -EIO;
    r = set_access(tdb_fd(map->tdb), map->new_path);
    if (r == 0)
        r = map_lock_for_writing(map);
    return r < 0 ? r : map_note_file(map);
}

static int create_in_memory(struct map *map, const struct map_options *options)
{
    map->tdb = tdb_open_ex(NULL, hash_size(options->max_entries), MAP_TDB_FLAGS | TDB_INTERNAL,
                           O_RDWR | O_CREAT, 0600, &map_tdb_silent, NULL);
    return map->tdb ? 0 : -ENOMEM;
}

int map_create(const struct map_options *options, struct map **ret)
{
    _cleanup_(map_closep) struct map *map = NULL;
    int r = map_allocate(options->path, &map);

    if (r < 0)
        return r;
    map->ipv6_bits = options->ipv6_bits;
    r = options->path ? create_file(map, options) : create_in_memory(map, options);
    if (r < 0)
        return r;
    r = write_settings(map);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(map);
    return 0;
}

struct conversion {
    struct map *target;
    unsigned old_bits;
    bool drops_ipv6; /* a longer prefix cannot be told from the shorter one */
    int result;
};

static bool begins_with(TDB_DATA key, const char *prefix)
{
    return key.dsize > strlen(prefix) && memcmp(key.dptr, prefix, strlen(prefix)) == 0;
}

/* The latest in each of the new groups. */
static int put_grace(struct map *target, const struct addr *addr, uint64_t until_usec)
{
    uint64_t other_usec;
    int r = map_get_grace(target, addr, &other_usec);

    if (r == 0 && other_usec >= until_usec)
        return 0;
    return r < 0 && r != -ENOENT ? r : map_put_grace(target, addr, until_usec);
}

static int convert_grace(struct conversion *conversion, TDB_DATA key, TDB_DATA value)
{
    size_t len = strlen(MAP_GRACE_PREFIX);
    uint64_t until_usec;
    struct addr addr;

    if (addr_parse_key((char *)key.dptr + len, key.dsize - len, conversion->old_bits, &addr) < 0 ||
        map_grace_decode(value.dptr, value.dsize, &until_usec) < 0)
        return 0;
    return put_grace(conversion->target, &addr, until_usec);
}

/* Copies what belongs to a place in the journal: without it, the table forgets that sessions were
 * open. */
static int convert_value(struct tdb_context *tdb, TDB_DATA key, TDB_DATA value, void *userdata)
{
    struct conversion *conversion = userdata;

    /* Without its cursor, the journal is read again as far back as a grace reaches. */
    if (conversion->drops_ipv6)
        return 0;
    if (begins_with(key, MAP_GRACE_PREFIX))
        return conversion->result = convert_grace(conversion, key, value);
    if (!(begins_with(key, ".cursor/") || begins_with(key, ".doubts/") || begins_with(key, "@")))
        return 0;
    errno = 0;
    if (tdb_store(conversion->target->tdb, key, value, TDB_REPLACE) < 0)
        conversion->result = map_error(conversion->target);
    return conversion->result;
}

static int convert_record(const struct addr *addr, const struct record *record, void *userdata)
{
    struct conversion *conversion = userdata;
    struct record other, merged;
    int r;

    if (!record || (conversion->drops_ipv6 && !addr_is_ipv4(addr)))
        return 0;
    merged = *record;
    r = map_get(conversion->target, addr, &other);
    if (r < 0 && r != -ENOENT)
        return r;
    /* The later expiry counts, the later login tells who it was. */
    if (r == 0) {
        if (other.login_usec >= record->login_usec)
            merged = other;
        if (record->expires_usec > merged.expires_usec)
            merged.expires_usec = record->expires_usec;
        if (other.expires_usec > merged.expires_usec)
            merged.expires_usec = other.expires_usec;
        merged.sessions = record->sessions + other.sessions;
        /* One that no session held is still allowed when the other's sessions have ended. */
        r = 0;
        if (merged.sessions > 0 && record->sessions == 0)
            r = put_grace(conversion->target, addr, record->expires_usec);
        if (merged.sessions > 0 && other.sessions == 0 && r == 0)
            r = put_grace(conversion->target, addr, other.expires_usec);
        if (r < 0)
            return r;
    }
    return map_put(conversion->target, addr, &merged);
}

static int copy_contents(struct map *old, struct map *target)
{
    struct conversion conversion = {
        .target = target,
        .old_bits = old->ipv6_bits,
        .drops_ipv6 = target->ipv6_bits > old->ipv6_bits,
    };
    int r = map_begin(target);

    if (r == 0)
        r = map_each(old, convert_record, &conversion);
    if (r == 0 && tdb_traverse_read(old->tdb, convert_value, &conversion) < 0)
        r = map_error(old);
    if (r == 0)
        r = conversion.result;
    if (r < 0) {
        map_cancel(target);
        return r;
    }
    return map_commit(target);
}

int map_convert(struct map *old, const struct map_options *options, struct map **ret)
{
    _cleanup_(map_closep) struct map *target = NULL;
    int r = map_create(options, &target);

    if (r == 0)
        r = copy_contents(old, target);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(target);
    return 0;
}

bool map_fits(const struct map *map, const struct map_options *options)
{
    return tdb_hash_size(map->tdb) == hash_size(options->max_entries) &&
           map->ipv6_bits == options->ipv6_bits;
}
