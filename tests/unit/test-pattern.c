/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/limits.h"
#include "core/pattern.h"
#include "exact.h"

static struct pattern *pattern_of(const char *text)
{
    struct pattern *pattern = NULL;
    char error[PATTERN_ERROR_MAX] = "";

    if (pattern_compile(text, &pattern, error) != 0)
        fail_msg("%s: refused: %s", text, error);
    return pattern;
}

static enum pattern_result match(const struct pattern *pattern, const char *subject, size_t len,
                                 struct pattern_captures *ret)
{
    _cleanup_(freep) char *copy = exact_copy(subject, len);
    struct pattern_captures captures;
    enum pattern_result result;

    memset(&captures, 0x5a, sizeof(captures));
    *ret = captures;
    result = pattern_match(pattern, copy, len, &captures);
    if (result != PATTERN_MATCHES) {
        check_bytes("captures stay untouched", &captures, sizeof(captures), ret, sizeof(*ret));
        return result;
    }
    /* The captures lie inside the subject; show them in the caller's copy of it. */
    for (size_t i = 0; i < _PATTERN_GROUP_MAX; i++) {
        struct pattern_span *span = &captures.group[i];

        if (!span->text)
            continue;
        check_true("inside the subject",
                   span->text >= copy && span->text + span->len <= copy + len);
        span->text = subject + (span->text - copy);
    }
    *ret = captures;
    return result;
}

static void test_refused(void **state)
{
    static const char *const cases[] = {
        "(",
        "[a",
        "a{2,1}",
        "(?<addr>x",
        "(?<host>x)",          /* a group that has no meaning */
        "(?<addr>x)(?<usr>y)", /* a typing error in one */
        "(?P<addr2>x)",
        "(?'session2'x)",
        "(?<addr>x)(?<addr>y)",
        "(?<ADDR>x)",
        "\\",
        "(*NO_SUCH_VERB)x",
    };
    char long_pattern[PATTERN_MAX + 2];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(pattern_freep) struct pattern *pattern = NULL;
        char error[PATTERN_ERROR_MAX] = "";

        check_int(cases[i], pattern_compile(cases[i], &pattern, error), -EINVAL);
        check_true(cases[i], pattern == NULL);
        check_true(cases[i], error[0] && memchr(error, '\0', sizeof(error)));
    }

    _cleanup_(pattern_freep) struct pattern *pattern = NULL;
    char error[PATTERN_ERROR_MAX] = "";

    memset(long_pattern, 'a', sizeof(long_pattern) - 1);
    long_pattern[sizeof(long_pattern) - 1] = '\0';
    check_int("too long", pattern_compile(long_pattern, &pattern, error), -EINVAL);
    check_true("too long", error[0] && !pattern);
    assert_null(pattern_free(NULL));
}

/* An error names its place, so that a pattern of 200 characters can be mended. */
static void test_error_place(void **state)
{
    struct pattern *pattern = NULL;
    char error[PATTERN_ERROR_MAX] = "";

    check_int("place", pattern_compile("abcdefghijkl[", &pattern, error), -EINVAL);
    check_true(error, strstr(error, "13") || strstr(error, "12"));
}

