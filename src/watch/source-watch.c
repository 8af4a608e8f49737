/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Learning that there may be something new in the journal: from sd_journal's descriptor, or by a
 * look every few seconds where that tells of nothing. */

#include <assert.h>
#include <stdlib.h>

#include "core/duration.h"
#include "journal-room.h"
#include "source-private.h"

/* Journals that cannot be watched (one file, a network file system, no inotify watches left). */
#define POLL_USEC (5 * USEC_PER_SEC)

void source_unwatch(struct source *source)
{
    source->io = sd_event_source_disable_unref(source->io);
    source->timer = sd_event_source_disable_unref(source->timer);
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
void source_save_cursor(struct source *source)
{
    char *cursor;

    if (source->saved_cursor || source->has_pending || source->is_lost)
        return;
    if (sd_journal_get_cursor(source->journal, &cursor) >= 0)
        source->saved_cursor = cursor;
}

void source_process(struct source *source)
{
    source_save_cursor(source);
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

    source_process(source);
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
        source_process(source);
        if (journal_place_changed(source->path, &source->place))
            source->has_moved = true;
        if (source->is_polled || is_empty(source))
            r = set_timer(source);
    }
    source->wake(source->userdata);
    return r;
}

int source_watch(struct source *source)
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

int source_attach(struct source *source, sd_event *event, source_wake_func func, void *userdata)
{
    assert(!source->event);
    source->event = sd_event_ref(event);
    source->wake = func;
    source->userdata = userdata;
    return source->journal ? source_watch(source) : 0;
}
