/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "catch-up.h"

#include <errno.h>
#include <string.h>

#define NUMBER_SIZE sizeof(uint64_t)

_Static_assert(CATCH_UP_REQUEST_SIZE == NUMBER_SIZE && CATCH_UP_ANSWER_SIZE == 2 * NUMBER_SIZE,
               "a message is nothing but its numbers");

void catch_up_write_request(uint64_t number, uint8_t ret[static CATCH_UP_REQUEST_SIZE])
{
    memcpy(ret, &number, NUMBER_SIZE);
}

void catch_up_write_answer(const struct catch_up_answer *answer,
                           uint8_t ret[static CATCH_UP_ANSWER_SIZE])
{
    memcpy(ret, &answer->number, NUMBER_SIZE);
    memcpy(ret + NUMBER_SIZE, &answer->timeout_usec, NUMBER_SIZE);
}

int catch_up_read_request(const uint8_t *data, size_t len, uint64_t *ret_number)
{
    if (len != CATCH_UP_REQUEST_SIZE)
        return -EBADMSG;
    memcpy(ret_number, data, NUMBER_SIZE);
    return 0;
}

int catch_up_read_answer(const uint8_t *data, size_t len, struct catch_up_answer *ret)
{
    struct catch_up_answer answer;

    if (len != CATCH_UP_ANSWER_SIZE)
        return -EBADMSG;
    memcpy(&answer.number, data, NUMBER_SIZE);
    memcpy(&answer.timeout_usec, data + NUMBER_SIZE, NUMBER_SIZE);
    if (answer.timeout_usec < CATCH_UP_TIMEOUT_LEAST_USEC ||
        answer.timeout_usec > CATCH_UP_TIMEOUT_MOST_USEC)
        return -EBADMSG;
    *ret = answer;
    return 0;
}
