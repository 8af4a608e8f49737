/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/config.h"
#include "exact.h"
#include "random.h"

/* What was read, written down as "section|key|value|line;". */
struct transcript {
    char text[2048];
    size_t len;
    int stop_at; /* counts down; what the callback returns at 0 */
    int stop_with;
};

static int write_down(const struct config_item *item, void *userdata)
{
    struct transcript *transcript = userdata;
    int n = snprintf(transcript->text + transcript->len, sizeof(transcript->text) - transcript->len,
                     "%s|%s|%s|%u;", item->section, item->key, item->value, item->line);

    assert_true(n > 0 && (size_t)n < sizeof(transcript->text) - transcript->len);
    transcript->len += (size_t)n;
    return --transcript->stop_at == 0 ? transcript->stop_with : 0;
}

static int parse(const char *text, size_t len, config_item_func func, void *userdata,
                 unsigned *reterr_line, const char **reterr_reason)
{
    _cleanup_(freep) char *copy = exact_copy(text, len);

    return config_parse(copy, len, func, userdata, reterr_line, reterr_reason);
}

static void test_items(void **state)
{
    static const struct {
        const char *text, *items;
    } cases[] = {
        { "", "" },
        { "\n\n", "" },
        { "# comment\n; comment\n  # indented\n", "" },
        { "[Watcher]\nGrace=30min\n", "Watcher|Grace|30min|2;" },
        { "[Watcher]\nGrace=30min", "Watcher|Grace|30min|2;" },
        { "Grace=1\n", "|Grace|1|1;" },
        { "[A]\nK=1\n[B]\nK=2\n[A]\nK=3\n", "A|K|1|2;B|K|2|4;A|K|3|6;" },
        { "[Rule dovecot]\nEnabled=yes\n", "Rule dovecot|Enabled|yes|2;" },
        { "  [A]  \n\t K \t = \t v w \t \n", "A|K|v w|2;" },
        { "[A]\nK=\n", "A|K||2;" },
        { "[A]\nK=   \n", "A|K||2;" },
        { "[A]\nK=a=b=c\n", "A|K|a=b=c|2;" },
        { "[A]\nK==\n", "A|K|=|2;" },
        { "[A]\nK=a # b ; c\n", "A|K|a # b ; c|2;" },
        { "[A]\nK=#a\n", "A|K|#a|2;" },
        { "[A]\nK=\"quoted\" 'too'\n", "A|K|\"quoted\" 'too'|2;" },
        { "[A]\nK=^a\\\\b\\d$\n", "A|K|^a\\\\b\\d$|2;" },
        { "[A]\nK=1\nK=2\nK=\nK=3\n", "A|K|1|2;A|K|2|3;A|K||4;A|K|3|5;" },
        { "[A]\nK=\xff\xfe \xc3\xb6\n", "A|K|\xff\xfe \xc3\xb6|2;" },
        { "[A]\n[B]\nK=[x]\n", "B|K|[x]|3;" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct transcript transcript = { .len = 0 };
        unsigned line;
        const char *reason;

        check_int(
            cases[i].text,
            parse(cases[i].text, strlen(cases[i].text), write_down, &transcript, &line, &reason),
            0);
        check_text(cases[i].text, transcript.text, cases[i].items);
    }
}

/* systemd.syntax(7) puts a blank for the backslash; how many there are is not worth a promise. */
static void squeeze(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++)
        if (*from != ' ' || to == text || to[-1] != ' ')
            *to++ = *from;
    *to = '\0';
}

