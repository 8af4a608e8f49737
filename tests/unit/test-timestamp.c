/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "core/duration.h"
#include "core/timestamp.h"
#include "random.h"

/* Sunday, 2026-11-22 09:47:33.5 UTC; an hour later in the zone of these tests. */
#define NOW (UINT64_C(1795340853) * USEC_PER_SEC + 500000)

static int set_zone(void **state)
{
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    return 0;
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        uint64_t usec;
    } cases[] = {
        { "now", NOW },
        { "today", UINT64_C(1795302000000000) },
        { "yesterday", UINT64_C(1795215600000000) },
        { "tomorrow", UINT64_C(1795388400000000) },
        { "-2h", NOW - 2 * USEC_PER_HOUR },
        { "2h ago", NOW - 2 * USEC_PER_HOUR },
        { "1h 30min ago", NOW - 90 * USEC_PER_MIN },
        { "-1h30min", NOW - 90 * USEC_PER_MIN },
        { "+5min", NOW + 5 * USEC_PER_MIN },
        { "5min left", NOW + 5 * USEC_PER_MIN },
        { "@0", 0 },
        { "@1795340853", UINT64_C(1795340853000000) },
        { "@1795340853.25", UINT64_C(1795340853250000) },
        { "2026-11-22", UINT64_C(1795302000000000) },
        { "2026-11-22 10:47", UINT64_C(1795340820000000) },
        { "2026-11-22 10:47:33", UINT64_C(1795340853000000) },
        { "2026-11-22T10:47:33", UINT64_C(1795340853000000) },
        { "2026-11-22 10:47:33.000001", UINT64_C(1795340853000001) },
        { "2026-11-22 10:47:33,5", UINT64_C(1795340853500000) },
        { "2026-11-22 09:47:33 UTC", UINT64_C(1795340853000000) },
        { "2026-11-22T09:47:33Z", UINT64_C(1795340853000000) },
        { "2026-11-22T10:47:33+01:00", UINT64_C(1795340853000000) },
        { "2026-11-22T04:17:33-0530", UINT64_C(1795340853000000) },
        { "Sun 2026-11-22 09:47:33 UTC", UINT64_C(1795340853000000) },
        { "Sun 2026-11-22", UINT64_C(1795302000000000) },
        { "10:47", UINT64_C(1795340820000000) },
        { "10:47:33", UINT64_C(1795340853000000) },
        { "0:00", UINT64_C(1795302000000000) },
        { "2026-07-01 12:00", UINT64_C(1782900000000000) }, /* summer time */
        { "2024-02-29", UINT64_C(1709161200000000) },
        { "1970-01-01 00:00 UTC", 0 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t usec = 99;

        check_int(cases[i].text, timestamp_parse(cases[i].text, NOW, &usec), 0);
        check_unsigned(cases[i].text, usec, cases[i].usec);
    }
}

static void test_refuse(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "never",
        "Today",
        "-",
        "+",
        "ago",
        " ago",
        "2h",
        "2 parsecs ago",
        "-2h ago",
        "@",
        "@-1",
        "@x",
        "@1.",
        "@1 ",
        "@99999999999999999999",
        "2026",
        "2026-11",
        "2026-1-1",
        "2026-13-01",
        "2026-00-01",
        "2026-11-00",
        "2026-11-31",
        "2026-02-29",
        "2026-11-22 ",
        "2026-11-22 10",
        "2026-11-22 24:00",
        "2026-11-22 10:60",
        "2026-11-22 10:47:61",
        "2026-11-22 10:47:33.",
        "2026-11-22 10:47:33 CET",
        "2026-11-22T10:47:33+1",
        "2026-11-22T10:47:33+25:00",
        "2026-11-22  10:47",
        "Mon 2026-11-22",
        "Sun",
        "Sun 10:47",
        "10:47 x",
        "1960-01-01",
        "99999-01-01",
        "-1000000000 years",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t usec = 99;

        check_int(cases[i], timestamp_parse(cases[i], NOW, &usec), -EINVAL);
        check_unsigned(cases[i], usec, 99);
    }
}

