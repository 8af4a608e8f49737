/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Following the journal with sd_journal. What is done here in which order, and why:
 *
 * - sd_journal_wait() once before anything is read: only it drops files that were deleted before.
 *
 * - sd_journal_process() every now and then in long reads, or rotated files stay open.
 *
 * - At the end of a file, sd_journal remembers how many entries it has, and does not look again
 *   until there are more. But journald counts an entry before it lists it under its fields: who
 *   looks in between does not find it, not even later. Seeking makes sd_journal forget.
 *
 * - Errors on an entry: source_process() drops the file that is gone, else the journal is opened
 * anew. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "journal-room.h"
#include "journal-seek.h"
#include "program/journal-configured.h"
#include "program/journal-matches.h"
#include "source-private.h"

/* As journalctl(1) does. */
#define PROCESS_INTERVAL 1024

#define RETRIES_MAX 3

struct source *source_free(struct source *source)
{
    if (!source)
        return NULL;
    sd_event_source_disable_unref(source->io);
    sd_event_source_disable_unref(source->timer);
    sd_event_unref(source->event);
    sd_journal_close(source->journal);
    journal_fields_free(source->fields);
    free(source->saved_cursor);
    free(source->seen);
    free(source->path);
    free(source);
    return NULL;
}

const char *source_error_text(int error)
{
    switch (error) {
    case -ENOMEDIUM:
        return "no journal file can be read";
    case -ENOMEM:
        return "too little memory may be had to have all of it; raise LimitAS=";
    case -EMFILE:
        return "too few files may be open at a time to have all of it; raise LimitNOFILE=";
    case -ESTALE:
        return "its directory is gone, or another one";
    case -EBADMSG:
    case -ENODATA:
        return "not a journal file, or a damaged one";
    default:
        return strerror(-error);
    }
}

/* Remembers the last entry that was read before, if it is still there to be met again. */
static int note_seen(struct source *source, const char *seen)
{
    bool is_there;
    int r;

    if (!seen)
        return 0;
    r = journal_seek_behind(source->journal, seen, &is_there);
    if (r < 0 && r != -EINVAL)
        return r;
    if (!is_there)
        return 0;
    source->seen = strdup(seen);
    return source->seen ? 0 : -ENOMEM;
}

/* Returns 1 if the journal then stands on an entry, 0 if there is none yet. */
static int seek_position(struct source *source, const struct source_position *position)
{
    bool is_there;
    int r;

    if (!position->cursor) {
        r = note_seen(source, position->seen);
        return r < 0 ? r
                     : journal_seek_time(source->journal, position->realtime_usec,
                                         &source->has_earlier);
    }
    r = journal_seek_behind(source->journal, position->cursor, &is_there);
    /* A cursor of a journal that is gone finds nothing, so ask by time. */
    if (r == -EINVAL || (r == 0 && !is_there))
        r = journal_seek_time(source->journal, position->realtime_usec, &source->has_earlier);
    /* Entries behind a cursor that is gone can be gone with it. */
    if (!is_there)
        source->has_earlier = true;
    return r;
}

static int prepare_journal(struct source *source, const struct source_position *position)
{
    uint64_t usage;
    int r = sd_journal_wait(source->journal, 0), error;

    /* Without inotify it can be read all the same; source_watch() falls back to polling. */
    if (r < 0 && r != -EMEDIUMTYPE && r != -ENOSPC && r != -EMFILE)
        return r;
    error = journal_room_check();
    if (error < 0)
        return error;
    source->is_blind = r == -ENOSPC || r == -EMFILE || !journal_room_has_watches();
    r = sd_journal_get_usage(source->journal, &usage);
    if (r < 0)
        return r;
    if (usage == 0)
        return -ENOMEDIUM;
    (void)sd_journal_set_data_threshold(source->journal, MESSAGE_MAX + sizeof("MESSAGE="));
    r = journal_matches_add(source->journal, source->rules);
    if (r >= 0)
        r = seek_position(source, position);
    return r;
}

