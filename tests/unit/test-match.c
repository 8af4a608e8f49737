/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/match.h"
#include "exact.h"
#include "fake-entry.h"
#include "random.h"

static struct match *match_as(enum match_kind kind, const char *text)
{
    struct match *match = NULL;
    const char *reason = "";

    if (match_parse(text, kind, &match, &reason) != 0)
        fail_msg("%s: refused: %s", text, reason);
    return match;
}

static struct match *match_of(const char *text)
{
    return match_as(MATCH_EXACT, text);
}

static void test_refused(void **state)
{
    static const char *const cases[] = { "",
                                         " ",
                                         "dovecot.service",
                                         "=dovecot.service",
                                         "_SYSTEMD_UNIT",
                                         "_systemd_unit=x",
                                         "UNIT NAME=x",
                                         "A=1 B",
                                         "A=1 =2",
                                         "A=1 + B=2",
                                         "A-B=1",
                                         "\xc3\x96=1",
                                         "A=1 b=2" };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(match_freep) struct match *match = NULL;
        const char *reason = NULL;

        check_int(cases[i],
                  match_parse(cases[i], i % 2 ? MATCH_GLOB : MATCH_EXACT, &match, &reason),
                  -EINVAL);
        check_true(cases[i], match == NULL);
        check_true(cases[i], reason && reason[0]);
    }
    assert_null(match_free(NULL));
}

static const struct fake_field dovecot[] = {
    FAKE_TEXT("MESSAGE", "imap-login: Login: user=<alice>"),
    FAKE_TEXT("_SYSTEMD_UNIT", "dovecot.service"),
    FAKE_TEXT("_UID", "0"),
    FAKE_TEXT("SYSLOG_IDENTIFIER", "dovecot"),
    FAKE_TEXT("BINARY", "a\0b"),
    FAKE_TEXT("EMPTY", ""),
    { "_BROKEN", NULL, 0, -EIO },
    { NULL, NULL, 0, 0 },
};

static void test_holds(void **state)
{
    static const struct {
        const char *text;
        bool holds;
    } cases[] = {
        { "_SYSTEMD_UNIT=dovecot.service", true },
        { "_SYSTEMD_UNIT=dovecot.service _UID=0", true },
        { "  _SYSTEMD_UNIT=dovecot.service\t _UID=0  ", true },
        { "_UID=0 _SYSTEMD_UNIT=dovecot.service", true },
        { "_SYSTEMD_UNIT=dovecot.service _UID=1", false },
        { "_SYSTEMD_UNIT=x.service _UID=0", false },
        { "_SYSTEMD_UNIT=x.service _SYSTEMD_UNIT=dovecot.service", true },
        { "_SYSTEMD_UNIT=dovecot.service _SYSTEMD_UNIT=x.service _UID=0", true },
        { "_SYSTEMD_UNIT=x.service _UID=0 _SYSTEMD_UNIT=dovecot.service", true },
        { "_SYSTEMD_UNIT=x.service _UID=0 _SYSTEMD_UNIT=y.service", false },
        { "_SYSTEMD_UNIT=dovecot.service _UID=1 _UID=2", false },
        { "_SYSTEMD_UNIT=dovecot.servic", false },
        { "_SYSTEMD_UNIT=dovecot.servicee", false },
        { "_SYSTEMD_UNIT=Dovecot.service", false },
        { "_SYSTEMD_UNIT=dovecot*", false },
        { "_SYSTEMD_UNI=dovecot.service", false },
        { "SYSTEMD_UNIT=dovecot.service", false },
        { "_SYSTEMD_UNIT=_UID=0", false },
        { "_EXE=/usr/lib/dovecot/log", false },
        { "BINARY=a", false },
        { "_BROKEN=x", false },
        { "_BROKEN=x _UID=0", false },
    };
    struct entry entry = fake_entry(dovecot, 1);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(match_freep) struct match *match = match_of(cases[i].text);

        check_int(cases[i].text, match_holds(match, &entry), cases[i].holds);
    }
}

