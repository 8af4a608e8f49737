/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far a long journal has been read, on standard error if that is a terminal; a line that is
 * overwritten. */
struct progress {
    uint64_t next_usec; /* when it is shown next; UINT64_MAX: never */
    bool is_shown;
};

/* `wanted` false: it is never shown. */
void progress_start(struct progress *progress, bool wanted, uint64_t monotonic_usec);

/* After an entry: shows it now and then. */
void progress_tick(struct progress *progress, size_t entries, uint64_t entry_usec,
                   uint64_t monotonic_usec);

/* Before anything else is printed. */
void progress_clear(struct progress *progress);
