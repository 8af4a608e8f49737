/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/limits.h"
#include "core/shape.h"
#include "core/text.h"
#include "exact.h"
#include "random.h"

static size_t fold(const char *text, size_t len, char ret[static SHAPE_MAX])
{
    _cleanup_(freep) char *copy = exact_copy(text, len);

    return shape_fold(copy, len, ret);
}

static void test_shapes(void **state)
{
    static const struct {
        const char *text, *shape;
    } cases[] = {
        { "", "" },
        { "Disconnected", "Disconnected" },
        { "took 17 steps, 4 of them", "took N steps, N of them" },
        { "connect from 192.0.2.10", "connect from ADDR" },
        { "connect from 2001:db8::10.", "connect from ADDR." },
        { "from ::ffff:192.0.2.10 now", "from ADDR now" },
        { "from 192.0.2.10:4711", "from ADDR:N" },
        { "at 12:30:45", "at N:N:N" },
        { "version 1.2.3", "version N.N.N" },
        { "face and bad cafe", "face and bad cafe" },
        { "user=<a@example.org>, ok", "user=<...>, ok" },
        { "a [b (c] d) e", "a [...] d) e" },
        { "f(g(h)i) j", "f(...) j" },
        { "{x} \"y z\" `q`", "{...} \"...\" `...`" },
        { "<> () \"\"", "<> () \"\"" },
        { "can't say 'no way'", "can't say '...'" },
        { "a < b", "a < b" },
        { "a > b", "a > b" },
        { "user=bob, rip=192.0.2.1 port=99", "user=..., rip=ADDR port=N" },
        { "a=, b=", "a=, b=" },
        { "mail for bob@example.org failed", "mail for ...@... failed" },
        { "session a1B2c3D4e5 ended", "session N ended" },
        { "IMAP4rev1 pop3", "IMAPNrevN popN" },
        { "  a \t\n  b  ", "a b" },
        { "a\x1b[31mb\xff", "a?[Nmb?" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char shape[SHAPE_MAX];
        size_t len = fold(cases[i].text, strlen(cases[i].text), shape);

        check_text(cases[i].text, shape, cases[i].shape);
        check_unsigned(cases[i].text, len, strlen(shape));
    }
}

/* Messages of one kind have one shape, of different kinds have two. */
static void test_kinds(void **state)
{
    static const char *const kinds[][3] = {
        { "imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<a>, method=PLAIN, "
          "rip=192.0.2.1, lip=192.0.2.9, session=<q1>",
          "imap-login: Disconnected (auth failed, 13 attempts in 70 secs): user=<b c>, "
          "method=LOGIN, rip=2001:db8::1, lip=2001:db8::2, session=<zzz>",
          "imap-login: Aborted login (no auth attempts in 0 secs): user=<>, rip=192.0.2.1, "
          "lip=192.0.2.9, session=<q1>" },
        { "LOGIN FAILED, user=bob, ip=[::ffff:192.0.2.1], port=[4711]",
          "LOGIN FAILED, user=alice, ip=[2001:db8::1], port=[4]",
          "LOGOUT, user=bob, ip=[::ffff:192.0.2.1], port=[4711], rcvd=4, time=1" },
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char shape[3][SHAPE_MAX];

        for (size_t k = 0; k < 3; k++)
            (void)fold(kinds[i][k], strlen(kinds[i][k]), shape[k]);
        check_text(kinds[i][0], shape[0], shape[1]);
        check_true(kinds[i][2], strcmp(shape[0], shape[2]) != 0);
    }
}

/* Any bytes give a short text that is safe to show. */
static void test_random(void **state)
{
    for (unsigned i = 0; i < 5000; i++) {
        char text[600], shape[SHAPE_MAX], safe[SHAPE_MAX];
        size_t len = random_below(sizeof(text)), n;

        for (size_t k = 0; k < len; k++)
            text[k] = random_below(3) ? "([{<\"'`)]}>=@.:19aF "[random_below(20)]
                                      : (char)random_below(256);
        n = fold(text, len, shape);
        check_unsigned("length", n, strlen(shape));
        (void)text_sanitise(shape, n, safe, sizeof(safe));
        check_text("safe", shape, safe);
    }
}

/* The worst a message can do is to open many brackets. */
static void test_long(void **state)
{
    static char text[4 * MESSAGE_MAX];
    char shape[SHAPE_MAX];

    memset(text, '(', sizeof(text));
    check_unsigned("brackets", fold(text, sizeof(text), shape), SHAPE_MAX - 1);
    memset(text, '7', sizeof(text));
    check_unsigned("digits", fold(text, sizeof(text), shape), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test_setup(test_random, random_setup),
        cmocka_unit_test(test_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