int source_reopen(struct source *source, const struct source_position *position)
{
    int r;

    source_unwatch(source);
    sd_journal_close(source->journal);
    source->journal = NULL;
    source->has_pending = false;
    source->has_earlier = false;
    source->is_at_end = false;
    source->is_lost = false;
    source->since_process = 0;
    free(TAKE_PTR(source->saved_cursor));
    free(TAKE_PTR(source->seen));
    source->has_moved = false;
    source->cramped = 0;
    source->has_given = false;
    source->last_usec = position->realtime_usec;
    if (position->cursor) {
        source->saved_cursor = strdup(position->cursor);
        if (!source->saved_cursor)
            return source->error = -ENOMEM;
    }
    /* Before it is opened: what happens in between shows later. */
    journal_place_note(source->path, &source->place);
    r = journal_open_configured(source->path, &source->journal);
    if (r >= 0)
        r = prepare_journal(source, position);
    if (r >= 0) {
        source->has_pending = r > 0;
        r = source->event ? source_watch(source) : 0;
    }
    if (r < 0) {
        sd_journal_close(source->journal);
        source->journal = NULL;
    }
    source->error = r;
    return r;
}

int source_open(const char *path, const struct rules *rules, const struct source_position *position,
                struct source **ret)
{
    _cleanup_(source_freep) struct source *source = calloc(1, sizeof(*source));
    int r;

    if (!source)
        return -ENOMEM;
    source->rules = rules;
    source->path = strdup(path);
    source->fields = journal_fields_new();
    if (!source->path || !source->fields)
        return -ENOMEM;
    r = source_reopen(source, position);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(source);
    return 0;
}

bool source_has_earlier(const struct source *source)
{
    return source->has_earlier;
}

static int get_field(const struct entry *entry, const char *field, const void **ret,
                     size_t *ret_len)
{
    struct source *source = entry->userdata;

    return journal_fields_get(source->fields, source->journal, field, ret, ret_len);
}

/* Goes to the place where the journal stands, and on from there. */
static int seek_here(struct source *source)
{
    bool ignored;

    source_save_cursor(source);
    return source->saved_cursor
               ? journal_seek_behind(source->journal, source->saved_cursor, &ignored)
               : journal_seek_time(source->journal, source->last_usec, &ignored);
}

/* Advances, and gets over entries whose file is being deleted. */
static int advance(struct source *source)
{
    int r = 0;

    for (unsigned i = 0; i < RETRIES_MAX; i++) {
        r = sd_journal_next(source->journal);
        if (r != -EBADMSG && r != -EADDRNOTAVAIL && r != -EIDRM && r != -EIO)
            break;
        source_process(source);
    }
    if (r == 0 && source->is_at_end)
        r = seek_here(source);
    source->is_at_end = r == 0;
    return r;
}

enum source_result source_next(struct source *source, struct entry *ret, int *ret_error)
{
    uint64_t realtime_usec = 0;
    int r;

    if (!source->journal) {
        *ret_error = source->error;
        return SOURCE_BROKEN;
    }
    if (++source->since_process >= PROCESS_INTERVAL) {
        source->since_process = 0;
        source_process(source);
    }
    if (source->cramped < 0) {
        source->is_lost |= source->has_pending;
        *ret_error = source->cramped;
        return SOURCE_BROKEN;
    }
    r = source->has_pending ? 1 : advance(source);
    source->has_pending = false;
    if (r > 0) {
        int error = sd_journal_get_realtime_usec(source->journal, &realtime_usec);

        if (error < 0)
            r = error;
    }
    if (r < 0) {
        /* The journal may stand on an entry already that was not given. */
        source->is_lost = true;
        *ret_error = r;
        return SOURCE_BROKEN;
    }
    if (r == 0 && source->has_moved) {
        *ret_error = -ESTALE;
        return SOURCE_BROKEN;
    }
    if (r == 0)
        return SOURCE_END;
    free(TAKE_PTR(source->saved_cursor));
    journal_fields_clear(source->fields);
    source->has_given = true;
    source->last_usec = realtime_usec;
    source->was_seen = source->seen != NULL;
    if (source->seen && sd_journal_test_cursor(source->journal, source->seen) > 0)
        free(TAKE_PTR(source->seen));
    *ret = (struct entry){ .get = get_field, .userdata = source, .realtime_usec = realtime_usec };
    return SOURCE_ENTRY;
}

bool source_was_seen(const struct source *source)
{
    return source->was_seen;
}

int source_cursor(struct source *source, char **ret)
{
    int r = -ENODATA;

    if (source->journal && !source->is_lost)
        r = sd_journal_get_cursor(source->journal, ret);
    if (r < 0 && source->saved_cursor) {
        *ret = strdup(source->saved_cursor);
        return *ret ? 0 : -ENOMEM;
    }
    return r;
}