/* The value ends where the journal says, not at a NUL, and not at ours. */
static void test_exact_value(void **state)
{
    static const char *const values[] = { "dovecot.service", "dovecot.servic", "dovecot.service\0",
                                          "dovecot.service\0x" };
    static const size_t lens[] = { 15, 14, 16, 17 };
    _cleanup_(match_freep) struct match *match = match_of("_SYSTEMD_UNIT=dovecot.service");

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        _cleanup_(freep) char *value = exact_copy(values[i], lens[i]);
        const struct fake_field fields[] = { { "_SYSTEMD_UNIT", value, lens[i], 0 },
                                             { NULL, NULL, 0, 0 } };
        struct entry entry = fake_entry(fields, 1);

        check_int(values[i], match_holds(match, &entry), i == 0);
    }
}

static void test_names_unit(void **state)
{
    static const struct {
        const char *text;
        bool names;
    } cases[] = {
        { "_SYSTEMD_UNIT=dovecot.service", true },
        { "_UID=0 _SYSTEMD_UNIT=dovecot.service _SYSTEMD_UNIT=x.service", true },
        { "_SYSTEMD_UNIT=pop*.service", true }, /* which no unit is called */
        { "_SYSTEMD_UNIT=", false },
        { "_SYSTEMD_UNIT=dovecot.service _SYSTEMD_UNIT=", false },
        { "_UID=0", false },
        { "UNIT=dovecot.service", false },
        { "OBJECT_SYSTEMD_UNIT=dovecot.service", false },
        { "_SYSTEMD_USER_UNIT=dovecot.service", false },
        { "SYSLOG_IDENTIFIER=dovecot _COMM=log", false },
        { "SYSLOG_IDENTIFIER=_SYSTEMD_UNIT=dovecot.service", false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(match_freep) struct match *match = match_of(cases[i].text);

        check_int(cases[i].text, match_names_unit(match), cases[i].names);
    }
}

static void test_glob_holds(void **state)
{
    static const char unit[] = "pop3@3-127.0.0.1:110-192.0.2.10:45678.service";
    static const struct fake_field fields[] = {
        FAKE_TEXT("_SYSTEMD_UNIT", unit), FAKE_TEXT("_UID", "0"), FAKE_TEXT("SLASHES", "/a/.b"),
        FAKE_TEXT("BINARY", "a\0b"),      FAKE_TEXT("EMPTY", ""), FAKE_TEXT("BYTES", "\xff\xfe"),
        { "_BROKEN", NULL, 0, -EIO },     { NULL, NULL, 0, 0 },
    };
    static const struct {
        const char *text;
        bool holds;
    } cases[] = {
        { "_SYSTEMD_UNIT=pop3@*.service", true },
        { "_SYSTEMD_UNIT=pop3@*", true },
        { "_SYSTEMD_UNIT=*", true },
        { "_SYSTEMD_UNIT=pop[0-9]@?-*", true },
        { "_SYSTEMD_UNIT=pop3@*.servic", false },
        { "_SYSTEMD_UNIT=op3@*", false },
        { "_SYSTEMD_UNIT=POP3@*", false },
        { "_SYSTEMD_UNIT=imap@* _SYSTEMD_UNIT=pop3@*", true },
        { "_SYSTEMD_UNIT=imap@* _SYSTEMD_UNIT=pop@*", false },
        { "_SYSTEMD_UNIT=pop3@* _UID=0", true },
        { "_SYSTEMD_UNIT=pop3@* _UID=[1-9]*", false },
        { "SLASHES=*b", true },
        { "SLASHES=?a?.b", true },
        { "SLASHES=\\/a*", true },
        { "EMPTY=*", true },
        { "EMPTY=?*", false },
        { "EMPTY=", true },
        { "BINARY=*", false }, /* is no name of anything */
        { "BYTES=*", true },
        { "ABSENT=*", false },
        { "_BROKEN=*", false },
    };
    struct entry entry = fake_entry(fields, 1);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(match_freep) struct match *match = match_as(MATCH_GLOB, cases[i].text);

        check_int(cases[i].text, match_holds(match, &entry), cases[i].holds);
    }
}

