/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <limits.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/duration.h"
#include "core/value.h"

static void check_refusal(const char *what, int r, const char *error)
{
    check_int(what, r, -EINVAL);
    check_true(what, error[0] && memchr(error, '\0', VALUE_ERROR_MAX));
}

static void test_bool(void **state)
{
    static const char *const good[] = { "yes", "no", "true", "false", "on", "off", "1", "0" };
    static const char *const bad[] = { "", "y", "Yes ", "2", "maybe", "yes no", "enabled" };
    char error[VALUE_ERROR_MAX];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        bool value = i % 2;

        check_int(good[i], value_parse_bool(good[i], &value, error), 0);
        check_int(good[i], value, i % 2 == 0);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bool value = true;

        error[0] = '\0';
        check_refusal(bad[i], value_parse_bool(bad[i], &value, error), error);
        check_true(bad[i], value);
    }
}

static void test_number(void **state)
{
    static const struct {
        const char *text;
        unsigned least, most;
        int want;
        unsigned number;
    } cases[] = {
        { "1", 1, 128, 0, 1 },
        { "128", 1, 128, 0, 128 },
        { "0", 0, 128, 0, 0 },
        { "16000000", 1, 16000000, 0, 16000000 },
        { "4294967295", 0, UINT_MAX, 0, UINT_MAX },
        { "0", 1, 128, -EINVAL, 0 },
        { "129", 1, 128, -EINVAL, 0 },
        { "1280", 1, 128, -EINVAL, 0 },
        { "16000001", 1, 16000000, -EINVAL, 0 },
        { "4294967296", 0, UINT_MAX, -EINVAL, 0 },
        { "4294967297", 1, 128, -EINVAL, 0 },
        { "18446744073709551617", 1, 128, -EINVAL, 0 },
        { "99999999999999999999999", 0, UINT_MAX, -EINVAL, 0 },
        { "", 1, 128, -EINVAL, 0 },
        { " 1", 1, 128, -EINVAL, 0 },
        { "1 ", 1, 128, -EINVAL, 0 },
        { "+1", 1, 128, -EINVAL, 0 },
        { "-1", 0, 128, -EINVAL, 0 },
        { "0x10", 0, 128, -EINVAL, 0 },
        { "1k", 0, 128, -EINVAL, 0 },
        { "1.0", 0, 128, -EINVAL, 0 },
        { "one", 0, 128, -EINVAL, 0 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned number = 77;
        char error[VALUE_ERROR_MAX] = "";
        int r = value_parse_number(cases[i].text, cases[i].least, cases[i].most, &number, error);

        if (cases[i].want < 0)
            check_refusal(cases[i].text, r, error);
        else
            check_int(cases[i].text, r, 0);
        check_unsigned(cases[i].text, number, cases[i].want < 0 ? 77 : cases[i].number);
    }
}

static void test_grace(void **state)
{
    static const struct {
        const char *text;
        uint64_t usec; /* 0: refused */
    } cases[] = {
        { "30min", 30 * USEC_PER_MIN },
        { "1800", 30 * USEC_PER_MIN },
        { "1h 30min", 90 * USEC_PER_MIN },
        { "1s", USEC_PER_SEC },
        { "365d", 365 * USEC_PER_DAY },
        { "0", 0 },
        { "999ms", 0 },
        { "366d", 0 },
        { "", 0 },
        { "-5", 0 },
        { "soon", 0 },
        { "99999999999999999999", 0 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t usec = 0;
        char error[VALUE_ERROR_MAX] = "";
        int r = value_parse_grace(cases[i].text, &usec, error);

        if (cases[i].usec == 0)
            check_refusal(cases[i].text, r, error);
        else
            check_int(cases[i].text, r, 0);
        check_unsigned(cases[i].text, usec, cases[i].usec);
    }
}

static void test_timeout(void **state)
{
    static const struct {
        const char *text;
        bool valid;
        uint64_t usec;
    } cases[] = {
        { "100ms", true, 100000 }, { "1ms", true, 1000 },
        { "10s", true, 10000000 }, { "1s 500ms", true, 1500000 },
        { "1", true, 1000000 },    { "0", true, 0 },
        { "0s", true, 0 },         { "no", true, 0 },
        { "off", true, 0 },        { "false", true, 0 },
        { "yes", false, 0 },       { "", false, 0 },
        { "999us", false, 0 },     { "10s 1us", false, 0 },
        { "1min", false, 0 },      { "soon", false, 0 },
        { "-1ms", false, 0 },      { "99999999999999999999", false, 0 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t usec = 42;
        char error[VALUE_ERROR_MAX] = "";
        int r = value_parse_timeout(cases[i].text, 1000, 10 * USEC_PER_SEC, &usec, error);

        if (cases[i].valid)
            check_int(cases[i].text, r, 0);
        else
            check_refusal(cases[i].text, r, error);
        check_unsigned(cases[i].text, usec, cases[i].valid ? cases[i].usec : 42);
        if (!cases[i].valid)
            check_text(cases[i].text, error, "must be a time span from 1ms to 10s, or no");
    }
}

static void test_path(void **state)
{
    static const char *const bad[] = {
        "", "map.tdb", "./map.tdb", "../map.tdb", "~/map.tdb", " /x"
    };
    char error[VALUE_ERROR_MAX], too_long[PATH_MAX + 1];
    _cleanup_(freep) char *path = NULL;

    check_int("path", value_parse_path("/a b/map.tdb", &path, error), 0);
    check_text("path", path, "/a b/map.tdb");
    check_int("another", value_parse_path("/x", &path, error), 0);
    check_text("another", path, "/x");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        error[0] = '\0';
        check_refusal(bad[i], value_parse_path(bad[i], &path, error), error);
        check_text(bad[i], path, "/x");
    }
    memset(too_long, '/', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    error[0] = '\0';
    check_refusal("too long", value_parse_path(too_long, &path, error), error);
}

static void test_networks(void **state)
{
    static const struct {
        const char *text;
        int want;
        size_t count;
        bool word;
    } cases[] = {
        { "", 0, 0, false },
        { "   ", 0, 0, false },
        { "192.0.2.0/24", 0, 1, false },
        { "192.0.2.0/24 !192.0.2.1\t2001:db8::/32 ", 0, 3, false },
        { "postconf", 0, 0, true },
        { "10.0.0.0/8 postconf 192.0.2.1", 0, 2, true },
        { "postconfx", -EINVAL, 0, false },
        { "!postconf", -EINVAL, 0, false },
        { "192.0.2.0/24,198.51.100.0/24", -EINVAL, 0, false },
        { "192.0.2.0/24 192.0.2.1/24", -EINVAL, 0, false },
        { "everywhere", -EINVAL, 0, false },
    };
    _cleanup_(networks_freep) struct networks *none = networks_new();
    char error[VALUE_ERROR_MAX] = "";

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(networks_freep) struct networks *networks = networks_new();
        bool word = false;
        int r;

        error[0] = '\0';
        r = value_parse_networks(cases[i].text, networks, "postconf", &word, error);
        if (cases[i].want < 0) {
            check_refusal(cases[i].text, r, error);
            continue;
        }
        check_int(cases[i].text, r, 0);
        check_unsigned(cases[i].text, networks_count(networks), cases[i].count);
        check_int(cases[i].text, word, cases[i].word);
    }
    check_refusal("no word here", value_parse_networks("postconf", none, NULL, NULL, error), error);
    /* The complaint names the word that is wrong. */
    check_true(error, strstr(error, "postconf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bool),  cmocka_unit_test(test_number),
        cmocka_unit_test(test_grace), cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_path),  cmocka_unit_test(test_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
