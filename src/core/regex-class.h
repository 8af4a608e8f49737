/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "regex-scan.h"

/* The sets of bytes that a pattern's classes and escapes stand for. */

struct regex_flags {
    bool caseless, dot_all, extended;
};

void regex_set_add(struct regex_set *set, unsigned char byte, const struct regex_flags *flags);
void regex_set_add_dot(struct regex_set *set, const struct regex_flags *flags);

/* Reads an escape or a "[...]" at the start of `text` and adds its bytes to `set`. Returns the
 * length; 0 for one that does not stand for one byte, or that is not known here. *ret_is_literal:
 * it stands for a byte that is written there, as "\." does. */
size_t regex_escape(const char *text, const struct regex_flags *flags, struct regex_set *set,
                    bool *ret_is_literal);
size_t regex_class(const char *text, const struct regex_flags *flags, struct regex_set *set);
