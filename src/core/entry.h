/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* One journal entry as the rules see it, wherever it comes from: a journal file, an export stream,
 * a test's table. */
struct entry {
    /* Finds a field's first value. Returns 0 and the value's bytes, which hold until the next call
     * and may contain anything, or -ENOENT if the entry has no such field, or another negative
     * errno if it could not be read. */
    int (*get)(const struct entry *entry, const char *field, const void **ret, size_t *ret_len);
    void *userdata;
    uint64_t realtime_usec; /* when journald received it */
};