static void test_continuation(void **state)
{
    static const struct {
        const char *text, *items;
    } cases[] = {
        { "[A]\nK=a \\\nb\nL=c\n", "A|K|a b|2;A|L|c|4;" },
        { "[A]\nK=a\\\n   b\\\n\tc\nL=d\n", "A|K|a b c|2;A|L|d|5;" },
        { "[A]\nK=a \\\n# comment\n; comment\n  b\nL=c\n", "A|K|a b|2;A|L|c|6;" },
        { "[A]\nK=\\\n  a\nL=c\n", "A|K|a|2;A|L|c|4;" },
        { "[A]\nK=a \\\n[B]\nL=c\n", "A|K|a [B]|2;A|L|c|4;" },
        { "[A]\nK=a \\\n b=c\nL=d\n", "A|K|a b=c|2;A|L|d|4;" },
        { "[A]\n# comment \\\nK=a\n", "A|K|a|3;" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct transcript transcript = { .len = 0 };
        unsigned line;
        const char *reason;

        check_int(
            cases[i].text,
            parse(cases[i].text, strlen(cases[i].text), write_down, &transcript, &line, &reason),
            0);
        squeeze(transcript.text);
        check_text(cases[i].text, transcript.text, cases[i].items);
    }
}

static void test_errors(void **state)
{
    static const struct {
        const char *text;
        size_t len; /* 0: up to the NUL */
        unsigned line;
        const char *items; /* what came before; NULL: no promise */
    } cases[] = {
        { "[A]\nK=1\nGrace\n", 0, 3, "A|K|1|2;" },
        { "[A]\nGrace 30min\n", 0, 2, "" },
        { "[A]\n=30min\n", 0, 2, "" },
        { "[A]\n  = 30min\n", 0, 2, "" },
        { "[A\nK=1\n", 0, 1, "" },
        { "[A]\nK=1\n\n# x\n[B\n", 0, 5, "A|K|1|2;" },
        { "A]\n", 0, 1, "" },
        { "[]\nK=1\n", 0, 1, "" },
        { "[A] x\nK=1\n", 0, 1, "" },
        { "[A]\nK=a \\\n b\njunk\n", 0, 4, "A|K|a b|2;" },
        { "[A]\nK=1\nL=a\0b\n", 14, 3, NULL },
        { "[A]\n<html>\n", 0, 2, "" },
        { "#!/usr/bin/perl\nuse strict;\n", 0, 2, "" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct transcript transcript = { .len = 0 };
        size_t len = cases[i].len ? cases[i].len : strlen(cases[i].text);
        unsigned line = 0;
        const char *reason = NULL;

        check_int(cases[i].text, parse(cases[i].text, len, write_down, &transcript, &line, &reason),
                  -EBADMSG);
        check_unsigned(cases[i].text, line, cases[i].line);
        check_true(cases[i].text, reason && reason[0]);
        squeeze(transcript.text);
        if (cases[i].items)
            check_text(cases[i].text, transcript.text, cases[i].items);
    }
}

static void test_callback_stops(void **state)
{
    static const char text[] = "[A]\nK=1\nL=2\nM=3\n";
    struct transcript transcript = { .stop_at = 2, .stop_with = -EDOM };
    unsigned line = 0;
    const char *reason = "";

    check_int("callback's error",
              parse(text, strlen(text), write_down, &transcript, &line, &reason), -EDOM);
    check_text("callback's error", transcript.text, "A|K|1|2;A|L|2|3;");
    check_unsigned("callback's error", line, 3);
    check_true("syntax is not to blame", reason == NULL);
}

static int check_item(const struct config_item *item, void *userdata)
{
    unsigned lines = *(const unsigned *)userdata;
    size_t value_len = strlen(item->value), key_len = strlen(item->key);

    check_true("key", key_len > 0 && !strchr(" \t\n", item->key[0]));
    check_true("key", !strchr(" \t\n", item->key[key_len - 1]) && !strpbrk(item->key, "=\n"));
    check_true("section", item->section != NULL);
    check_true("value", value_len == 0 || !strchr(" \t\n", item->value[0]));
    check_true("value", value_len == 0 || !strchr(" \t\n", item->value[value_len - 1]));
    check_true("line", item->line >= 1 && item->line <= lines);
    return 0;
}

/* Any bytes are either read or refused with a line that exists. */
static void test_random(void **state)
{
    static const char *const pieces[] = { "[A]\n", "[Rule x]\n", "K=v\n", "K=",   "[",    "]",
                                          "=",     "\\\n",       "\\",    "\n",   "\n",   "#c\n",
                                          ";c\n",  " ",          "\t",    "word", "\r\n", "\xff" };

    for (int i = 0; i < 30000; i++) {
        char text[256];
        size_t len = 0;
        unsigned lines = 1, line = 0;
        const char *reason = NULL;
        int r;

        for (uint64_t n = random_below(20); n > 0; n--) {
            const char *piece = pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))];

            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
            if (random_below(200) == 0)
                text[len++] = '\0';
        }
        for (size_t k = 0; k < len; k++)
            lines += text[k] == '\n';
        r = parse(text, len, check_item, &lines, &line, &reason);
        if (r == 0)
            continue;
        check_int("random text", r, -EBADMSG);
        check_true("line of the error", line >= 1 && line <= lines);
        check_true("reason of the error", reason && reason[0]);
    }
}

static int locate(const char *text, unsigned line, size_t offset, unsigned *ret_line,
                  unsigned *ret_column)
{
    _cleanup_(freep) char *copy = exact_copy(text, strlen(text));

    return config_locate(copy, strlen(text), line, offset, ret_line, ret_column);
}