/* A stranger may choose the value of a field that is not trusted, and its length. */
static void test_glob_long_value(void **state)
{
    static const size_t lens[] = { 1023, 1024, 1025, 100000 };
    _cleanup_(match_freep) struct match *match = match_as(MATCH_GLOB, "SYSLOG_IDENTIFIER=a*");
    _cleanup_(match_freep) struct match *stars =
        match_as(MATCH_GLOB, "SYSLOG_IDENTIFIER=*a*a*a*a*a*a*b");

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        _cleanup_(freep) char *value = malloc(lens[i]);
        const struct fake_field fields[] = { { "SYSLOG_IDENTIFIER", value, lens[i], 0 },
                                             { NULL, NULL, 0, 0 } };
        struct entry entry = fake_entry(fields, 1);

        assert_non_null(value);
        memset(value, 'a', lens[i]);
        check_int("long value", match_holds(match, &entry), lens[i] <= 1024);
        check_true("many stars", !match_holds(stars, &entry));
    }
}

static void test_glob_names_unit(void **state)
{
    static const struct {
        const char *text;
        bool names;
    } cases[] = {
        { "_SYSTEMD_UNIT=pop3@*.service", true },
        { "_SYSTEMD_UNIT=pop3.service", true },
        { "_SYSTEMD_UNIT=p*", true },
        { "_UID=0 _SYSTEMD_UNIT=p*", true },
        { "_SYSTEMD_UNIT=pop3@* _SYSTEMD_UNIT=imap@*", true },
        { "_SYSTEMD_UNIT=pop3@* _SYSTEMD_UNIT=*", false },
        { "_SYSTEMD_UNIT=* _SYSTEMD_UNIT=pop3@*", false },
        { "_SYSTEMD_UNIT=", false },
        { "_SYSTEMD_UNIT=*", false },
        { "_SYSTEMD_UNIT=?op3@*", false },
        { "_SYSTEMD_UNIT=[p]op3@*", false },
        { "_SYSTEMD_UNIT=\\pop3@*", false },
        { "_SYSTEMD_UNIT=user@*", false },
        { "_SYSTEMD_UNIT=user@1000.service", false },
        { "_SYSTEMD_UNIT=u*", false },
        { "_SYSTEMD_UNIT=use[r]@*", false },
        { "_SYSTEMD_UNIT=us\\er@*", false },
        { "_SYSTEMD_UNIT=session-*.scope", false },
        { "_SYSTEMD_UNIT=session?3.scope", false },
        { "_SYSTEMD_UNIT=s*", false },
        { "_SYSTEMD_UNIT=solid*", true },
        { "_SYSTEMD_UNIT=users*", true },
        { "UNIT=pop3@*", false },
        { "_UID=0", false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(match_freep) struct match *match = match_as(MATCH_GLOB, cases[i].text);

        check_int(cases[i].text, match_names_unit(match), cases[i].names);
    }
}

/* Which word an administrator has to look at. */
static void test_obstacle(void **state)
{
    static const struct {
        const char *text, *word; /* NULL: it holds */
    } cases[] = {
        { "_SYSTEMD_UNIT=dovecot.service _UID=0", NULL },
        { "_SYSTEMD_UNIT=dovecot.service _UID=1", "_UID=1" },
        { "_UID=1 _SYSTEMD_UNIT=x _SYSTEMD_UNIT=dovecot.service _UID=2", "_UID=1" },
        { "_SYSTEMD_UNIT=y _SYSTEMD_UNIT=x _UID=0", "_SYSTEMD_UNIT=y" },
        { "_EXE=/x _UID=0", "_EXE=/x" },
        { "_BROKEN=x", "_BROKEN=x" },
    };
    struct entry entry = fake_entry(dovecot, 1);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(match_freep) struct match *match = match_of(cases[i].text);
        size_t obstacle = 99, len = 0;

        check_int(cases[i].text, match_find_obstacle(match, &entry, &obstacle),
                  cases[i].word != NULL);
        if (cases[i].word) {
            const char *word = match_word(match, obstacle, &len);

            check_bytes(cases[i].text, word, len, cases[i].word, strlen(cases[i].word));
        }
    }
}

