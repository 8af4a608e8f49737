/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "check.h"
#include "core/duration.h"
#include "random.h"

#define HUNDRED_YEARS (UINT64_C(36525) * USEC_PER_DAY)

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        uint64_t usec;
    } cases[] = {
        { "30min", 30 * USEC_PER_MIN },
        { "30 min", 30 * USEC_PER_MIN },
        { " 30min ", 30 * USEC_PER_MIN },
        { "1h 30min", 90 * USEC_PER_MIN },
        { "1h30min", 90 * USEC_PER_MIN },
        { "1h  30m", 90 * USEC_PER_MIN },
        { "30min 1h", 90 * USEC_PER_MIN },
        { "0", 0 },
        { "1", USEC_PER_SEC },
        { "1800", 1800 * USEC_PER_SEC },
        { "7us", 7 },
        { "7usec", 7 },
        { "7ms", 7000 },
        { "7msec", 7000 },
        { "7s", 7 * USEC_PER_SEC },
        { "7sec", 7 * USEC_PER_SEC },
        { "7second", 7 * USEC_PER_SEC },
        { "7seconds", 7 * USEC_PER_SEC },
        { "7m", 7 * USEC_PER_MIN },
        { "7min", 7 * USEC_PER_MIN },
        { "7minute", 7 * USEC_PER_MIN },
        { "7minutes", 7 * USEC_PER_MIN },
        { "7h", 7 * USEC_PER_HOUR },
        { "7hr", 7 * USEC_PER_HOUR },
        { "7hour", 7 * USEC_PER_HOUR },
        { "7hours", 7 * USEC_PER_HOUR },
        { "7d", 7 * USEC_PER_DAY },
        { "7day", 7 * USEC_PER_DAY },
        { "7days", 7 * USEC_PER_DAY },
        { "7w", 49 * USEC_PER_DAY },
        { "7week", 49 * USEC_PER_DAY },
        { "7weeks", 49 * USEC_PER_DAY },
        { "2d 3h 4min 5s 6ms 7us",
          2 * USEC_PER_DAY + 3 * USEC_PER_HOUR + 4 * USEC_PER_MIN + 5 * USEC_PER_SEC + 6007 },
        { "36500d", UINT64_C(36500) * USEC_PER_DAY },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t usec = 99;

        check_int(cases[i].text, duration_parse(cases[i].text, &usec), 0);
        check_unsigned(cases[i].text, usec, cases[i].usec);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        { "", -EINVAL },
        { " ", -EINVAL },
        { "min", -EINVAL },
        { "-1", -EINVAL },
        { "-1min", -EINVAL },
        { "+1min", -EINVAL },
        { "1h -30min", -EINVAL },
        { "1hh", -EINVAL },
        { "1fortnight", -EINVAL },
        { "30min x", -EINVAL },
        { "30minx", -EINVAL },
        { "30min,", -EINVAL },
        { "0x10", -EINVAL },
        { "1e3", -EINVAL },
        { "soon", -EINVAL },
        { "30MIN", -EINVAL },
        { "30min\x01", -EINVAL },
        { "37000d", -ERANGE },
        { "20000d 20000d", -ERANGE },
        { "5300w", -ERANGE },
        { "4000000000", -ERANGE },
        { "18446744073709551615us", -ERANGE },
        { "18446744073709551615", -ERANGE },
        { "18446744073709551616us", -ERANGE },
        { "18446744073709552us 18446744073709551615us", -ERANGE },
        { "99999999999999999999999999999999", -ERANGE },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t usec = 99;

        check_int(cases[i].text, duration_parse(cases[i].text, &usec), cases[i].want);
        check_unsigned(cases[i].text, usec, 99);
    }
}

static void test_format(void **state)
{
    static const struct {
        uint64_t usec;
        const char *text, *brief;
    } cases[] = {
        { 30 * USEC_PER_MIN, "30min", "30min" },
        { 90 * USEC_PER_MIN, "1h 30min", "1h 30min" },
        { USEC_PER_SEC, "1s", "1s" },
        { 1799 * USEC_PER_SEC, "29min 59s", "29min 59s" },
        { 1799 * USEC_PER_SEC + 999999, NULL, "29min 59s" },
        { 26 * USEC_PER_HOUR, NULL, "1d 2h" },
        { 26 * USEC_PER_HOUR + 59 * USEC_PER_MIN, NULL, "1d 2h" },
        { USEC_PER_HOUR + 2 * USEC_PER_MIN + 3 * USEC_PER_SEC, "1h 2min 3s", "1h 2min" },
    };
    char text[DURATION_TEXT_MAX];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_true("format returns its argument", duration_format(cases[i].usec, text) == text);
        if (cases[i].text)
            check_text("exact", text, cases[i].text);
        check_true("format returns its argument",
                   duration_format_short(cases[i].usec, text) == text);
        check_text("short", text, cases[i].brief);
    }
}

static uint64_t random_span(void)
{
    uint64_t usec = random_magnitude() % (HUNDRED_YEARS + 1);

    /* Round ones too, in which units are left out. */
    switch (random_below(4)) {
    case 0:
        return usec / USEC_PER_SEC * USEC_PER_SEC;
    case 1:
        return usec / USEC_PER_HOUR * USEC_PER_HOUR;
    default:
        return usec;
    }
}

static uint64_t parse(const char *text)
{
    uint64_t usec = UINT64_MAX;

    check_int(text, duration_parse(text, &usec), 0);
    return usec;
}

static unsigned words_in(const char *text)
{
    unsigned words = 1;

    for (; *text; text++)
        words += *text == ' ';
    return words;
}

static void test_random(void **state)
{
    for (int i = 0; i < 50000; i++) {
        uint64_t usec = random_span(), brief;
        char text[DURATION_TEXT_MAX];

        check_unsigned("read back", parse(duration_format(usec, text)), usec);
        brief = parse(duration_format_short(usec, text));
        check_true(text, words_in(text) <= 2);
        check_true(text, brief <= usec);
        check_true(text, brief % USEC_PER_SEC == 0);
        /* What two units leave out is less than half of the whole, or less than a second. */
        check_true(text, usec - brief < USEC_PER_SEC || usec - brief < usec / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_format),
        cmocka_unit_test_setup(test_random, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