static void test_locate(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        size_t offset;
        unsigned want_line, want_column; /* 0: there is no such place */
    } cases[] = {
        { "[A]\nK=abc\n", 2, 0, 2, 3 },
        { "[A]\nK=abc\n", 2, 2, 2, 5 },
        { "[A]\nK=abc\n", 2, 3, 2, 6 },
        { "[A]\nK=abc\n", 2, 4, 0, 0 },
        { "[A]\nK=abc\n", 1, 0, 0, 0 },
        { "[A]\nK=abc\n", 3, 0, 0, 0 },
        { "[A]\n  K \t=  abc  \n", 2, 1, 2, 10 },
        { "[A]\nK=abc", 2, 2, 2, 5 },
        { "[A]\nK=\n", 2, 0, 2, 3 },
        { "[A]\nK=a=b\n", 2, 2, 2, 5 },
        { "[A]\nK=a\nK=b\n", 3, 0, 3, 3 },
        /* joined lines: "ab cd ef" */
        { "[A]\nK=ab\\\n  cd \\\n# x\n\tef\nL=g\n", 2, 1, 2, 4 },
        { "[A]\nK=ab\\\n  cd \\\n# x\n\tef\nL=g\n", 2, 2, 2, 5 },
        { "[A]\nK=ab\\\n  cd \\\n# x\n\tef\nL=g\n", 2, 3, 3, 3 },
        { "[A]\nK=ab\\\n  cd \\\n# x\n\tef\nL=g\n", 2, 5, 3, 6 },
        { "[A]\nK=ab\\\n  cd \\\n# x\n\tef\nL=g\n", 2, 6, 5, 2 },
        { "[A]\nK=ab\\\n  cd \\\n# x\n\tef\nL=g\n", 2, 8, 5, 4 },
        { "[A]\nK=ab\\\n  cd \\\n# x\n\tef\nL=g\n", 6, 0, 6, 3 },
        { "[A]\nK=\\\n  ab\n", 2, 0, 3, 3 },
        { "[A]\nK\\\n  =ab\n", 2, 1, 3, 5 },
        /* what is wrong elsewhere does not matter */
        { "[A]\nK=ab\njunk\n", 2, 1, 2, 4 },
        { "junk\nK=ab\n", 2, 1, 0, 0 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned line = 0, column = 0;
        int r = locate(cases[i].text, cases[i].line, cases[i].offset, &line, &column);

        check_int(cases[i].text, r, cases[i].want_line ? 0 : -ENOENT);
        check_unsigned(cases[i].text, line, cases[i].want_line);
        check_unsigned(cases[i].text, column, cases[i].want_column);
    }
}

struct located {
    const char *text;
    size_t len;
};

/* Each byte of a value stands where it is said to stand. */
static int check_bytes_of_value(const struct config_item *item, void *userdata)
{
    const struct located *located = userdata;

    for (size_t i = 0; item->value[i]; i++) {
        unsigned line = 0, column = 0;
        const char *at = located->text;

        check_int("a byte of a value",
                  config_locate(located->text, located->len, item->line, i, &line, &column), 0);
        for (unsigned n = 1; n < line; n++) {
            const char *newline = memchr(at, '\n', located->len - (size_t)(at - located->text));

            check_true("there are so many lines", newline != NULL);
            at = newline + 1;
        }
        at += column - 1;
        check_true("it is that byte",
                   at < located->text + located->len &&
                       (*at == item->value[i] || (*at == '\\' && item->value[i] == ' ')));
    }
    return 0;
}

static void test_locate_random(void **state)
{
    static const char *const pieces[] = { "[A]\n", "K=v\n", "K=",   "x", "yz", "\\\n", "\\\n",
                                          "\\",    "\n",    "#c\n", " ", "\t", "=",    "\r\n" };

    for (int i = 0; i < 20000; i++) {
        char text[256];
        struct located located = { text, 0 };
        unsigned line = 0;
        const char *reason = NULL;

        for (uint64_t n = random_below(20); n > 0; n--) {
            const char *piece = pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))];

            memcpy(text + located.len, piece, strlen(piece));
            located.len += strlen(piece);
        }
        (void)config_parse(text, located.len, check_bytes_of_value, &located, &line, &reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_continuation),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_callback_stops),
        cmocka_unit_test_setup(test_random, random_setup),
        cmocka_unit_test(test_locate),
        cmocka_unit_test_setup(test_locate_random, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
