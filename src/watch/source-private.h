/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What source.c and source-watch.c share. */

#include <systemd/sd-journal.h>

#include "journal-fields.h"
#include "journal-place.h"
#include "source.h"

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

/* Notes where the journal stands, if that is not noted, and it stands on the entry given last. */
void source_save_cursor(struct source *source);

/* Takes note of what has changed in the journal's directory. Lets deleted files go; the one with
 * the last entry may be among them. */
void source_process(struct source *source);

/* Has the event loop tell of changes from now on. Returns 0 or a negative errno. */
int source_watch(struct source *source);
void source_unwatch(struct source *source);
