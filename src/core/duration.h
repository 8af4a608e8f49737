/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MIN  (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MIN)
#define USEC_PER_DAY  (24 * USEC_PER_HOUR)

#define DURATION_TEXT_MAX 64

/* Reads a time span as in systemd.time(7): "30min", "1h 30min", a bare number of seconds. Units:
 * us, ms, s, sec, m, min, h, hr, d, day, w, week and their longer forms. Returns 0, or -EINVAL for
 * other text, -ERANGE for more than 100 years. */
int duration_parse(const char *text, uint64_t *ret_usec);

/* Writes the span in the form that duration_parse() reads back exactly ("1h 30min"); returns `ret`.
 */
const char *duration_format(uint64_t usec, char ret[static DURATION_TEXT_MAX]);

/* The same for the eye: two units at most, rounded down to the second ("29min 59s", "1d 2h"). */
const char *duration_format_short(uint64_t usec, char ret[static DURATION_TEXT_MAX]);
