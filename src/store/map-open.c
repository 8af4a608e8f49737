/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opening the map: a file is used only if it is whole and ours, is put aside if it was ours and is
 * damaged, and is left alone if it belongs to something else. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/duration.h"
#include "map-private.h"

static volatile sig_atomic_t *give_up;

void map_give_up_on(volatile sig_atomic_t *flag)
{
    give_up = flag;
}

bool map_gave_up(void)
{
    return give_up && *give_up;
}

/* TDB locks the file's first byte while it opens it, as it does during a commit, and cannot be told
 * then to give up. So the same is waited for before, where it can be. */
static int wait_for_opening(int fd)
{
    struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1 };

    while (give_up && fcntl(fd, F_OFD_SETLKW, &lock) < 0) {
        if (errno != EINTR)
            return -errno;
        if (map_gave_up())
            return -EAGAIN;
    }
    return 0;
}

/* Looks at a file before TDB gets to see it: TDB would follow a link, wait for a FIFO's other end,
 * and cannot tell a damaged map from another program's file. -EBADMSG is a file that was cut short.
 */
static int probe(const char *path)
{
    static const char magic[] = "TDB file\n";
    _cleanup_(closep) int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    char start[sizeof(magic) - 1];
    struct stat st;
    ssize_t n;

    if (fd < 0)
        return errno == ELOOP ? -EMEDIUMTYPE : -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EMEDIUMTYPE;
    n = read(fd, start, sizeof(start));
    if (n < 0)
        return -errno;
    if (memcmp(start, magic, (size_t)n) != 0)
        return -EMEDIUMTYPE;
    return n < (ssize_t)sizeof(start) ? -EBADMSG : wait_for_opening(fd);
}

/* TDB reports what is wrong with a file's contents as EIO or EINVAL, and features that our maps
 * never have as ENOSYS; anything else (EACCES, EMFILE, ENOMEM) says nothing about the file. */
static int open_error(int error)
{
    if (error == ENOSYS)
        return -EMEDIUMTYPE;
    return error == 0 || error == EIO || error == EINVAL ? -EBADMSG : -error;
}

static int open_file(const char *path, struct map **ret)
{
    _cleanup_(map_closep) struct map *map = NULL;
    int r = probe(path);

    if (r < 0)
        return r;
    r = map_allocate(path, &map);
    if (r < 0)
        return r;
    errno = 0;
    map->tdb = tdb_open_ex(path, 0, MAP_TDB_FLAGS, O_RDWR | O_CLOEXEC, 0, &map_tdb_silent, NULL);
    if (!map->tdb)
        return open_error(errno);
    if (give_up)
        tdb_setalarm_sigptr(map->tdb, give_up);
    r = map_note_file(map);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(map);
    return 0;
}

int map_open_reader(const char *path, struct map **ret)
{
    _cleanup_(map_closep) struct map *map = NULL;
    int r = open_file(path, &map);

    if (r == 0)
        r = map_read_settings(map);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(map);
    return 0;
}

/* Makes the map the one that is open in `fresh`, which is used up. */
static void replace_file(struct map *map, struct map *fresh)
{
    map_close_file(map);
    map->tdb = TAKE_PTR(fresh->tdb);
    map->device = fresh->device;
    map->inode = fresh->inode;
    map->size = fresh->size;
    map->ipv6_bits = fresh->ipv6_bits;
    map_close(fresh);
}

static int reopen(struct map *map)
{
    struct map *fresh;
    int r;

    /* One process can have a TDB open only once. */
    map_close_file(map);
    r = map_open_reader(map->path, &fresh);
    if (r < 0)
        return r;
    replace_file(map, fresh);
    return map_lock_for_writing(map);
}

int map_check_place(struct map *map)
{
    const char *path = map->new_path ? map->new_path : map->path;
    struct stat st;

    if (!path)
        return 0;
    if (stat(path, &st) < 0)
        return errno == ENOENT ? -EBADMSG : -errno;
    /* TDB never shrinks a file. */
    if (st.st_dev != map->device || st.st_ino != map->inode || st.st_size < map->size)
        return -EBADMSG;
    map->size = st.st_size;
    return 0;
}

