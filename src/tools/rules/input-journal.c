/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A journal is read in two runs. The first, from some time before what was asked for, reads only
 * what the rules ask for, up to that time. The second reads what was asked for and what the rules
 * ask for, so that the rules never miss an entry, whatever is shown. */

#include <errno.h>
#include <string.h>

#include <systemd/sd-journal.h>

#include "boot.h"
#include "core/limits.h"
#include "input.h"
#include "journal-open.h"
#include "program/clock.h"
#include "program/journal-matches.h"

/* As journalctl(1) does. */
#define PROCESS_INTERVAL 1024

#define RETRIES_MAX 3

/* How long is waited for new entries before it is asked whether to go on. */
#define WAIT_USEC 250000

struct journal_input {
    struct input input; /* must be first */
    sd_journal *journal;
    struct input_journal_options options;
    uint64_t from_usec; /* when the second run begins; 0: with the first entry */
    char *from_cursor;  /* its first entry to be shown, if it was found by counting */
    bool has_from;      /* the cursor was reached, or there is none */
    bool is_warming;    /* this is the first run */
    bool is_first;      /* nothing was given yet, and there are entries before */
    bool is_empty;      /* there is nothing to be shown */
    bool has_pending;   /* the journal stands on an entry that was not given yet */
    unsigned since_process;
    char *cursor; /* of this entry, if somebody asked */
};

static struct input *free_journal(struct input *input)
{
    struct journal_input *journal = (struct journal_input *)input;

    sd_journal_close(journal->journal);
    free(journal->from_cursor);
    free(journal->cursor);
    free(journal);
    return NULL;
}

static int require_boot(struct journal_input *journal)
{
    char id[BOOT_ID_TEXT_MAX];
    int r =
        boot_find(journal->journal, journal_is_local(&journal->options), journal->options.boot, id);

    return r < 0 ? r : selection_require(journal->options.selection, "_BOOT_ID", id);
}

/* Finds the first of the last entries that are asked for. */
static int find_last_lines(struct journal_input *journal)
{
    uint64_t until = selection_until(journal->options.selection);
    sd_journal *j = journal->journal;
    int r =
        until == UINT64_MAX ? sd_journal_seek_tail(j) : sd_journal_seek_realtime_usec(j, until + 1);

    if (r >= 0)
        r = sd_journal_previous_skip(j, journal->options.lines);
    return r;
}

static int find_first(struct journal_input *journal)
{
    sd_journal *j = journal->journal;
    int r = sd_journal_seek_head(j);

    return r < 0 ? r : sd_journal_next(j);
}

/* Finds the first entry that will be shown, where it takes counting or a boot to tell. Returns 1,
 * or 0 if there is none. */
static int find_from(struct journal_input *journal, uint64_t *ret_usec)
{
    const struct input_journal_options *options = &journal->options;
    int r = selection_add_matches(options->selection, journal->journal);

    if (r >= 0 && options->lines == UINT64_MAX)
        r = find_first(journal);
    else if (r >= 0 && options->lines > 0)
        r = find_last_lines(journal);
    if (r > 0 && sd_journal_get_realtime_usec(journal->journal, ret_usec) < 0)
        r = -EBADMSG;
    return r;
}

/* Finds out where the second run begins. */
static int find_beginning(struct journal_input *journal)
{
    const struct input_journal_options *options = &journal->options;
    uint64_t usec = 0;
    int r;

    journal->from_usec = selection_since(options->selection);
    journal->has_from = true;
    if (options->lines == UINT64_MAX && !options->boot)
        return 0;
    r = find_from(journal, &usec);
    if (r == 0 && options->follow)
        usec = clock_realtime_usec();
    else if (r == 0)
        journal->is_empty = true;
    if (r > 0 && usec > journal->from_usec) {
        journal->has_from = false;
        r = sd_journal_get_cursor(journal->journal, &journal->from_cursor);
    }
    if (usec > journal->from_usec)
        journal->from_usec = usec;
    sd_journal_flush_matches(journal->journal);
    return r < 0 ? r : 0;
}

/* Goes to the first entry from that time on. Returns whether there is one. */
static int seek(sd_journal *journal, uint64_t usec)
{
    int r =
        usec == 0 ? sd_journal_seek_head(journal) : sd_journal_seek_realtime_usec(journal, usec);

    return r < 0 ? r : sd_journal_next(journal);
}

static int has_earlier(sd_journal *journal, uint64_t usec)
{
    int r = sd_journal_seek_realtime_usec(journal, usec);

    return r < 0 ? r : sd_journal_previous(journal);
}

static int begin_first_run(struct journal_input *journal)
{
    uint64_t back = journal->options.back_usec, from = journal->from_usec, start;
    int r;

    if (from == 0)
        return 0;
    start = from > back ? from - back : 1;
    journal->is_warming = true;
    r = journal_matches_add(journal->journal, journal->options.settings->rules);
    if (r >= 0)
        r = has_earlier(journal->journal, start);
    if (r < 0)
        return r;
    journal->is_first = r > 0;
    return seek(journal->journal, start);
}

static int begin_second_run(struct journal_input *journal)
{
    const struct input_journal_options *options = &journal->options;
    int r = 0;

    journal->is_warming = false;
    sd_journal_flush_matches(journal->journal);
    if (!options->only_rules && selection_is_everything(options->selection))
        return seek(journal->journal, journal->from_usec);
    if (!options->only_rules)
        r = selection_add_matches(options->selection, journal->journal);
    if (r >= 0)
        r = journal_matches_add(journal->journal, options->settings->rules);
    return r < 0 ? r : seek(journal->journal, journal->from_usec);
}

