/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A copy of `len` bytes in memory of just that size, without a NUL behind it, so that
 * AddressSanitizer sees a read past the end. The caller frees it. */
static inline char *exact_copy(const void *data, size_t len)
{
    char *copy = malloc(len);

    if (!copy)
        abort();
    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}
