/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/limits.h"
#include "core/trace.h"
#include "exact.h"
#include "random.h"
#include "shipped-rules.h"

static struct pattern *pattern_of(const char *text)
{
    struct pattern *pattern = NULL;
    char error[PATTERN_ERROR_MAX] = "";

    if (pattern_compile(text, &pattern, error) != 0)
        fail_msg("%s: refused: %s", text, error);
    return pattern;
}

static int trace(const struct pattern *pattern, const char *subject, size_t len, struct trace *ret)
{
    _cleanup_(freep) char *copy = exact_copy(subject, len);

    return trace_pattern(pattern, copy, len, ret);
}

/* Shows a trace as "before|from the byte on" and "item", both after the word's beginning. */
static void check_trace(const char *text, const char *subject, const char *rest, const char *item,
                        const char *word, bool searched)
{
    _cleanup_(pattern_freep) struct pattern *pattern = pattern_of(text);
    struct trace found;
    char got[512];

    if (trace(pattern, subject, strlen(subject), &found) != 0)
        fail_msg("%s: \"%s\": matches", text, subject);
    check_true(subject, found.subject <= strlen(subject) && found.word <= found.subject);
    check_text(subject, subject + found.subject, rest);
    snprintf(got, sizeof(got), "%.*s", (int)found.item_len, text + found.item);
    check_text(subject, got, item);
    snprintf(got, sizeof(got), "%.*s", (int)found.word, text + found.item - found.word);
    check_text(subject, got, word);
    snprintf(got, sizeof(got), "%.*s", (int)found.word, subject + found.subject - found.word);
    check_text(subject, got, word);
    check_int(subject, found.searched, searched);
    check_true(subject, !found.gave_up);
}

#define OLD_DOVECOT                                                                                \
    "^(?:imap|pop3)-login: (?:Info: )?Login: user=<(?<user>.*)>, method=[^<>, ]+, "                \
    "rip=(?<addr>[0-9A-Fa-f.:]+)(?:, [^<>]*)?(?:, session=<[^ ]*>)?$"
#define NEW_LINE                                                                                   \
    "imap-login: Logged in: user=<a@example.org>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1, "   \
    "mpid=77, session=<abc>"

/* What Dovecot 2.4 says, to a pattern that knows only what 2.3 said. */
static void test_dovecot(void **state)
{
    check_trace(OLD_DOVECOT, NEW_LINE, &NEW_LINE[strlen("imap-login: Log")], "i", "Log", false);
    check_trace("^imap-login: (?:Login|Logged on): ", NEW_LINE,
                &NEW_LINE[strlen("imap-login: Logged ")], "o", "", false);
    check_trace("^imap-login: (?:Logged on|Login): ", NEW_LINE,
                &NEW_LINE[strlen("imap-login: Logged ")], "o", "", false);
    check_trace("Login: user=<(?<user>.*)>", NEW_LINE, &NEW_LINE[strlen("imap-login: Log")], "i",
                "Log", false);
}

