/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process whose entries are in doubt is remembered until nothing of a cut line can be left in it.
 *
 * What is known of courierlogger (courier-authlib 0.71.4): lines reach it with at most 1023 bytes
 * and are cut at 511, so that up to two entries follow the first. It drops "the rest of the line"
 * from the wrong one of two 4096-byte buffers on its standard input; when more than that is
 * waiting, it can go on reading in the middle of a line. Blanks at an entry's end are cut off by
 * journald, which then adds SYSLOG_RAW=; blanks behind a level such as "INFO:" vanish without a
 * trace. */

#include "cut.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"

/* Two of its buffers: one that a line may have been cut in, one that may begin in the middle. */
#define DOUBT_BYTES 8192

/* The rest of a line that was cut twice. These may come after any pause: the logger waits for
 * another line before it writes the rest down. */
#define DOUBT_ENTRIES 2

/* A logger that has nothing to write for so long has read all there was, and begins with a line. */
#define SILENCE_USEC (10 * USEC_PER_SEC)

/* Courier has four services, each with one logger. */
#define PROCESSES_MAX 16

#define PID_MAX_LEN 20

struct process {
    char pid[PID_MAX_LEN];
    size_t pid_len;   /* 0: unused */
    bool in_doubt;    /* or else it was, and is not any more */
    unsigned entries; /* since the one that may have been cut */
    size_t bytes;     /* in these */
    uint64_t last_usec;
};

struct cuts {
    size_t line_max;
    struct process processes[PROCESSES_MAX];
    bool doubts_unseen; /* a process that is not among them is in doubt, too */
    bool has_changed;
};

struct cuts *cuts_new(size_t line_max)
{
    struct cuts *cuts = calloc(1, sizeof(*cuts));

    if (cuts)
        cuts->line_max = line_max;
    return cuts;
}

struct cuts *cuts_free(struct cuts *cuts)
{
    free(cuts);
    return NULL;
}

static struct process *find_process(struct cuts *cuts, const void *pid, size_t len)
{
    for (size_t i = 0; i < PROCESSES_MAX; i++)
        if (cuts->processes[i].pid_len == len && memcmp(cuts->processes[i].pid, pid, len) == 0)
            return &cuts->processes[i];
    return NULL;
}

static bool is_dispensable(const struct process *process, const struct process *other)
{
    if (process->in_doubt != other->in_doubt)
        return other->in_doubt;
    return process->last_usec < other->last_usec;
}

/* In an unused place; else in that of one that is not in doubt; else of the one that was silent for
 * longest, which has most likely ended. That one is doubted as one of those unseen from then on. */
static struct process *add_process(struct cuts *cuts, const void *pid, size_t len)
{
    struct process *place = &cuts->processes[0];

    for (size_t i = 1; i < PROCESSES_MAX && place->pid_len > 0; i++) {
        struct process *process = &cuts->processes[i];

        if (process->pid_len == 0 || is_dispensable(process, place))
            place = process;
    }
    if (place->in_doubt)
        cuts->doubts_unseen = true;
    *place = (struct process){ .pid_len = len, .in_doubt = true };
    memcpy(place->pid, pid, len);
    return place;
}

static bool may_be_cut(const struct cuts *cuts, const struct entry *entry, size_t len)
{
    const void *raw;
    size_t raw_len;

    return len >= cuts->line_max || entry->get(entry, "SYSLOG_RAW", &raw, &raw_len) == 0;
}

static bool is_over(const struct process *process, uint64_t now_usec)
{
    if (process->entries < DOUBT_ENTRIES)
        return false;
    return process->bytes >= DOUBT_BYTES ||
           (now_usec > process->last_usec && now_usec - process->last_usec >= SILENCE_USEC);
}

static bool is_in_doubt(struct cuts *cuts, struct process *process, uint64_t now_usec)
{
    if (!process)
        return cuts->doubts_unseen;
    if (process->in_doubt && is_over(process, now_usec)) {
        process->in_doubt = false;
        cuts->has_changed = true;
    }
    return process->in_doubt;
}