static void test_has_value(void **state)
{
    _cleanup_(match_freep) struct match *exact = match_of("_SYSTEMD_UNIT=a _SYSTEMD_UNIT=b _UID=0");
    _cleanup_(match_freep) struct match *glob = match_as(MATCH_GLOB, "_SYSTEMD_UNIT=pop3@*");

    check_true("first", match_has_value(exact, "_SYSTEMD_UNIT", "abc", 1));
    check_true("second", match_has_value(exact, "_SYSTEMD_UNIT", "b", 1));
    check_true("longer", !match_has_value(exact, "_SYSTEMD_UNIT", "ab", 2));
    check_true("other field", !match_has_value(exact, "_UID", "a", 1));
    check_true("no such field", !match_has_value(exact, "_PID", "0", 1));
    check_true("glob", match_has_value(glob, "_SYSTEMD_UNIT", "pop3@1.service", 14));
    check_true("glob", !match_has_value(glob, "_SYSTEMD_UNIT", "pop3@1.service", 4));
}

static void test_field_names(void **state)
{
    char longest[66];

    memset(longest, 'A', 65);
    longest[65] = 0;
    check_true("plain", match_is_field_name("_SYSTEMD_UNIT", 13));
    check_true("part of a text", match_is_field_name("A=b", 1));
    check_true("too much of it", !match_is_field_name("A=b", 2));
    check_true("digits", match_is_field_name("A1", 2) && !match_is_field_name("1A", 2));
    check_true("nothing", !match_is_field_name("", 0) && !match_is_field_name("=", 0));
    check_true("longest", match_is_field_name(longest, 64) && !match_is_field_name(longest, 65));
}

/* --- against a naive model: a few fields and values, so that they often meet --- */

#define WORDS_MAX 8

struct word {
    char field, value;
};

static bool naive_holds(const struct word *words, size_t n, const char *entry)
{
    for (char field = 'A'; field <= 'D'; field++) {
        bool asked = false, met = false;

        for (size_t i = 0; i < n; i++)
            if (words[i].field == field) {
                asked = true;
                met |= words[i].value == entry[field - 'A'];
            }
        if (asked && !met)
            return false;
    }
    return true;
}

/* Every word is there once, and those of a field are neighbours. */
static void check_words(const struct match *match, const struct word *words, size_t n)
{
    bool closed[4] = { false };
    char last = 0;
    size_t count = 0, len = 0, same;
    const char *word;

    for (; (word = match_word(match, count, &len)); count++) {
        check_true("a word we gave", len == 3 && word[1] == '=');
        same = 0;
        for (size_t i = 0; i < n; i++)
            same += words[i].field == word[0] && words[i].value == word[2];
        check_true("a word we gave", same > 0);
        if (word[0] != last) {
            check_true("neighbours", !closed[word[0] - 'A']);
            if (last)
                closed[last - 'A'] = true;
            last = word[0];
        }
    }
    check_true("none is lost", count > 0 && count <= n);
}

static void test_random(void **state)
{
    for (int i = 0; i < 20000; i++) {
        struct word words[WORDS_MAX];
        size_t n = 1 + random_below(WORDS_MAX);
        char text[WORDS_MAX * 4 + 1] = "", values[4];
        struct fake_field fields[5] = { 0 };
        static const char *const names[] = { "A", "B", "C", "D" };
        size_t present = 0;

        for (size_t k = 0; k < n; k++) {
            words[k] =
                (struct word){ (char)('A' + random_below(4)), (char)('1' + random_below(3)) };
            snprintf(text + strlen(text), 5, "%s%c=%c", k ? " " : "", words[k].field,
                     words[k].value);
        }
        for (size_t k = 0; k < 4; k++) {
            values[k] = random_below(5) ? (char)('1' + random_below(3)) : 0;
            if (values[k])
                fields[present++] = (struct fake_field){ names[k], &values[k], 1, 0 };
        }

        /* Without special characters, both kinds mean the same. */
        _cleanup_(match_freep) struct match *match =
            match_as(i % 2 ? MATCH_GLOB : MATCH_EXACT, text);
        struct entry entry = fake_entry(fields, 1);

        check_int(text, match_holds(match, &entry), naive_holds(words, n, values));
        check_words(match, words, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_holds),
        cmocka_unit_test(test_exact_value),
        cmocka_unit_test(test_names_unit),
        cmocka_unit_test(test_glob_holds),
        cmocka_unit_test(test_glob_long_value),
        cmocka_unit_test(test_glob_names_unit),
        cmocka_unit_test(test_obstacle),
        cmocka_unit_test(test_has_value),
        cmocka_unit_test(test_field_names),
        cmocka_unit_test_setup(test_random, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
