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

/* For how long after journald dropped entries a process is in doubt that was not heard of since. */
#define DROPPED_USEC USEC_PER_DAY

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
    uint64_t dropped_usec; /* when journald last dropped entries; 0: never */
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

/* In the place of one that is not in doubt; NULL if there is none. */
static struct process *add_process(struct cuts *cuts, const void *pid, size_t len)
{
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &cuts->processes[i];

        if (process->in_doubt)
            continue;
        *process = (struct process){ .pid_len = len, .in_doubt = true };
        memcpy(process->pid, pid, len);
        return process;
    }
    return NULL;
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

static bool is_in_doubt(const struct cuts *cuts, struct process *process, uint64_t now_usec)
{
    if (!process)
        return cuts->dropped_usec > 0 && now_usec < cuts->dropped_usec + DROPPED_USEC;
    if (process->in_doubt && is_over(process, now_usec))
        process->in_doubt = false;
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
    if (!process && (doubt || begins)) {
        process = add_process(cuts, pid, pid_len);
        /* More of them than can be remembered: then none is trusted. */
        if (!process)
            cuts_doubt_all(cuts, entry->realtime_usec);
    }
    if (process)
        count(process, len, begins, entry->realtime_usec);
    return !doubt;
}

void cuts_doubt_all(struct cuts *cuts, uint64_t realtime_usec)
{
    cuts->dropped_usec = realtime_usec;
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &cuts->processes[i];

        process->in_doubt = process->pid_len > 0;
        process->entries = 0;
        process->bytes = 0;
    }
}
