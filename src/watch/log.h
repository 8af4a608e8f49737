/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <syslog.h>

/* The daemon's own messages: to the journal with fields, or as lines to a file or standard error.
 * One log a process, opened once and then used from wherever something is worth saying. */

/* `file` is a path to append to, "-" for standard output, or "" for the journal if this is a
 * service or `background` is set, and otherwise standard output with `debug`, standard error
 * without. Returns 0 or an error of plain_file_open(); the log then stays as it was. */
int log_open(const char *file, bool debug, bool background);

/* Opens the file again, which may have been moved away. Returns 0 or an error of plain_file_open().
 */
int log_reopen(void);

__attribute__((format(printf, 2, 3))) void log_message(int priority, const char *format, ...);

#define log_error(...)   log_message(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_message(LOG_INFO, __VA_ARGS__)

/* The field that names a kind of message; the catalog in units/ explains each of them. */
#define LOG_MESSAGE_ID(number) "MESSAGE_ID=5d1c7a6f0b0f4c1c9a3de26f0f1a7b" number

#define LOG_FIELDS_MAX 16

/* Sends up to LOG_FIELDS_MAX "FIELD=value" strings, of which the first must be MESSAGE=. */
void log_fields(int priority, const char *const *fields, size_t count);

/* Whether a message of that priority goes anywhere, for callers that would go to some length. */
bool log_wants(int priority);
