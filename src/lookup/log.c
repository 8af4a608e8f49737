/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines on standard error are enough here: the bridge has no events that one would search for by
 * field, and journald takes the priority from the line. */

#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "core/duration.h"

static bool log_debug;
static bool log_to_journal;

/* systemd names the stream to the journal that it made, but the variable is inherited by children
 * whose standard error may be something else by then (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(bool debug)
{
    log_debug = debug;
    log_to_journal = stderr_is_journal();
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
