/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "duration.h"

/* What pbs-lookupd and pop-before-smtp say to each other, one packet a message, in the byte order
 * of the machine that both run on:
 *
 *     "catch up":   8 bytes, the number of the request
 *     "caught up":  8 bytes, the number of that request; 8 bytes, CatchUpTimeout= in µs
 *
 * The answer means: whatever the journal held when the request was sent is in the map. Each request
 * is answered once, and there is no other before that; whoever says anything else is cut off. The
 * time-out is the watcher's setting, told here because the bridge reads no configuration. */

#define CATCH_UP_REQUEST_SIZE 8
#define CATCH_UP_ANSWER_SIZE  16

struct catch_up_answer {
    uint64_t number;
    uint64_t timeout_usec;
};

/* How long a client may be kept waiting. Less than the least would switch catching up off without
 * saying so; more than the most would look like a bridge that hangs. */
#define CATCH_UP_TIMEOUT_USEC       (100 * USEC_PER_SEC / 1000)
#define CATCH_UP_TIMEOUT_LEAST_USEC (USEC_PER_SEC / 1000)
#define CATCH_UP_TIMEOUT_MOST_USEC  (10 * USEC_PER_SEC)

void catch_up_write_request(uint64_t number, uint8_t ret[static CATCH_UP_REQUEST_SIZE]);
void catch_up_write_answer(const struct catch_up_answer *answer,
                           uint8_t ret[static CATCH_UP_ANSWER_SIZE]);

/* Return 0, or -EBADMSG for what is none. */
int catch_up_read_request(const uint8_t *data, size_t len, uint64_t *ret_number);
int catch_up_read_answer(const uint8_t *data, size_t len, struct catch_up_answer *ret);
