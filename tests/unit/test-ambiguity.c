/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "check.h"
#include "core/ambiguity.h"
#include "core/cleanup.h"
#include "core/pattern.h"
#include "random.h"
#include "shipped-rules.h"

static void find(const char *text, struct regex **ret_regex, struct ambiguity *ret)
{
    size_t unsupported;

    check_int(text, regex_scan(text, ret_regex, &unsupported), 0);
    check_int(text, ambiguity_find(*ret_regex, ret), 0);
}

#define TAIL "(?<addr>[0-9.]+)"

static void test_safe(void **state)
{
    static const char *const cases[] = {
        "^Login from " TAIL "$",
        "^Login from " TAIL,
        "^user (?<user>\\S+) from " TAIL,
        "^user (?<user>[^,]*), from " TAIL ".*$",
        /* the wildcard cannot take an address that has to stand at the end */
        "^user (?<user>.*) from " TAIL "$",
        "^user (?<user>.*?) from " TAIL "$",
        "^user (?<user>.*), ip=\\[" TAIL "\\](?:, port=\\[\\d+\\])?(?:, (?:starttls|stls)=1)?$",
        /* what may follow the address cannot hold what comes before it */
        "^user=<(?<user>.*)>, rip=" TAIL "(?:, [^<>]*)?(?:, session=<[^ ]*>)?$",
        /* a tag that belongs to the address or not */
        "^from (?:::ffff:)?(?<addr>[0-9a-f.:]+)$",
        /* alternatives that exclude each other */
        "^(?:a (?<user>.*)|b) " TAIL "$",
        /* lookaheads keep the wildcard from taking too much */
        "^x(?:(?! from ).)* from " TAIL " [^f]*$",
        "^user=<(?:(?!user=<).)*>, rip=" TAIL "(?:, (?:(?!\\): )[^<>])*)?$",
        "^x(?!.* from .* from ).* from " TAIL ".*$",
        "^(?!.{512})user (?<user>.*) from " TAIL "$",
        "^Login" TAIL "{1,20}$",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(regex_freep) struct regex *regex = NULL;
        struct ambiguity ambiguity;

        find(cases[i], &regex, &ambiguity);
        if (ambiguity.result != AMBIGUITY_NONE)
            fail_msg("%s: %d: %.*s", cases[i], ambiguity.result,
                     ambiguity.result == AMBIGUITY_FOUND ? (int)ambiguity.len : 0,
                     ambiguity.example);
    }
}

static void test_unsafe(void **state)
{
    static const struct {
        const char *text, *culprit;
        const char *example; /* NULL: any */
    } cases[] = {
        { "^Login: .*rip=" TAIL, ".*", "Login: rip=0rip=0" },
        { "^Login: .*rip=" TAIL ", lip=.*$", ".*", "Login: rip=0, lip=rip=0, lip=" },
        { "^user (?<user>.+) from " TAIL, ".+", NULL },
        { "^user (?<user>.+?) from " TAIL, ".+?", NULL },
        { "^user=(?<user>[^ ]*),ip=" TAIL "(?:,.*)?$", "[^ ]*", "user=,ip=0,ip=0" },
        { "^(?:a .* |b )" TAIL " .*$", ".*", NULL },
        { "^x(?:(?! to ).)* from " TAIL " .*$", ".", "x from 0 from 0 " },
        { "^x(?:y(?<user>.*)z)?(?:, )?ip=" TAIL ",.*$", ".*", NULL },
        { "^(?s:.)*ip=" TAIL " [^\\n]*$", "(?s:", NULL },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(regex_freep) struct regex *regex = NULL;
        _cleanup_(pattern_freep) struct pattern *pattern = NULL;
        struct ambiguity ambiguity;
        struct pattern_captures captures;
        char error[PATTERN_ERROR_MAX];
        const char *culprit;

        find(cases[i].text, &regex, &ambiguity);
        check_int(cases[i].text, ambiguity.result, AMBIGUITY_FOUND);
        culprit = cases[i].text + regex->token[ambiguity.token].start;
        if (strcmp(cases[i].culprit, "(?s:") != 0)
            check_true(cases[i].text,
                       strncmp(culprit, cases[i].culprit, strlen(cases[i].culprit)) == 0);
        if (cases[i].example)
            check_bytes(cases[i].text, ambiguity.example, ambiguity.len, cases[i].example,
                        strlen(cases[i].example));
        check_int(cases[i].text, pattern_compile(cases[i].text, &pattern, error), 0);
        check_int(cases[i].text,
                  pattern_match(pattern, ambiguity.example, ambiguity.len, &captures),
                  PATTERN_MATCHES);
    }
}

