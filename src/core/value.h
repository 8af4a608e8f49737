/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "network.h"

/* The values that settings take. Each function returns 0, -ENOMEM, or -EINVAL with what would be
 * right in `reterr`, worded to stand behind "Key=value: ". */

#define VALUE_ERROR_MAX 320

int value_parse_bool(const char *value, bool *ret, char reterr[static VALUE_ERROR_MAX]);

int value_parse_number(const char *value, unsigned least, unsigned most, unsigned *ret,
                       char reterr[static VALUE_ERROR_MAX]);

/* A time for which a login may count: 1s to 365d. */
int value_parse_grace(const char *value, uint64_t *ret, char reterr[static VALUE_ERROR_MAX]);

/* A time from `least` to `most`, or 0 for "no". */
int value_parse_timeout(const char *value, uint64_t least, uint64_t most, uint64_t *ret,
                        char reterr[static VALUE_ERROR_MAX]);

/* An absolute path; frees what *slot held and puts a copy there. */
int value_parse_path(const char *value, char **slot, char reterr[static VALUE_ERROR_MAX]);

/* Adds blank-separated networks. `word`, unless NULL, may stand among them; *ret_word is set to
 * true if it does, and is left alone if not. */
int value_parse_networks(const char *value, struct networks *networks, const char *word,
                         bool *ret_word, char reterr[static VALUE_ERROR_MAX]);
