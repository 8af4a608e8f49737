/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/duration.h"

/* Nobody waits for what is done in a second. */
#define FIRST_USEC    USEC_PER_SEC
#define INTERVAL_USEC (USEC_PER_SEC / 4)

void progress_start(struct progress *progress, bool wanted, uint64_t monotonic_usec)
{
    const char *terminal = getenv("TERM");
    bool can = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;

    *progress =
        (struct progress){ wanted && can ? monotonic_usec + FIRST_USEC : UINT64_MAX, false };
}

void progress_tick(struct progress *progress, size_t entries, uint64_t entry_usec,
                   uint64_t monotonic_usec)
{
    time_t seconds = (time_t)(entry_usec / USEC_PER_SEC);
    char time[32] = "";
    struct tm tm;

    if (monotonic_usec < progress->next_usec)
        return;
    if (localtime_r(&seconds, &tm))
        (void)strftime(time, sizeof(time), "%Y-%m-%d %H:%M", &tm);
    fprintf(stderr, "\r%zu entries read, up to %s ...\033[K", entries, time);
    progress->next_usec = monotonic_usec + INTERVAL_USEC;
    progress->is_shown = true;
}

void progress_clear(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}