static int begin(struct journal_input *journal)
{
    int r;

    if (journal->is_empty)
        return 0;
    r = begin_first_run(journal);
    if (r == 0)
        r = begin_second_run(journal);
    journal->has_pending = r > 0;
    return r;
}

static int get_field(const struct entry *entry, const char *field, const void **ret,
                     size_t *ret_len)
{
    struct journal_input *journal = entry->userdata;
    size_t name_len = strlen(field), len;
    const void *data;
    int r;

    if (strcmp(field, "__CURSOR") == 0) {
        if (!journal->cursor && sd_journal_get_cursor(journal->journal, &journal->cursor) < 0)
            return -ENOENT;
        *ret = journal->cursor;
        *ret_len = strlen(journal->cursor);
        return 0;
    }
    r = sd_journal_get_data(journal->journal, field, &data, &len);
    if (r < 0)
        return r;
    if (len < name_len + 1)
        return -EBADMSG;
    *ret = (const char *)data + name_len + 1;
    *ret_len = len - name_len - 1;
    return 0;
}

/* Gets over entries whose file is being deleted. */
static int step(struct journal_input *journal)
{
    int r = 0;

    for (unsigned i = 0; i < RETRIES_MAX; i++) {
        r = sd_journal_next(journal->journal);
        if (r != -EBADMSG && r != -EADDRNOTAVAIL && r != -EIDRM && r != -EIO)
            return r;
        (void)sd_journal_process(journal->journal);
    }
    return r;
}

/* The next entry of either run; waits for one if it is to follow. */
static int advance(struct journal_input *journal)
{
    int r;

    if (journal->has_pending) {
        journal->has_pending = false;
        return 1;
    }
    if (++journal->since_process >= PROCESS_INTERVAL) {
        journal->since_process = 0;
        (void)sd_journal_process(journal->journal);
    }
    r = step(journal);
    if (r == 0 && journal->is_warming) {
        r = begin_second_run(journal);
        if (r != 0)
            return r;
    }
    while (r == 0 && journal->options.follow && !journal->options.is_over()) {
        r = sd_journal_wait(journal->journal, WAIT_USEC);
        if (r >= 0)
            r = step(journal);
    }
    return r;
}

static bool is_shown(struct journal_input *journal, const struct entry *entry)
{
    if (journal->is_warming)
        return false;
    if (!journal->has_from)
        journal->has_from = sd_journal_test_cursor(journal->journal, journal->from_cursor) > 0;
    return journal->has_from && selection_holds(journal->options.selection, entry);
}

/* Entries come in the order of time, but for those that were written while the clock was wrong. */
static bool is_beyond(const struct journal_input *journal, uint64_t usec)
{
    return !journal->is_warming && usec > selection_until(journal->options.selection);
}

static int next_journal(struct input *input, struct input_entry *ret)
{
    struct journal_input *journal = (struct journal_input *)input;
    uint64_t usec;
    int r;

    free(TAKE_PTR(journal->cursor));
    if (journal->is_empty)
        return 0;
    r = advance(journal);
    if (r > 0)
        r = sd_journal_get_realtime_usec(journal->journal, &usec) < 0 ? -EBADMSG : 1;
    if (r > 0 && journal->is_warming && usec >= journal->from_usec) {
        r = begin_second_run(journal);
        if (r > 0)
            r = sd_journal_get_realtime_usec(journal->journal, &usec) < 0 ? -EBADMSG : 1;
        else if (r == 0 && journal->options.follow)
            return next_journal(input, ret);
    }
    if (r <= 0 || is_beyond(journal, usec))
        return r < 0 ? r : 0;
    *ret = (struct input_entry){
        .entry = { .get = get_field, .userdata = journal, .realtime_usec = usec },
        .is_first = journal->is_first,
    };
    ret->is_shown = is_shown(journal, &ret->entry);
    journal->is_first = false;
    return 1;
}

static int prepare(struct journal_input *journal)
{
    uint64_t usage;
    int r = sd_journal_wait(journal->journal, 0);

    /* Without inotify it can be read all the same. */
    if (r < 0 && r != -EMEDIUMTYPE && r != -ENOSPC && r != -EMFILE)
        return r;
    r = sd_journal_get_usage(journal->journal, &usage);
    if (r < 0)
        return r;
    if (usage == 0)
        return -ENOMEDIUM;
    (void)sd_journal_set_data_threshold(journal->journal, MESSAGE_MAX + sizeof("MESSAGE="));
    r = journal->options.boot ? require_boot(journal) : 0;
    if (r >= 0)
        r = find_beginning(journal);
    return r < 0 ? r : begin(journal);
}

int input_open_journal(const struct input_journal_options *options, struct input **ret,
                       const char **reterr_what)
{
    struct journal_input *journal = calloc(1, sizeof(*journal));
    _cleanup_(input_freep) struct input *input = journal ? &journal->input : NULL;
    int r;

    if (!journal)
        return -ENOMEM;
    journal->input = (struct input){ next_journal, free_journal };
    journal->options = *options;
    r = journal_open(options, &journal->journal, reterr_what);
    if (r >= 0)
        r = prepare(journal);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(input);
    return 0;
}
