/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Points in time as people and programs write them; µs since the epoch. Dates without a zone are
 * meant in the local one. */

/* Reads what journalctl(1) takes for --since=: "2026-11-22 12:00:00", with fraction, "T", "UTC",
 * "Z" or "+01:00" if need be, and the weekday in front; the date or the time of day alone; "now",
 * "today", "yesterday", "tomorrow"; "-2h", "2h ago", "+5min"; "@" and seconds since the epoch.
 * Returns 0, or -EINVAL for other text. */
int timestamp_parse(const char *text, uint64_t now_usec, uint64_t *ret_usec);

/* Reads the time that a line of a log begins with: "Nov 22 09:17:33" as syslogd writes it, in the
 * year that makes it the latest before tomorrow, or "2026-11-22T09:17:33.123456+01:00". Returns its
 * length, without the blank that has to follow; 0 if the line begins otherwise. */
size_t timestamp_parse_prefix(const char *line, size_t len, uint64_t now_usec, uint64_t *ret_usec);
