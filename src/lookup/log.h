/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The bridge's own messages: lines on standard error, each beginning with the program's name, or as
 * a service with the "<N>" of sd-daemon(3), from which journald takes the priority. */

void log_open(bool debug);

bool log_is_debug(void);

/* Logs one line of at most LOG_LINE_MAX bytes; LOG_DEBUG ones only if log_is_debug(). */
#define LOG_LINE_MAX 1024
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Lets one message a minute through, of a kind that a stranger or a lasting trouble could repeat
 * without end. Zeroed at first; times are monotonic. */
struct log_limit {
    uint64_t next_usec;
};

bool log_limit_passes(struct log_limit *limit, uint64_t now_usec);
