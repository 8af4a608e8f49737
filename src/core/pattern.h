/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

/* A compiled PCRE2 pattern with named groups only, matched bytewise and within limits, since the
 * subject's author may be an attacker. */
struct pattern;

enum pattern_group {
    PATTERN_ADDR,
    PATTERN_USER,
    PATTERN_SESSION,
    _PATTERN_GROUP_MAX,
};

struct pattern_span {
    const char *text; /* inside the subject; NULL if the group took no part */
    size_t len;
};

struct pattern_captures {
    struct pattern_span group[_PATTERN_GROUP_MAX];
};

enum pattern_result {
    PATTERN_MATCHES,
    PATTERN_DIFFERS,
    PATTERN_GAVE_UP, /* a limit was hit; counts as no match */
};

#define PATTERN_ERROR_MAX 256

/* Compiles `text`. Returns 0, -ENOMEM, or -EINVAL with what is wrong, and where, in `reterr`. */
int pattern_compile(const char *text, struct pattern **ret, char reterr[static PATTERN_ERROR_MAX]);

/* Where the syntax of `text` is wrong, or has a group of an unknown name, as an offset in bytes;
 * false if neither is so. */
bool pattern_find_error(const char *text, size_t *ret);

struct pattern *pattern_free(struct pattern *pattern);
DEFINE_CLEANUP(struct pattern *, pattern_free)

/* What it was compiled from. */
const char *pattern_text(const struct pattern *pattern);

bool pattern_has_group(const struct pattern *pattern, enum pattern_group group);

/* *ret is set only if the result is PATTERN_MATCHES. */
enum pattern_result pattern_match(const struct pattern *pattern, const char *subject, size_t len,
                                  struct pattern_captures *ret);