static void count(struct process *process, size_t len, bool begins, uint64_t now_usec)
{
    if (begins)
        process->in_doubt = true;
    process->entries = begins ? 0 : process->entries + 1;
    process->bytes = begins ? 0 : process->bytes + len + 1;
    process->last_usec = now_usec;
}

bool cuts_is_whole(struct cuts *cuts, const struct entry *entry)
{
    const void *message, *value;
    char pid[PID_MAX_LEN];
    struct process *process;
    size_t len = 0, pid_len = 0;
    bool doubt, begins;

    /* Without a process it cannot be told what went before. */
    if (entry->get(entry, "_PID", &value, &pid_len) < 0 || pid_len == 0 || pid_len > sizeof(pid))
        return false;
    memcpy(pid, value, pid_len);
    if (entry->get(entry, "MESSAGE", &message, &len) < 0)
        len = 0;

    process = find_process(cuts, pid, pid_len);
    doubt = is_in_doubt(cuts, process, entry->realtime_usec);
    begins = may_be_cut(cuts, entry, len);
    if (doubt || begins) {
        if (!process)
            process = add_process(cuts, pid, pid_len);
        count(process, len, begins, entry->realtime_usec);
        cuts->has_changed = true;
    }
    return !doubt && !begins;
}

void cuts_doubt_all(struct cuts *cuts)
{
    cuts->doubts_unseen = true;
    cuts->has_changed = true;
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &cuts->processes[i];

        process->in_doubt = process->pid_len > 0;
        process->entries = 0;
        process->bytes = 0;
    }
}

void cuts_reset(struct cuts *cuts)
{
    /* That there are no doubts has to be written down as well. */
    *cuts = (struct cuts){ .line_max = cuts->line_max, .has_changed = true };
}

bool cuts_take_text(struct cuts *cuts, char ret[static CUTS_TEXT_MAX])
{
    size_t used;

    if (!cuts->has_changed)
        return false;
    cuts->has_changed = false;
    used = (size_t)snprintf(ret, CUTS_TEXT_MAX, "%d", cuts->doubts_unseen);
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        const struct process *process = &cuts->processes[i];

        if (process->pid_len > 0)
            used += (size_t)snprintf(ret + used, CUTS_TEXT_MAX - used, " %.*s:%d:%u:%zu:%" PRIu64,
                                     (int)process->pid_len, process->pid, process->in_doubt,
                                     process->entries, process->bytes, process->last_usec);
    }
    return true;
}

static int restore_process(struct cuts *cuts, const char *word)
{
    struct process *process = NULL;
    unsigned entries;
    size_t bytes;
    uint64_t last_usec;
    char pid[PID_MAX_LEN + 1];
    int in_doubt, end = -1;

    if (sscanf(word, "%20[0-9]:%d:%u:%zu:%" SCNu64 "%n", pid, &in_doubt, &entries, &bytes,
               &last_usec, &end) != 5 ||
        end != (int)strlen(word) || (in_doubt != 0 && in_doubt != 1))
        return -EBADMSG;
    for (size_t i = 0; i < PROCESSES_MAX && !process; i++)
        if (cuts->processes[i].pid_len == 0)
            process = &cuts->processes[i];
    if (!process)
        return -EBADMSG;
    *process = (struct process){
        .pid_len = strlen(pid),
        .in_doubt = in_doubt,
        .entries = entries,
        .bytes = bytes,
        .last_usec = last_usec,
    };
    memcpy(process->pid, pid, process->pid_len);
    return 0;
}

int cuts_restore(struct cuts *cuts, const char *text)
{
    char copy[CUTS_TEXT_MAX], *save = NULL, *word;
    int r = 0;

    cuts_reset(cuts);
    if (strlen(text) >= sizeof(copy))
        r = -EBADMSG;
    snprintf(copy, sizeof(copy), "%s", text);
    word = strtok_r(copy, " ", &save);
    if (!word || (strcmp(word, "0") != 0 && strcmp(word, "1") != 0))
        r = -EBADMSG;
    else
        cuts->doubts_unseen = word[0] == '1';
    while (r == 0 && (word = strtok_r(NULL, " ", &save)))
        r = restore_process(cuts, word);
    cuts->has_changed = r < 0;
    if (r < 0)
        cuts_doubt_all(cuts);
    return r;
}
