/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/cleanup.h"

/* What the bridge says to a request, and the map that it knows it from. The map may be missing, or
 * be replaced by the watcher, at any time: it is opened when it is first needed, and again whenever
 * that failed. Until it can be read, the answer is "cannot tell". */
struct answers;

/* `path` remains the caller's. Returns NULL if memory is short. */
struct answers *answers_new(const char *path);
struct answers *answers_free(struct answers *answers);
DEFINE_CLEANUP(struct answers *, answers_free)

/* Before the requests of one wake-up: says what time it is, and that the map file is to be looked
 * at again, once, if one of them needs it. An address is allowed while realtime < its expiry; the
 * monotonic time paces warnings. */
void answers_begin(struct answers *answers, uint64_t realtime_usec, uint64_t monotonic_usec);

/* The reply to one line, given without its LF: a constant as tcp_table_reply() returns it. */
const char *answers_give(struct answers *answers, const char *line, size_t len);
