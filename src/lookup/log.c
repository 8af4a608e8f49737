/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines on standard error are enough here: the bridge has no events that one would search for by
 * field, and journald takes the priority from the line. */

#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "core/duration.h"
#include "program/journal-stream.h"

static bool log_debug;
static bool log_to_journal;

void log_open(bool debug)
{
    log_debug = debug;
    log_to_journal = journal_stream_is_stderr();
}

bool log_is_debug(void)
{
    return log_debug;
}

void log_line(int priority, const char *format, ...)
{
    int saved_errno = errno;
    char text[LOG_LINE_MAX];
    va_list arguments;

    if (priority == LOG_DEBUG && !log_debug)
        return;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);

    /* dprintf() writes the line at once, so that lines of others cannot get into it. */
    if (log_to_journal)
        (void)dprintf(STDERR_FILENO, "<%d>%s\n", priority, text);
    else
        (void)dprintf(STDERR_FILENO, "pbs-lookupd: %s\n", text);
    errno = saved_errno;
}

bool log_limit_passes(struct log_limit *limit, uint64_t now_usec)
{
    if (now_usec < limit->next_usec)
        return false;
    limit->next_usec = now_usec + USEC_PER_MIN;
    return true;
}
