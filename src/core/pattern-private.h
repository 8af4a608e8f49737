/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What pattern.c and trace.c share, so that a pattern means the same to both. */

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* The last one is there because "$" would otherwise match before a final newline, which is a byte
 * that user names may hold. */
#define PATTERN_OPTIONS                                                                            \
    (PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |         \
     PCRE2_DOLLAR_ENDONLY)

/* With the limits of limits.h; NULL if there is no memory. */
pcre2_match_context *pattern_new_context(void);