static void test_far_past(void **state)
{
    uint64_t usec = 99;

    check_int("before the epoch", timestamp_parse("-36000d", NOW, &usec), 0);
    check_unsigned("before the epoch", usec, 0);
}

static void test_prefix(void **state)
{
    static const struct {
        const char *line;
        size_t len;
        uint64_t usec;
    } cases[] = {
        { "Nov 22 10:47:33 mx1 dovecot: x", 15, UINT64_C(1795340853000000) },
        { "Nov  2 10:47:33 mx1 dovecot: x", 15, UINT64_C(1793612853000000) },
        { "Nov 23 10:47:34 mx1 dovecot: x", 15, UINT64_C(1763891254000000) }, /* a day on */
        { "Nov 23 10:47:33 mx1 dovecot: x", 15, UINT64_C(1795427253000000) }, /* not quite */
        { "Dec 31 23:59:59 mx1 dovecot: x", 15, UINT64_C(1767221999000000) },
        { "Feb 29 12:00:00 mx1 dovecot: x", 15, UINT64_C(1709204400000000) },
        { "Nov 22 10:47:33.25 mx1 x", 18, UINT64_C(1795340853250000) },
        { "2026-11-22T10:47:33+0100 mx1 x: y", 24, UINT64_C(1795340853000000) },
        { "2026-11-22T10:47:33.123456+01:00 mx1 x: y", 32, UINT64_C(1795340853123456) },
        { "2026-11-22T09:47:33Z mx1 x: y", 20, UINT64_C(1795340853000000) },
        { "2026-11-22 10:47:33 mx1 x: y", 19, UINT64_C(1795340853000000) },
        { "", 0, 99 },
        { "Nov", 0, 99 },
        { "Nov 22", 0, 99 },
        { "Nov 22 10:47:33", 0, 99 }, /* nothing behind it */
        { "Nov 22 10:47:33: x", 0, 99 },
        { "Nov 31 10:47:33 x", 0, 99 },
        { "Nov 22 25:47:33 x", 0, 99 },
        { "Foo 22 10:47:33 x", 0, 99 },
        { "nov 22 10:47:33 x", 0, 99 },
        { "imap-login: Login: user=<a>", 0, 99 },
        { "2026-11-22 x", 0, 99 },
        { "2026-11-22T10:47:33+0100", 0, 99 },
        { "12345 x", 0, 99 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t usec = 99;

        check_unsigned(cases[i].line,
                       timestamp_parse_prefix(cases[i].line, strlen(cases[i].line), NOW, &usec),
                       cases[i].len);
        check_unsigned(cases[i].line, usec, cases[i].usec);
    }
}

/* The line need not end in NUL. */
static void test_length(void **state)
{
    uint64_t usec = 99;

    check_unsigned("cut", timestamp_parse_prefix("Nov 22 10:47:33 x", 15, NOW, &usec), 0);
    check_unsigned("whole", timestamp_parse_prefix("Nov 22 10:47:33 x", 16, NOW, &usec), 15);
}

/* What it takes, it takes within what can be told; nothing makes it fall over. */
static void test_random(void **state)
{
    static const char bytes[] = "0123456789-:+ .,TZ@agotdyNSunv\xff";
    for (int i = 0; i < 100000; i++) {
        char text[40];
        size_t len = random_below(sizeof(text));
        uint64_t usec = 0;

        for (size_t k = 0; k < len; k++)
            text[k] = bytes[random_below(sizeof(bytes) - 1)];
        text[len] = 0;
        (void)timestamp_parse(text, NOW, &usec);
        check_true(text, usec < UINT64_C(300000000000) * USEC_PER_SEC);
        check_true(text, timestamp_parse_prefix(text, len, NOW, &usec) <= len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),    cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_far_past), cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_length),   cmocka_unit_test_setup(test_random, random_setup),
    };

    return cmocka_run_group_tests(tests, set_zone, NULL);
}