static void test_matches(void **state)
{
    static const struct {
        const char *pattern, *subject;
        size_t len;
        const char *addr, *user; /* NULL: took no part; addr "-": does not match */
    } cases[] = {
        { "^a (?<addr>\\S+)$", "a 192.0.2.10", 12, "192.0.2.10", NULL },
        { "^(?<user>.*) (?<addr>\\S+)$", "x y z", 5, "z", "x y" },
        { "(?:(?<user>a)|b) (?<addr>c)", "b c", 3, "c", NULL },
        { "(a)(b)(?<addr>c)", "abc", 3, "c", NULL }, /* plain brackets only group */
        { "^(?<user>.*),(?<addr>.)", ",b", 2, "b", "" },
        { "^b(?<addr>.)", "a\nbc", 4, "-", NULL }, /* "^" is the text's start alone */
        { "^(?<addr>a)$", "a", 1, "a", NULL },
        { "^(?<addr>a)$", "a\n", 2, "-", NULL }, /* "$" its end alone */
        { "^(?<addr>a)$", "a\nb", 3, "-", NULL },
        { "^(?<addr>.+)$", "a\nb", 3, "-", NULL }, /* "." is no line end */
        { "^(?<addr>.+)$", "a\0b", 3, "a", NULL }, /* NUL is a byte like others, see below */
        { "^(?<addr>.)$", "\xff", 1, "\xff", NULL },
        { "^(?<addr>.)$", "\xc3\xb6", 2, "-", NULL }, /* bytes, not characters */
        { "^(?<addr>..)$", "\xc3\xb6", 2, "\xc3\xb6", NULL },
        { "^(?<addr>A)$", "a", 1, "-", NULL },
        { "(?i)^(?<addr>A)$", "a", 1, "a", NULL },
        { "(?<addr>x*)", "", 0, "", NULL },
        { "^(?<addr>.)", "", 0, "-", NULL },
        { "^imap-login: Login: user=<(?<user>.*)>, rip=(?<addr>[0-9a-f.:]+)$",
          "imap-login: Login: user=<eve>, rip=6.6.6.6>, rip=192.0.2.10", 59, "192.0.2.10",
          "eve>, rip=6.6.6.6" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(pattern_freep) struct pattern *pattern = pattern_of(cases[i].pattern);
        struct pattern_captures captures;
        bool differs = cases[i].addr && strcmp(cases[i].addr, "-") == 0;
        const struct pattern_span *addr = &captures.group[PATTERN_ADDR];
        const struct pattern_span *user = &captures.group[PATTERN_USER];

        check_int(cases[i].pattern, match(pattern, cases[i].subject, cases[i].len, &captures),
                  differs ? PATTERN_DIFFERS : PATTERN_MATCHES);
        if (differs)
            continue;
        if (memchr(cases[i].subject, '\0', cases[i].len))
            check_bytes(cases[i].pattern, addr->text, addr->len, cases[i].subject, cases[i].len);
        else
            check_bytes(cases[i].pattern, addr->text, addr->len, cases[i].addr,
                        strlen(cases[i].addr));
        check_int(cases[i].pattern, user->text == NULL, cases[i].user == NULL);
        if (cases[i].user)
            check_bytes(cases[i].pattern, user->text, user->len, cases[i].user,
                        strlen(cases[i].user));
    }
}

/* A pattern cannot switch on what the limits and the byte mode rule out. */
static void test_no_way_round(void **state)
{
    static const char *const options[] = { "(*UTF)", "(*UTF)(*UCP)", "(*LIMIT_MATCH=4000000000)",
                                           "(*LIMIT_DEPTH=4000000000)",
                                           "(*LIMIT_HEAP=4000000000)" };
    char hostile[64];

    memset(hostile, 'a', sizeof(hostile) - 1);
    hostile[sizeof(hostile) - 1] = '!';
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        _cleanup_(pattern_freep) struct pattern *bytewise = NULL, *slow = NULL;
        char text[128], error[PATTERN_ERROR_MAX];
        struct pattern_captures captures;

        snprintf(text, sizeof(text), "%s^(?<addr>.)$", options[i]);
        if (pattern_compile(text, &bytewise, error) == 0)
            check_int(text, match(bytewise, "\xff", 1, &captures), PATTERN_MATCHES);
        snprintf(text, sizeof(text), "%s^(?<addr>(?:a+)+)$", options[i]);
        if (pattern_compile(text, &slow, error) == 0)
            check_int(text, match(slow, hostile, sizeof(hostile), &captures), PATTERN_GAVE_UP);
    }
}

static void test_gives_up(void **state)
{
    static const char *const slow[] = { "^(?<addr>(?:a+)+)$", "^(?<addr>(?:a|aa)+)$",
                                        "^(?<addr>(?:a*)*b?)$",
                                        "(?<addr>a*a*a*a*a*a*a*a*a*[0-9])" };
    char hostile[MESSAGE_MAX];
    struct pattern_captures captures;

    memset(hostile, 'a', sizeof(hostile) - 1);
    hostile[sizeof(hostile) - 1] = '!';
    for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
        _cleanup_(pattern_freep) struct pattern *pattern = pattern_of(slow[i]);

        check_int(slow[i], match(pattern, hostile, sizeof(hostile), &captures), PATTERN_GAVE_UP);
        check_int("still works", match(pattern, "aab", 3, &captures) == PATTERN_GAVE_UP, false);
    }
}

/* One that may begin anywhere gets no more steps for it: PCRE2 itself counts each place apart, so
 * that these took seconds. */
static void test_gives_up_wherever_it_begins(void **state)
{
    static const struct {
        const char *pattern, *piece;
        size_t len;
    } cases[] = {
        { "(?:a|a)+-?b?(?<addr>[0-9.]+)", "aaaaaaaaaaaaaa-", MESSAGE_MAX },
        { "a.*b(?<addr>[0-9.]+)$", "ab", MESSAGE_MAX },
        { "(?<user>\\S+) .* logged in from (?<addr>[0-9.]+)", "mary had ", MESSAGE_MAX },
        { "(?<user>\\S+) .* logged in from (?<addr>[0-9.]+)", "a", MESSAGE_MAX },
        { "a.*b.*c(?<addr>[0-9.]+)$", "ab", 600 },
    };
    static const char end[] = " logged in from c";
    char hostile[MESSAGE_MAX];
    struct pattern_captures captures;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(pattern_freep) struct pattern *pattern = pattern_of(cases[i].pattern);

        for (size_t k = 0; k < cases[i].len; k++)
            hostile[k] = cases[i].piece[k % strlen(cases[i].piece)];
        memcpy(hostile + cases[i].len - strlen(end), end, strlen(end));
        check_int(cases[i].pattern, match(pattern, hostile, cases[i].len, &captures),
                  PATTERN_GAVE_UP);
        check_int("still works", match(pattern, "ab", 2, &captures), PATTERN_DIFFERS);
    }
}

