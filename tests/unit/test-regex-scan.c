/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/pattern.h"
#include "core/regex-scan.h"

static struct regex *scan(const char *text)
{
    struct regex *regex = NULL;
    size_t unsupported = 0;
    int r = regex_scan(text, &regex, &unsupported);

    if (r < 0)
        fail_msg("%s: %d at %zu", text, r, unsupported);
    return regex;
}

/* Writes the tokens as their texts, with quantifiers, in between blanks. */
static void write_tokens(const char *text, const struct regex *regex, char *ret, size_t size)
{
    size_t used = 0;

    ret[0] = 0;
    for (size_t i = 0; i < regex->count && used < size; i++) {
        const struct regex_token *token = &regex->token[i];
        size_t len = token->kind == REGEX_OPEN ? token->len : token->end - token->start;

        used += (size_t)snprintf(ret + used, size - used, "%s%.*s", i > 0 ? " " : "", (int)len,
                                 text + token->start);
    }
}

static void test_tokens(void **state)
{
    static const struct {
        const char *text, *tokens;
    } cases[] = {
        { "", "" },
        { "^ab$", "^ a b $" },
        { "a*b+?c?+d{2}e{2,}f{2,3}?", "a* b+? c?+ d{2} e{2,} f{2,3}?" },
        { "a{b}{,2}", "a { b } { , 2 }" },
        { "[a-z]+[]x][^]x]*[[:digit:]]", "[a-z]+ []x] [^]x]* [[:digit:]]" },
        { "\\d+\\.\\[\\\\", "\\d+ \\. \\[ \\\\" },
        { "\\x41\\x{41}\\012\\cA\\o{12}", "\\x41 \\x{41} \\012 \\cA \\o{12}" },
        { "(?<addr>a|b)?(?:c)(?>d)(?=e)(?!f)(?<=g)(?<!h)",
          "(?<addr> a | b )? (?: c ) (?> d ) (?= e ) (?! f ) (?<= g ) (?<! h )" },
        { "(?P<user>a)(?'session'b)", "(?P<user> a ) (?'session' b )" },
        { "a(?#no (comment)b", "a b" },
        { "(?x) a b # c\n + [ ]", "(?x) a b # c\n + [ ]" },
        { "(?i:a)(?s)b", "(?i: a ) (?s) b" },
        { "\\Qa*b\\E+c", "a * b\\E+ c" },
        { "\\Ab\\z\\Z\\b", "\\A b \\z \\Z \\b" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(regex_freep) struct regex *regex = scan(cases[i].text);
        char tokens[512];

        write_tokens(cases[i].text, regex, tokens, sizeof(tokens));
        check_text(cases[i].text, tokens, cases[i].tokens);
    }
}

static void test_unsupported(void **state)
{
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {
        { "(a)\\1", 3 },     { "a\\K", 1 },    { "a\\R", 1 },    { "\\p{L}", 0 },
        { "ab(?R)", 2 },     { "(?(1)a)", 0 }, { "(*ANY)a", 0 }, { "(?<n>a)\\k<n>", 7 },
        { "(?m)^a", 0 },     { "(?U)a*", 0 },  { "a(?C1)", 1 },  { "(?1)", 0 },
        { "x[\\Qa\\E]", 1 }, { "\\X", 0 },     { "(?xx)a", 0 },  { "(", 0 },
        { "a)", 1 },         { "[a", 0 },      { "(?i", 0 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct regex *regex = NULL;
        size_t at = 99;

        check_int(cases[i].text, regex_scan(cases[i].text, &regex, &at), -EOPNOTSUPP);
        check_unsigned(cases[i].text, at, cases[i].at);
        check_true(cases[i].text, regex == NULL);
    }
}

/* The sets are what PCRE2 says they are, byte by byte. */
static void test_sets(void **state)
{
    static const char *const cases[] = {
        "a",
        ".",
        "(?s).",
        "\\d",
        "\\D",
        "\\w",
        "\\W",
        "\\s",
        "\\S",
        "\\h",
        "\\H",
        "\\v",
        "\\V",
        "\\N",
        "\\n",
        "\\t",
        "\\e",
        "\\a",
        "\\f",
        "\\r",
        "\\0",
        "\\07",
        "\\012",
        "\\x",
        "\\x4",
        "\\x41",
        "\\x{41}",
        "\\xff",
        "\\o{101}",
        "\\cA",
        "\\c[",
        "\\.",
        "\\-",
        "[a-c]",
        "[^a-c]",
        "[a-]",
        "[-a]",
        "[]a]",
        "[^]a]",
        "[\\]a]",
        "[\\d.]",
        "[^\\d.]",
        "[\\w-]",
        "[a\\-z]",
        "[\\x41-\\x43]",
        "[\\n\\t]",
        "[\\b]",
        "[\\101]",
        "[[:alpha:]]",
        "[[:^alpha:]]",
        "[[:xdigit:]:]",
        "[[:punct:]]",
        "[[:space:]]",
        "[[:word:]]",
        "[[:print:]]",
        "[[:graph:]]",
        "[[:cntrl:]]",
        "[[:ascii:]]",
        "[[:blank:]]",
        "[[:upper:]]",
        "[[:lower:]]",
        "[[:alnum:]]",
        "(?i)a",
        "(?i)[a-c]",
        "(?i)[^a-c]",
        "(?i)[[:upper:]]",
        "(?i)[^[:lower:]]",
        "(?i)\\x41",
        "[^<>, ]",
        "[0-9A-Fa-f.:]",
        "[\\^a]",
        "[a^]",
        "[.]",
        "[$]",
        "[[]",
        "[\\\\]",
        "\\#",
        "\\ ",
        "[!-/]",
        "[\\s\\S]",
        "[\\H]",
        "[^\\W_]",
        "(?x)[ #]",
        "[\xe4]",
        "\xe4",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(regex_freep) struct regex *regex = scan(cases[i]);
        _cleanup_(pattern_freep) struct pattern *pattern = NULL;
        char text[64], error[PATTERN_ERROR_MAX];
        const struct regex_token *token = &regex->token[regex->count - 1];

        snprintf(text, sizeof(text), "%s\\z", cases[i]);
        check_int(cases[i], pattern_compile(text, &pattern, error), 0);
        check_int(cases[i], token->kind, REGEX_BYTE);
        for (unsigned byte = 0; byte < 256; byte++) {
            char subject = (char)byte, what[96];
            struct pattern_captures captures;

            snprintf(what, sizeof(what), "%s on byte 0x%02x", cases[i], byte);
            check_int(what, regex_set_has(&token->set, (unsigned char)byte),
                      pattern_match(pattern, &subject, 1, &captures) == PATTERN_MATCHES);
        }
    }
}

static void test_groups(void **state)
{
    static const char text[] = "a(?<addr>b(?!c(d)))*(?i:e)f";
    _cleanup_(regex_freep) struct regex *regex = scan(text);
    const struct regex_token *token = regex->token;

    check_unsigned("tokens", regex->count, 14);
    check_int("name", token[1].name, PATTERN_ADDR);
    check_unsigned("partner", token[1].partner, 9);
    check_unsigned("partner", token[9].partner, 1);
    check_unsigned("least", token[1].least, 0);
    check_true("most", token[1].most == REGEX_MANY);
    check_unsigned("end", token[1].end, strlen("a(?<addr>b(?!c(d)))*"));
    check_int("lookahead", token[3].group, REGEX_NOT_AHEAD);
    check_true("not in a lookahead",
               !token[1].in_lookaround && !token[2].in_lookaround && !token[9].in_lookaround);
    for (size_t i = 3; i <= 8; i++)
        check_true("in a lookahead", token[i].in_lookaround);
    /* options end with their group */
    check_true("without case", regex_set_has(&token[11].set, 'E'));
    check_true("with case", !regex_set_has(&token[13].set, 'F'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_unsupported),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