static void test_places(void **state)
{
    static const struct {
        const char *text, *subject, *rest, *item, *word;
        bool searched;
    } cases[] = {
        { "^abc$", "abd", "d", "c", "ab", false },
        { "^abc$", "ab", "", "c", "ab", false },
        { "^abc$", "", "", "a", "", false },
        { "^abc$", "abcd", "d", "$", "", false },
        { "^abc\\z", "abcd", "d", "\\z", "", false },
        { "^a\\.b", "axb", "xb", "\\.", "a", false },
        { "^a\\.b", "a.c", "c", "b", "", false },
        /* a word begins behind a blank */
        { "^user bob", "user bib", "ib", "o", "b", false },
        { "^user bob", "userxbob", "xbob", " ", "", false },
        /* classes and repetitions are one part */
        { "^ip=[0-9.]+$", "ip=host", "host", "[0-9.]+", "", false },
        { "^n=\\d{2,3};", "n=7;", "7;", "\\d{2,3}", "", false },
        /* a wildcard has been everywhere, but what comes after it has not */
        { "^(?<user>.*), ip=\\[(?<addr>[0-9.]+)\\]$", "bob, ip=[1.2x]", "x]", "\\]", "", false },
        { "^(?<user>.*), ip=\\[(?<addr>[0-9.]+)\\]$", "bob, id=[1.2]", "d=[1.2]", "p", "i", false },
        { "^user (?<user>.*) from ", "user bob is here", "is here", "f", "", false },
        { "^user <(?<user>.*)>$", "user <bob", "bob", ">", "", true },
        { "^user (?<user>.*)!$", "user bob", "bob", "!", "", true },
        { "^user (?:(?!x).)*!$", "user bob", "bob", "!", "", true },
        /* those that stop by themselves say where */
        { "^user (?<user>\\S+) from", "user bob", "", " ", "", false },
        { "^a=[^,]*, b", "a=x", "x", ",", "", true },
        { "^a=[^<>]*$", "a=x<y", "<y", "$", "", false },
        /* alternatives that all fail at once are named together */
        { "^(?:imap|pop3)-login", "lmtp-login", "lmtp-login", "(?:imap|pop3)", "", false },
        { "^(?:imap|pop3)-login", "imap-logout", "out", "i", "-log", false },
        { "^(?:A|B|C)?x", "Dx", "Dx", "x", "", false },
        /* what may be left out is to blame if it was begun */
        { "^a(?:, port=\\[\\d+\\])?$", "a, port=[2x]", "x]", "\\]", "", false },
        { "^a(?:, port=\\[\\d+\\])?$", "a, proto", "roto", "o", "p", false },
        { "^(?:n=\\d+;|n=x)?!$", "n=7x", "x", ";", "", false },
        { "^(?:n=\\d+ to \\d+|n=\\d+)(?:, a)?$", "n=7 to x", "x", "\\d+", "", false },
        { "^(?:Info: )?Login", "Info: Logout", "out", "i", "Log", false },
        /* lookarounds are parts as a whole */
        { "^a(?=bc)", "abd", "bd", "(?=bc)", "", false },
        { "^a(?!bc)", "abc", "bc", "(?!bc)", "", false },
        { "^(?i)login", "logOUT", "OUT", "i", "log", false },
        { "^\\Qa.b\\E$", "axb", "xb", ".", "a", false },
        /* these cannot be taken apart */
        { "^(?<user>a)(?P=user)b", "aac", "c", "b", "", false },
        { "^(?:a)(?R)?b", "ac", "c", "b", "", false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_trace(cases[i].text, cases[i].subject, cases[i].rest, cases[i].item, cases[i].word,
                    cases[i].searched);
}

static void test_match(void **state)
{
    _cleanup_(pattern_freep) struct pattern *pattern = pattern_of("^a(?<user>.*)b$");
    struct trace found;

    check_int("a match has no trace", trace(pattern, "axb", 3, &found), -EEXIST);
}

static void test_limit(void **state)
{
    _cleanup_(pattern_freep) struct pattern *pattern = pattern_of("^(?:a+)+$");
    char subject[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
    struct trace found;

    check_int("runaway", trace(pattern, subject, strlen(subject), &found), 0);
    check_true("runaway", found.gave_up);
    check_text("how far it came", subject + found.subject, "b");
}

/* One that may begin anywhere gets no more steps for it. */
static void test_limit_wherever_it_begins(void **state)
{
    _cleanup_(pattern_freep) struct pattern *pattern = pattern_of("(?:a|a)+-?b?[0-9]");
    char subject[MESSAGE_MAX];
    struct trace found;

    for (size_t i = 0; i < sizeof(subject); i++)
        subject[i] = "aaaaaaaaaaaaaa-"[i % 15];
    check_int("runaway", trace(pattern, subject, sizeof(subject), &found), 0);
    check_true("runaway", found.gave_up);
}

/* What the shipped patterns say of lines that are not quite what they want. */
static void test_shipped(void **state)
{
    static const struct {
        const char *file, *subject, *rest;
        const char *item; /* NULL: there are several */
    } cases[] = {
        { "50-dovecot.conf", NEW_LINE " foo", " foo", "$" },
        { "50-dovecot.conf",
          "imap-login: Login: user=<a>, method=PLAIN, rip=host.example.org, lip=192.0.2.1",
          "host.example.org, lip=192.0.2.1", "[0-9A-Fa-f.:]+" },
        { "50-dovecot.conf", "imap-login: Login: user=<a>, method=PLAIN, r=192.0.2.1", "=192.0.2.1",
          "i" },
        { "50-dovecot.conf", "lmtp-login: Login: user=<a>, method=PLAIN, rip=192.0.2.1",
          "lmtp-login: Login: user=<a>, method=PLAIN, rip=192.0.2.1", "(?:imap|pop3)" },
        { "50-courier.conf", "LOGIN, user=a, ip=[host]", "host]", NULL },
        { "50-courier.conf", "LOGIN, user=a, ip=[::1], port=[x]", "x]", "\\d+" },
        { "50-courier.conf", "LOGIN, user=a, ip=[::1], poort", "ort", NULL },
        { "50-courier.conf", "LOGOFF, user=a, ip=[::1]", "OFF, user=a, ip=[::1]", "I" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(settings_freep) struct settings *settings =
            load_shipped_rules((const char *[]){ cases[i].file, NULL });
        const struct pattern *pattern = rule_pattern(rules_at(settings->rules, 0), EVENT_LOGIN, 0);
        const char *text = pattern_text(pattern);
        struct trace found;
        char item[128];

        check_int(cases[i].subject,
                  trace(pattern, cases[i].subject, strlen(cases[i].subject), &found), 0);
        check_text(cases[i].subject, cases[i].subject + found.subject, cases[i].rest);
        snprintf(item, sizeof(item), "%.*s", (int)found.item_len, text + found.item);
        if (cases[i].item)
            check_text(cases[i].subject, item, cases[i].item);
    }
}

/* Whatever a message holds, a trace stays inside it and inside the pattern. */
static void test_random(void **state)
{
    static const char *const texts[] = {
        OLD_DOVECOT,
        "(?<user>.*)x(?:a|b(?:c|d)?)*y$",
        "^(?:a*b*)*c",
        "(?!ab)(?=b)[^a]+?c|d{2}",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_(pattern_freep) struct pattern *pattern = pattern_of(texts[i]);

        for (unsigned n = 0; n < 3000; n++) {
            char subject[64];
            size_t len = random_below(sizeof(subject));
            struct trace found;

            for (size_t k = 0; k < len; k++)
                subject[k] = random_below(8) ? (char)("abcdxy<> "[random_below(9)])
                                             : (char)random_below(256);
            if (trace(pattern, subject, len, &found) != 0)
                continue;
            check_true(texts[i], found.subject <= len && found.word <= found.subject);
            check_true(texts[i], found.item + found.item_len <= strlen(texts[i]));
            check_true(texts[i], found.word <= found.item);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dovecot),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_wherever_it_begins),
        cmocka_unit_test(test_shipped),
        cmocka_unit_test_setup(test_random, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