static void test_begins_anywhere(void **state)
{
    static const char line[] = "alice logged in from 192.0.2.10";
    _cleanup_(pattern_freep) struct pattern *pattern =
        pattern_of("(?<user>[a-z]+) logged in from (?<addr>[0-9.]+)$");
    char text[MESSAGE_MAX];
    struct pattern_captures captures;
    const struct pattern_span *addr = &captures.group[PATTERN_ADDR];

    memset(text, '-', sizeof(text));
    memcpy(text + sizeof(text) - strlen(line), line, strlen(line));
    check_int("at the end", match(pattern, text, sizeof(text), &captures), PATTERN_MATCHES);
    check_bytes("at the end", addr->text, addr->len, "192.0.2.10", 10);
    text[sizeof(text) - 1] = 'x';
    check_int("not there", match(pattern, text, sizeof(text), &captures), PATTERN_DIFFERS);
}

static void test_groups(void **state)
{
    static const struct {
        const char *pattern;
        bool addr, user, session;
    } cases[] = {
        { "x", false, false, false },
        { "(?<addr>x)", true, false, false },
        { "(?<user>x)", false, true, false },
        { "(?<session>x)", false, false, true },
        { "(?P<user>x)(?'addr'y)(?<session>z)", true, true, true },
        { "(addr)(user)(session)", false, false, false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(pattern_freep) struct pattern *pattern = pattern_of(cases[i].pattern);

        check_int(cases[i].pattern, pattern_has_group(pattern, PATTERN_ADDR), cases[i].addr);
        check_int(cases[i].pattern, pattern_has_group(pattern, PATTERN_USER), cases[i].user);
        check_int(cases[i].pattern, pattern_has_group(pattern, PATTERN_SESSION), cases[i].session);
        check_text(cases[i].pattern, pattern_text(pattern), cases[i].pattern);
    }
}

static void test_session(void **state)
{
    static const char line[] = "in alice 192.0.2.10 <a/b c>";
    _cleanup_(pattern_freep) struct pattern *pattern =
        pattern_of("^in (?<user>\\S+) (?<addr>\\S+)(?: <(?<session>.*)>)?$");
    struct pattern_captures captures;
    const struct pattern_span *session = &captures.group[PATTERN_SESSION];

    check_int("with", match(pattern, line, sizeof(line) - 1, &captures), PATTERN_MATCHES);
    check_bytes("with", session->text, session->len, "a/b c", 5);
    check_int("without", match(pattern, line, 19, &captures), PATTERN_MATCHES);
    check_true("without", !session->text);
}

/* A name may stand at several places; the one that took part counts. */
static void test_same_name(void **state)
{
    _cleanup_(pattern_freep) struct pattern *pattern =
        pattern_of("(?J)^(?:a (?<addr>\\S+)|b (?<user>.) (?<addr>\\S+)|c)$");
    char text[512] = "(?J)(?<addr>x)", error[PATTERN_ERROR_MAX] = "";
    struct pattern *many = NULL;
    struct pattern_captures captures;
    const struct pattern_span *addr = &captures.group[PATTERN_ADDR];

    check_int("first", match(pattern, "a 1", 3, &captures), PATTERN_MATCHES);
    check_bytes("first", addr->text, addr->len, "1", 1);
    check_int("second", match(pattern, "b x 22", 6, &captures), PATTERN_MATCHES);
    check_bytes("second", addr->text, addr->len, "22", 2);
    check_int("none", match(pattern, "c", 1, &captures), PATTERN_MATCHES);
    check_true("none", !addr->text);
    for (int i = 0; i < 8; i++)
        strcat(text, "|(?<addr>x)");
    check_int("too many", pattern_compile(text, &many, error), -EINVAL);
    check_true(error, strstr(error, "addr"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),         cmocka_unit_test(test_error_place),
        cmocka_unit_test(test_matches),         cmocka_unit_test(test_no_way_round),
        cmocka_unit_test(test_gives_up),        cmocka_unit_test(test_gives_up_wherever_it_begins),
        cmocka_unit_test(test_begins_anywhere), cmocka_unit_test(test_groups),
        cmocka_unit_test(test_session),         cmocka_unit_test(test_same_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