static void test_undecided(void **state)
{
    _cleanup_(regex_freep) struct regex *regex = NULL;
    struct ambiguity ambiguity;

    find("^(?:(?:a{1,200}b){1,200}c){1,20} " TAIL "$", &regex, &ambiguity);
    check_int("too large", ambiguity.result, AMBIGUITY_UNDECIDED);
}

/* By PCRE2 itself: is there a message of these letters, up to a length, with two places, not side
 * by side, where the pattern matches if held to begin the address there? The address is one "1". */
static bool search_all(const char *text, size_t most)
{
    static const char letters[] = "a1,";
    struct pattern *at[8];
    bool found = false;

    /* A lookbehind fixes the place: (?<=^.{n}). */
    for (size_t n = 0; n < most; n++) {
        char held[256], error[PATTERN_ERROR_MAX];
        const char *group = strstr(text, "(?<addr>");

        snprintf(held, sizeof(held), "%.*s(?<=^.{%zu})%s", (int)(group - text), text, n, group);
        if (n == 0)
            snprintf(held, sizeof(held), "%.*s(?<!.)%s", (int)(group - text), text, group);
        at[n] = NULL;
        if (pattern_compile(held, &at[n], error) != 0)
            fail_msg("%s: %s", held, error);
    }
    for (size_t len = 0; len <= most; len++) {
        size_t count = 1;

        for (size_t k = 0; k < len; k++)
            count *= 3;
        for (size_t number = 0; number < count && !found; number++) {
            char subject[8];
            size_t rest = number, first = most;
            struct pattern_captures captures;

            for (size_t k = 0; k < len; k++, rest /= 3)
                subject[k] = letters[rest % 3];
            for (size_t n = 0; n < most; n++) {
                if (pattern_match(at[n], subject, len, &captures) != PATTERN_MATCHES)
                    continue;
                found = found || n > first + 1;
                first = n < first ? n : first;
            }
        }
    }
    for (size_t n = 0; n < most; n++)
        pattern_free(at[n]);
    return found;
}

static void test_random(void **state)
{
    static const char *const before[] = { "a",       ",",        ".*",    "a*",           "[^,]*",
                                          "(?:a,)?", "(?:a|,1)", "[^1]*", "(?:(?!,1).)*", "1?" };
    static const char *const after[] = { "a",        ",",     ".*", "a*", "[^,]*", "(?:,a)?",
                                         "(?:a|,1)", "[^1]*", "$",  "$",  "(?!a)" };
    unsigned safe = 0, unsafe = 0;

    for (unsigned i = 0; i < 250; i++) {
        _cleanup_(regex_freep) struct regex *regex = NULL;
        struct ambiguity ambiguity;
        char text[160] = "^";
        bool truth;

        for (uint64_t n = 1 + random_below(3); n > 0; n--)
            strcat(text, before[random_below(sizeof(before) / sizeof(before[0]))]);
        strcat(text, "(?<addr>1)");
        for (uint64_t n = random_below(4); n > 0; n--)
            strcat(text, after[random_below(sizeof(after) / sizeof(after[0]))]);
        find(text, &regex, &ambiguity);
        /* All that is short enough has to be found by both. */
        truth = search_all(text, 6);
        if (truth && ambiguity.result != AMBIGUITY_FOUND)
            fail_msg("%s: said to be safe", text);
        if (!truth && ambiguity.result == AMBIGUITY_FOUND && ambiguity.len <= 6)
            fail_msg("%s: said to be unsafe by %.*s", text, (int)ambiguity.len, ambiguity.example);
        safe += !truth;
        unsafe += truth;
    }
    check_true("both kinds came up", safe > 20 && unsafe > 20);
}

/* No message can be made to look like two by whoever chooses a part of it. */
static void test_shipped(void **state)
{
    static const char *const files[] = { "50-courier.conf", "50-dovecot.conf" };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        _cleanup_(settings_freep) struct settings *settings =
            load_shipped_rules((const char *[]){ files[i], NULL });
        const struct pattern *pattern;

        for (size_t k = 0; (pattern = rule_pattern(rules_at(settings->rules, 0), EVENT_LOGIN, k));
             k++) {
            _cleanup_(regex_freep) struct regex *regex = NULL;
            struct ambiguity ambiguity;

            find(pattern_text(pattern), &regex, &ambiguity);
            check_int(pattern_text(pattern), ambiguity.result, AMBIGUITY_NONE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safe),      cmocka_unit_test(test_unsafe),
        cmocka_unit_test(test_undecided), cmocka_unit_test_setup(test_random, random_setup),
        cmocka_unit_test(test_shipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
