/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "core/cleanup.h"
#include "core/entry.h"
#include "core/rule.h"

/* A journal that is followed: the local one, a directory of journal files, or one file. Reading is
 * resumed exactly where it was left off, by cursor, or by time where there is no cursor. */
struct source;

/* Where reading is to begin. `cursor` NULL: at `realtime_usec`; 0 there: with the oldest entry. */
struct source_position {
    const char *cursor;
    uint64_t realtime_usec; /* with a cursor: of its entry */
    const char *seen;       /* without a cursor: of the last entry that was read before, or NULL */
};

enum source_result {
    SOURCE_ENTRY,
    SOURCE_END,    /* nothing more for now */
    SOURCE_BROKEN, /* *ret_error says why; source_reopen() after a while */
};

/* Called when there may be something to read. */
typedef void (*source_wake_func)(void *userdata);

/* Opens `path` ("" is the local journal) for the entries that the enabled rules ask for, and
 * journald's notices that it dropped some. Returns 0; -ENOMEDIUM if there is not one journal file
 * that can be read; or another negative errno. */
int source_open(const char *path, const struct rules *rules, const struct source_position *position,
                struct source **ret);
struct source *source_free(struct source *source);
DEFINE_CLEANUP(struct source *, source_free)

/* What an error of these functions means, in words for a message. */
const char *source_error_text(int error);

/* True if the journal had entries before a position that was given by time: what went before the
 * first one that will be read is then not known. */
bool source_has_earlier(const struct source *source);

/* True if the system cannot tell of changes of the journal, for want of inotify watches: it is then
 * looked at every few seconds. */
bool source_is_blind(const struct source *source);

/* Has `func` called from the loop whenever the journal changes. Returns 0 or a negative errno. */
int source_attach(struct source *source, sd_event *event, source_wake_func func, void *userdata);

/* Goes to the next entry. *ret holds until the next call on the source. */
enum source_result source_next(struct source *source, struct entry *ret, int *ret_error);

/* True if the entry that source_next() last gave had been read before the source was opened: it is
 * not behind the one that the position called seen. */
bool source_was_seen(const struct source *source);

/* Goes back, or on after SOURCE_BROKEN, to the position. Returns as source_open(); after a failure,
 * source_next() says SOURCE_BROKEN until it succeeds. */
int source_reopen(struct source *source, const struct source_position *position);

/* The cursor of the entry that source_next() last gave, for the caller to free. Returns 0, -ENODATA
 * if it cannot be told after SOURCE_BROKEN, or another negative errno. */
int source_cursor(struct source *source, char **ret);
