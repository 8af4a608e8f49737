/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a stranger chose becomes safe to show. Validity is checked by a decoder of our own. */

#include "check.h"
#include "core/cleanup.h"
#include "core/text.h"
#include "exact.h"
#include "random.h"

static size_t sanitise(const void *data, size_t len, char *ret, size_t size)
{
    _cleanup_(freep) char *copy = exact_copy(data, len);
    _cleanup_(freep) char *out = exact_copy(ret, size);
    size_t n = text_sanitise(copy, len, out, size);

    check_true("the NUL fits", n < size);
    memcpy(ret, out, n + 1);
    return n;
}

static void test_cases(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "", "" },
        { "alice@example.org", "alice@example.org" },
        { "two words", "two words" },
        { " two words ", "?two words?" },
        { " ", "?" },
        { "  ", "??" },
        { "a\tb\nc\rd", "a?b?c?d" },
        { "\x01\x1b[31mred\x1b[0m\x7f", "??[31mred?[0m?" },
        { "j\xc3\xb6s \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x93\xa7",
          "j\xc3\xb6s \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x93\xa7" },
        { "j\xf6s", "j?s" },                        /* Latin-1 */
        { "\xc0\xaf", "??" },                       /* overlong */
        { "\xe0\x80\xaf", "???" },                  /* overlong */
        { "\xf0\x80\x80\xaf", "????" },             /* overlong */
        { "\xed\xa0\x80", "???" },                  /* surrogate */
        { "\xf4\x90\x80\x80", "????" },             /* behind U+10FFFF */
        { "\xf8\x88\x80\x80\x80", "?????" },        /* five bytes */
        { "\xc3", "?" },                            /* broken off */
        { "\xe6\x97", "??" },                       /* broken off */
        { "\xe6\x97x", "??x" },                     /* broken off */
        { "\x80\xbf", "??" },                       /* continuation of nothing */
        { "a\xc2\x85x", "a?x" },                    /* U+0085, a line end in C1 */
        { "a\xc2\x9bx", "a?x" },                    /* U+009B, CSI of terminals */
        { "a\xe2\x80\xa8x", "a?x" },                /* U+2028 line separator */
        { "a\xe2\x80\xa9x", "a?x" },                /* U+2029 paragraph separator */
        { "a\xe2\x80\xaex", "a?x" },                /* U+202E right-to-left override */
        { "a\xe2\x80\xaax", "a?x" },                /* U+202A */
        { "a\xe2\x81\xa6x", "a?x" },                /* U+2066 isolate */
        { "a\xe2\x81\xa9x", "a?x" },                /* U+2069 */
        { "a\xe2\x80\x8fx", "a?x" },                /* U+200F right-to-left mark */
        { "a\xe2\x80\x8ex", "a?x" },                /* U+200E left-to-right mark */
        { "a\xd8\x9cx", "a?x" },                    /* U+061C Arabic letter mark */
        { "\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd" }, /* U+10FFFD */
        { "eve>, method=PLAIN, rip=6.6.6.6", "eve>, method=PLAIN, rip=6.6.6.6" },
        { "%s%n\\\"'", "%s%n\\\"'" },
    };
    char out[256];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(out, 'x', sizeof(out));
        check_unsigned(cases[i].in, sanitise(cases[i].in, strlen(cases[i].in), out, sizeof(out)),
                       strlen(cases[i].out));
        check_text(cases[i].in, out, cases[i].out);
    }
    check_unsigned("NUL", sanitise("a\0b", 3, out, sizeof(out)), 3);
    check_text("NUL", out, "a?b");
}

static void test_cut(void **state)
{
    static const struct {
        const char *in;
        size_t size;
        const char *out;
    } cases[] = {
        { "abcdef", 1, "" },
        { "abcdef", 2, "a" },
        { "abcdef", 7, "abcdef" },
        { "abcdef", 6, "abcde" },
        { "a\xc3\xb6\xc3\xb6", 5, "a\xc3\xb6" },
        { "a\xc3\xb6\xc3\xb6", 6, "a\xc3\xb6\xc3\xb6" },
        { "\xf0\x9f\x93\xa7", 4, "" },
        { "ab cd", 4, "ab?" },
        { "ab  cd", 5, "ab ?" },
    };
    char out[16];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(out, 'x', sizeof(out));
        sanitise(cases[i].in, strlen(cases[i].in), out, cases[i].size);
        check_text(cases[i].in, out, cases[i].out);
    }
}

/* The next character by the definition in RFC 3629; 0 if the bytes are not one. */
static size_t decode(const unsigned char *text, uint32_t *ret)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = text[0] < 0x80   ? 1
                 : text[0] < 0xc0 ? 0
                 : text[0] < 0xe0 ? 2
                 : text[0] < 0xf0 ? 3
                                  : 4;
    uint32_t c = len == 1 ? text[0] : text[0] & (0x7fU >> len);

    if (len == 0 || text[0] >= 0xf8)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (text[i] & 0x3f);
    }
    if (c < smallest[len] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
        return 0;
    *ret = c;
    return len;
}

static bool is_harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void check_safe(const char *text, size_t len)
{
    check_unsigned("length", strlen(text), len);
    if (len > 0)
        check_true("no blank at the ends", text[0] != ' ' && text[len - 1] != ' ');
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t n = decode((const unsigned char *)text + i, &c);

        check_true("valid UTF-8", n > 0);
        check_true("harmless", !is_harmful(c));
        i += n;
    }
}

/* Characters, and bytes that belong to none. */
static size_t count(const unsigned char *text, size_t len)
{
    size_t units = 0;

    for (size_t i = 0, n; i < len; i += n ? n : 1, units++) {
        unsigned char rest[4] = { 0 };
        uint32_t c;

        memcpy(rest, text + i, len - i < sizeof(rest) ? len - i : sizeof(rest));
        n = decode(rest, &c);
    }
    return units;
}

static size_t random_input(unsigned char ret[static 512])
{
    static const char *const pieces[] = { "a",
                                          "b",
                                          " ",
                                          "?",
                                          "\xc3\xb6",
                                          "\xe6\x97\xa5",
                                          "\xf0\x9f\x93\xa7",
                                          "\xe2\x80\xae",
                                          "\xc2\x9b",
                                          "\xed\xa0\x80",
                                          "\xe2\x80",
                                          "\xf0\x9f",
                                          "\x7f",
                                          "\n" };
    size_t len = 0, want = random_below(400);

    while (len < want) {
        const char *piece = pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))];

        if (random_below(3) == 0) {
            random_bytes(ret + len++, 1);
        } else {
            memcpy(ret + len, piece, strlen(piece));
            len += strlen(piece);
        }
    }
    return len;
}

static void test_random(void **state)
{
    for (int i = 0; i < 20000; i++) {
        unsigned char in[512];
        char out[512] = "", again[512] = "";
        size_t len = random_input(in), size = 1 + random_below(sizeof(out)), n;

        n = sanitise(in, len, out, size);
        check_safe(out, n);
        check_true("never longer", n <= len);
        if (len < size)
            check_unsigned("one for one", count((unsigned char *)out, n), count(in, len));
        else if (count((unsigned char *)out, n) < count(in, len))
            check_true("cut no more than one character short", n + 4 > size - 1);
        check_unsigned("idempotent", sanitise(out, n, again, size), n);
        check_text("idempotent", again, out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_cut),
        cmocka_unit_test_setup(test_random, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