int map_publish(struct map *map)
{
    if (!map->new_path)
        return 0;
    if (rename(map->new_path, map->path) < 0)
        return -errno;
    free(TAKE_PTR(map->new_path));
    /* TDB would go on to set the times of the file of the old name at each commit. */
    return reopen(map);
}

int map_refresh(struct map *map)
{
    struct map *fresh;
    struct stat st;
    int r;

    if (stat(map->path, &st) < 0)
        return -errno;
    if (st.st_dev == map->device && st.st_ino == map->inode) {
        /* TDB never shrinks a file. Reading the part that is gone would raise SIGBUS. */
        if (st.st_size < map->size)
            return -EBADMSG;
        map->size = st.st_size;
        return 0;
    }
    r = map_open_reader(map->path, &fresh);
    if (r < 0)
        return r;
    replace_file(map, fresh);
    return 0;
}

/* Opens a file for writing if it is whole. One of the right shape may be checked later. */
static int open_whole(const char *path, const struct map_options *options, bool checks_later,
                      struct map **ret)
{
    _cleanup_(map_closep) struct map *map = NULL;
    int r = open_file(path, &map);

    if (r == 0)
        r = map_lock_for_writing(map);
    if (r == 0 && (!checks_later || map_read_settings(map) < 0 || !map_fits(map, options)))
        r = map_check(map);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(map);
    return 0;
}

/* The new map that an earlier run did not get to publish, if it can be gone on with; else an empty
 * one. */
static int resume_or_create(const struct map_options *options, struct map **ret)
{
    _cleanup_(freep) char *new_path = NULL;
    _cleanup_(map_closep) struct map *map = NULL;
    int r;

    if (asprintf(&new_path, "%s.new", options->path) < 0)
        return -ENOMEM;
    r = open_whole(new_path, options, false, &map);
    if (r == -EBUSY)
        return r;
    if (r < 0 || !map_fits(map, options)) {
        map = map_close(map);
        return map_create(options, ret);
    }
    free(map->path);
    map->path = strdup(options->path);
    if (!map->path)
        return -ENOMEM;
    map->new_path = TAKE_PTR(new_path);
    *ret = TAKE_PTR(map);
    return 0;
}

/* Never over an earlier one: what is put aside is evidence. */
static int put_aside(const struct map_options *options, char **ret)
{
    for (unsigned i = 0; i < 100; i++) {
        _cleanup_(freep) char *aside = NULL;

        if (asprintf(&aside, "%s.corrupt-%" PRIu64 "%s%.0u", options->path,
                     options->now_usec / USEC_PER_SEC, i > 0 ? "-" : "", i) < 0) {
            aside = NULL;
            return -ENOMEM;
        }
        if (renameat2(AT_FDCWD, options->path, AT_FDCWD, aside, RENAME_NOREPLACE) == 0) {
            *ret = TAKE_PTR(aside);
            return 0;
        }
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

/* A map of another shape is complete as soon as it is made. */
static int convert(struct map *old, const struct map_options *options, struct map **ret)
{
    _cleanup_(map_closep) struct map *map = NULL;
    int r = map_convert(old, options, &map);

    if (r == 0)
        r = map_publish(map);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(map);
    return 0;
}

int map_open_writer(const struct map_options *options, struct map **ret, enum map_state *ret_state)
{
    _cleanup_(map_closep) struct map *old = NULL;
    _cleanup_(freep) char *aside = NULL;
    int r =
        options->path ? open_whole(options->path, options, options->checks_later, &old) : -ENOENT;

    if (r == 0 && map_fits(old, options)) {
        *ret = TAKE_PTR(old);
        *ret_state = MAP_KEPT;
        return 0;
    }
    if (r == 0) {
        *ret_state = MAP_CONVERTED;
        return convert(old, options, ret);
    }
    if (r == -EBADMSG) {
        r = put_aside(options, &aside);
        if (r < 0)
            return r;
    } else if (r != -ENOENT)
        return r;

    r = options->path ? resume_or_create(options, ret) : map_create(options, ret);
    if (r < 0)
        return r;
    *ret_state = aside ? MAP_REPLACED : MAP_CREATED;
    (*ret)->aside = TAKE_PTR(aside);
    return 0;
}
