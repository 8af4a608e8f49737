/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A message goes to one place only. In the journal it has fields; anywhere else it is a line with
 * the text alone, and in a file with the time, which no one else would add there. */

#include "log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Every entry names this line otherwise. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "core/cleanup.h"
#include "plain-file.h"
#include "program/journal-stream.h"

enum log_target {
    LOG_TO_STDERR,
    LOG_TO_STDOUT,
    LOG_TO_FILE,
    LOG_TO_JOURNAL,
};

static struct {
    enum log_target target;
    bool debug;
    char path[PATH_MAX];
    int fd;
} state = { .target = LOG_TO_STDERR, .fd = STDERR_FILENO };

static int open_file(const char *path, int *ret)
{
    return plain_file_open(path, O_WRONLY | O_APPEND | O_CREAT, 0640, ret);
}

int log_open(const char *file, bool debug, bool background)
{
    enum log_target target = LOG_TO_STDERR;
    int fd = STDERR_FILENO;

    if (strcmp(file, "-") == 0) {
        target = LOG_TO_STDOUT;
        fd = STDOUT_FILENO;
    } else if (file[0]) {
        int r = open_file(file, &fd);

        if (r < 0)
            return r;
        target = LOG_TO_FILE;
    } else if (background || journal_stream_is_stderr())
        target = LOG_TO_JOURNAL;
    else if (debug) {
        target = LOG_TO_STDOUT;
        fd = STDOUT_FILENO;
    }

    if (state.target == LOG_TO_FILE)
        (void)close(state.fd);
    state.target = target;
    state.debug = debug;
    state.fd = fd;
    snprintf(state.path, sizeof(state.path), "%s", file);
    return 0;
}

int log_reopen(void)
{
    int fd = -1, r;

    if (state.target != LOG_TO_FILE)
        return 0;
    r = open_file(state.path, &fd);
    if (r < 0)
        return r;
    (void)close(state.fd);
    state.fd = fd;
    return 0;
}

bool log_wants(int priority)
{
    return priority < LOG_DEBUG || state.debug;
}

static void send_to_journal(int priority, const char *const *fields, size_t count)
{
    struct iovec iov[LOG_FIELDS_MAX + 2];
    char level[] = "PRIORITY=?";
    char identifier[] = "SYSLOG_IDENTIFIER=pop-before-smtp";

    assert(count <= LOG_FIELDS_MAX);
    level[sizeof(level) - 2] = (char)('0' + priority);
    iov[0] = (struct iovec){ level, strlen(level) };
    iov[1] = (struct iovec){ identifier, strlen(identifier) };
    for (size_t i = 0; i < count; i++)
        iov[i + 2] = (struct iovec){ (char *)fields[i], strlen(fields[i]) };
    (void)sd_journal_sendv(iov, (int)count + 2);
}

static const char *priority_word(int priority)
{
    if (priority <= LOG_ERR)
        return "error: ";
    return priority == LOG_WARNING ? "warning: " : "";
}

static void write_line(int priority, const char *message)
{
    _cleanup_(freep) char *line = NULL;
    char stamp[64] = "";
    struct timespec now;
    struct tm local;
    int len;

    if (state.target == LOG_TO_FILE && clock_gettime(CLOCK_REALTIME, &now) == 0 &&
        localtime_r(&now.tv_sec, &local))
        (void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S%z ", &local);
    len = asprintf(&line, "%s%s%s\n", stamp, priority_word(priority), message);
    if (len < 0) {
        line = NULL;
        return;
    }
    /* One write a line keeps lines whole; there is nowhere to report that it failed. */
    if (write(state.fd, line, (size_t)len) < 0)
        return;
}

void log_fields(int priority, const char *const *fields, size_t count)
{
    if (!log_wants(priority))
        return;
    if (state.target == LOG_TO_JOURNAL)
        send_to_journal(priority, fields, count);
    else
        write_line(priority, fields[0] + strlen("MESSAGE="));
}

void log_message(int priority, const char *format, ...)
{
    _cleanup_(freep) char *text = NULL, *message = NULL;
    const char *fields[1];
    int saved = errno;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    if (text && asprintf(&message, "MESSAGE=%s", text) >= 0) {
        fields[0] = message;
        log_fields(priority, fields, 1);
    } else
        message = NULL;
    /* Saying what went wrong must not change it. */
    errno = saved;
}
