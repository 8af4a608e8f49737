/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "catch-up.h"
#include "core/cleanup.h"

/* What the bridge says to a request, and the map that it knows it from. The map may be missing, or
 * be replaced by the watcher, at any time: it is opened when it is first needed, and again whenever
 * that failed. Until it can be read, the answer is "cannot tell". */
struct answers;

/* `path` and `catch_up` remain the caller's. Returns NULL if memory is short. */
struct answers *answers_new(const char *path, struct catch_up *catch_up);
struct answers *answers_free(struct answers *answers);
DEFINE_CLEANUP(struct answers *, answers_free)

/* Before the requests of one wake-up: says what time it is, and that the map file is to be looked
 * at again, once, if one of them needs it. An address is allowed while realtime < its expiry; the
 * monotonic time paces warnings. */
void answers_begin(struct answers *answers, uint64_t realtime_usec, uint64_t monotonic_usec);

/* The reply to one line, given without its LF: a constant as tcp_table_reply() returns it. NULL: it
 * may be another in a moment, and `wait` is told when to ask again. Without `wait`, because it was
 * waited for already, the map has the last word. */
const char *answers_give(struct answers *answers, const char *line, size_t len,
                         struct catch_up_wait *wait);

/* At the end of a turn, before the answers are sent. First looks again for some of those who have
 * waited for the watcher; then lets the map go, which look-ups hold on to, and asks the watcher for
 * those who wait now. */
void answers_end_turn(struct answers *answers);

/* `wait` does not wait any more; no matter whether it did. */
void answers_leave(struct answers *answers, struct catch_up_wait *wait);
