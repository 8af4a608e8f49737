/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/catch-up.h"

/* One more than the longest message, so that a packet that is too long is seen to be. */
#define DATA_MAX (CATCH_UP_ANSWER_SIZE + 1)

static void requests_come_back(void **state)
{
    static const uint64_t numbers[] = { 0, 1, 255, 256, UINT64_C(1) << 63, UINT64_MAX };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint8_t data[CATCH_UP_REQUEST_SIZE];
        uint64_t number = 42;

        catch_up_write_request(numbers[i], data);
        check_int("request", catch_up_read_request(data, sizeof(data), &number), 0);
        check_unsigned("request", number, numbers[i]);
    }
}

static void answers_come_back(void **state)
{
    static const struct catch_up_answer answers[] = {
        { 0, CATCH_UP_TIMEOUT_LEAST_USEC },
        { 1, CATCH_UP_TIMEOUT_USEC },
        { UINT64_MAX, CATCH_UP_TIMEOUT_MOST_USEC },
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        uint8_t data[CATCH_UP_ANSWER_SIZE];
        struct catch_up_answer answer = { 42, 42 };

        catch_up_write_answer(&answers[i], data);
        check_int("answer", catch_up_read_answer(data, sizeof(data), &answer), 0);
        check_unsigned("answer", answer.number, answers[i].number);
        check_unsigned("answer", answer.timeout_usec, answers[i].timeout_usec);
    }
}

static void other_sizes_are_none(void **state)
{
    uint8_t data[DATA_MAX];
    struct catch_up_answer answer = { 42, 42 };
    uint64_t number = 42;

    catch_up_write_answer(&(struct catch_up_answer){ 1, CATCH_UP_TIMEOUT_USEC }, data);
    for (size_t len = 0; len <= DATA_MAX; len++) {
        char what[32];

        snprintf(what, sizeof(what), "%zu bytes", len);
        if (len != CATCH_UP_REQUEST_SIZE)
            check_int(what, catch_up_read_request(data, len, &number), -EBADMSG);
        if (len != CATCH_UP_ANSWER_SIZE)
            check_int(what, catch_up_read_answer(data, len, &answer), -EBADMSG);
    }
    check_unsigned("untouched", number, 42);
    check_unsigned("untouched", answer.number, 42);
    check_unsigned("untouched", answer.timeout_usec, 42);
}

/* It would keep clients for ever, or not at all. */
static void impossible_time_outs_are_none(void **state)
{
    static const uint64_t spans[] = { 0, CATCH_UP_TIMEOUT_LEAST_USEC - 1,
                                      CATCH_UP_TIMEOUT_MOST_USEC + 1, UINT64_MAX };

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        uint8_t data[CATCH_UP_ANSWER_SIZE];
        struct catch_up_answer answer = { 42, 42 };

        catch_up_write_answer(&(struct catch_up_answer){ 1, spans[i] }, data);
        check_int("time-out", catch_up_read_answer(data, sizeof(data), &answer), -EBADMSG);
        check_unsigned("untouched", answer.number, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_come_back),
        cmocka_unit_test(answers_come_back),
        cmocka_unit_test(other_sizes_are_none),
        cmocka_unit_test(impossible_time_outs_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
