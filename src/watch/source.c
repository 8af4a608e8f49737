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
 * - Errors on an entry: process() drops the file that is gone, else the journal is opened anew. */

#include "source.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-journal.h>

#include "core/duration.h"
#include "core/limits.h"
#include "journal-fields.h"
#include "journal-place.h"
#include "journal-room.h"
#include "journal-seek.h"
#include "program/journal-configured.h"
#include "program/journal-matches.h"

/* As journalctl(1) does. */
#define PROCESS_INTERVAL 1024

#define RETRIES_MAX 3

/* Journals that cannot be watched (one file, a network file system, no inotify watches left). */
#define POLL_USEC (5 * USEC_PER_SEC)

struct source {
    sd_journal *journal; /* NULL while broken */
    int error;           /* why it is */
    char *path;
    const struct rules *rules;
    sd_event *event;
    sd_event_source *io, *timer;
    source_wake_func wake;
    void *userdata;
    struct journal_place place;
    unsigned since_process;
    bool is_blind;                 /* nothing tells of changes */
    bool is_polled;                /* by the timer, which else waits for changes of the directory */
    int cramped;                   /* why files may be missing; 0 if none is */
    bool has_moved;                /* the directory is another one by now, or gone */
    bool has_pending;              /* the journal stands on an entry that was not given yet */
    bool is_at_end;                /* there was nothing more when it was looked at last */
    bool is_lost;                  /* the journal does not stand on the entry that was given last */
    bool has_given;                /* an entry, since it was opened */
    uint64_t last_usec;            /* the time of the entry given last, or of the position before */
    struct journal_fields *fields; /* of the entry that was given last */
    char *saved_cursor; /* of the last entry given, if its file may be gone by now; or before */
    char *seen;         /* of the last entry that was read before; NULL once given again */
    bool was_seen;      /* the entry given last was read before */
    bool has_earlier;   /* it began behind entries that nobody has seen, or may have */
};

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

    /* Without inotify it can be read all the same; watch() falls back to polling. */
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

static int watch(struct source *source);

static void unwatch(struct source *source)
{
    source->io = sd_event_source_disable_unref(source->io);
    source->timer = sd_event_source_disable_unref(source->timer);
}

int source_reopen(struct source *source, const struct source_position *position)
{
    int r;

    unwatch(source);
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
        r = source->event ? watch(source) : 0;
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

static int set_timer(struct source *source)
{
    int r = sd_event_source_set_time_relative(source->timer, POLL_USEC);

    return r < 0 ? r : sd_event_source_set_enabled(source->timer, SD_EVENT_ONESHOT);
}

/* APPEND, INVALIDATE and NOP are all the same to one who reads on from where he is. But when files
 * go, the directory may be about to go with them, and sd_journal does not look for it again. That
 * it went is told only when nobody has it open any more, so it is looked at a while later, too. */
static void process_changes(struct source *source)
{
    int r = sd_journal_process(source->journal);

    if (source->cramped == 0)
        source->cramped = journal_room_check();
    if (r != SD_JOURNAL_INVALIDATE)
        return;
    if (journal_place_changed(source->path, &source->place))
        source->has_moved = true;
    else if (source->timer)
        (void)set_timer(source);
}

/* Where the journal stands on an entry that was not given, its cursor would pass over that. */
static void save_cursor(struct source *source)
{
    char *cursor;

    if (source->saved_cursor || source->has_pending || source->is_lost)
        return;
    if (sd_journal_get_cursor(source->journal, &cursor) >= 0)
        source->saved_cursor = cursor;
}

/* Lets deleted files go; the one with the last entry may be among them. */
static void process(struct source *source)
{
    save_cursor(source);
    process_changes(source);
}

static bool is_empty(const struct source *source)
{
    uint64_t usage;

    return sd_journal_get_usage(source->journal, &usage) < 0 || usage == 0;
}

static int on_io(sd_event_source *event_source, int fd, uint32_t revents, void *userdata)
{
    struct source *source = userdata;

    process(source);
    source->wake(source->userdata);
    return 0;
}

/* Only a journal that is opened anew finds new files, and perhaps can be watched again. */
static void look_again(struct source *source)
{
    _cleanup_(freep) char *cursor = NULL;
    struct source_position position = { .realtime_usec = source->last_usec };
    int r = 0;

    if (source->has_given)
        r = source_cursor(source, &cursor);
    else
        cursor = TAKE_PTR(source->saved_cursor);
    position.cursor = cursor;
    if (r == 0)
        r = source_reopen(source, &position);
    /* Where it is to go on is then known to those who know what was done with the entries. */
    if (r < 0 || source->has_earlier)
        source->has_moved = true;
}

static int on_timer(sd_event_source *event_source, uint64_t usec, void *userdata)
{
    struct source *source = userdata;
    int r = 0;

    if (source->is_blind && !source->has_moved) {
        look_again(source);
    } else {
        process(source);
        if (journal_place_changed(source->path, &source->place))
            source->has_moved = true;
        if (source->is_polled || is_empty(source))
            r = set_timer(source);
    }
    source->wake(source->userdata);
    return r;
}

static int watch(struct source *source)
{
    int fd = sd_journal_get_fd(source->journal), r;

    if (fd >= 0) {
        r = sd_event_add_io(source->event, &source->io, fd,
                            (uint32_t)sd_journal_get_events(source->journal), on_io, source);
        if (r < 0)
            return r;
    }
    source->is_polled = fd < 0 || source->is_blind || sd_journal_reliable_fd(source->journal) <= 0;
    r = sd_event_add_time_relative(source->event, &source->timer, CLOCK_MONOTONIC, POLL_USEC, 0,
                                   on_timer, source);
    if (r >= 0 && !source->is_polled)
        r = sd_event_source_set_enabled(source->timer, SD_EVENT_OFF);
    return r;
}

bool source_is_blind(const struct source *source)
{
    return source->is_blind;
}

bool source_has_earlier(const struct source *source)
{
    return source->has_earlier;
}

int source_attach(struct source *source, sd_event *event, source_wake_func func, void *userdata)
{
    assert(!source->event);
    source->event = sd_event_ref(event);
    source->wake = func;
    source->userdata = userdata;
    return source->journal ? watch(source) : 0;
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

    save_cursor(source);
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
        process(source);
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
        process(source);
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
