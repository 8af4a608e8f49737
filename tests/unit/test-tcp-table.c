/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/limits.h"
#include "core/tcp_table.h"
#include "exact.h"
#include "random.h"

struct request_case {
    const char *name;
    const char *line;
    size_t len; /* 0: strlen(line) */
    enum tcp_table_request want;
    const char *want_addr; /* for TCP_TABLE_ADDRESS */
};

#define ADDRESS(name, line, addr)                                                                  \
    {                                                                                              \
        name, line, 0, TCP_TABLE_ADDRESS, addr                                                     \
    }
#define OTHER(name, line)                                                                          \
    {                                                                                              \
        name, line, 0, TCP_TABLE_OTHER, NULL                                                       \
    }
#define BAD(name, line)                                                                            \
    {                                                                                              \
        name, line, 0, TCP_TABLE_BAD, NULL                                                         \
    }
#define BYTES(name, literal, want)                                                                 \
    {                                                                                              \
        name, literal, sizeof(literal) - 1, want, NULL                                             \
    }

static const struct request_case request_cases[] = {
    ADDRESS("IPv4", "get 192.0.2.10", "192.0.2.10"),
    ADDRESS("IPv4-mapped, dotted", "get ::ffff:192.0.2.10", "192.0.2.10"),
    ADDRESS("IPv4-mapped, hexadecimal", "get ::FFFF:c000:020a", "192.0.2.10"),
    ADDRESS("IPv6", "get 2001:db8::10", "2001:db8::10"),
    ADDRESS("IPv6, capitals", "get 2001:DB8::10", "2001:db8::10"),
    ADDRESS("IPv6, in full", "get 2001:0db8:0000:0000:0000:0000:0000:0010", "2001:db8::10"),
    ADDRESS("IPv6, tagged", "get IPv6:2001:db8::10", "2001:db8::10"),
    ADDRESS("IPv6, tagged by Sendmail", "get ipv6:2001:db8:0:0:0:0:0:10", "2001:db8::10"),
    ADDRESS("IPv4, bracketed", "get [192.0.2.10]", "192.0.2.10"),
    ADDRESS("IPv6, bracketed", "get [2001:db8::10]", "2001:db8::10"),
    ADDRESS("quoted digit", "get %3192.0.2.10", "192.0.2.10"),
    ADDRESS("quoted throughout", "get %31%39%32%2E%30%2e%32%2E%31%30", "192.0.2.10"),
    ADDRESS("quoted colons", "get 2001%3adb8%3A%3A10", "2001:db8::10"),
    ADDRESS("the longest literal", "get [IPv6:2001:0db8:0000:0000:0000:0000:255.255.255.255]",
            "2001:db8::ffff:ffff"),

    OTHER("unknown client", "get unknown"),
    OTHER("host name", "get client.example.com"),
    OTHER("empty key", "get "),
    OTHER("inet_aton: three parts", "get 192.0.2"),
    OTHER("dot at the end", "get 192.0.2.10."),
    OTHER("inet_aton: octal", "get 192.0.2.010"),
    OTHER("inet_aton: hexadecimal", "get 0xC000020A"),
    OTHER("inet_aton: one number", "get 3221225994"),
    OTHER("IPv4 prefix", "get 192.0.2.10/32"),
    OTHER("IPv6 prefix", "get 2001:db8::/64"),
    OTHER("answer behind the key", "get 192.0.2.10 OK"),
    OTHER("zone, quoted", "get fe80::1%25eth0"),
    OTHER("zone, raw", "get fe80::1%eth0"),
    OTHER("two blanks", "get  192.0.2.10"),
    OTHER("tab before the key", "get \t192.0.2.10"),
    OTHER("blank at the end", "get 192.0.2.10 "),
    OTHER("quoted blank at the end", "get 192.0.2.10%20"),
    OTHER("CR at the end, as from telnet", "get 192.0.2.10\r"),
    OTHER("quoted CR at the end", "get 192.0.2.10%0D"),
    OTHER("quoted LF at the end", "get 192.0.2.10%0A"),
    OTHER("quoted NUL at the end", "get 192.0.2.10%00"),
    OTHER("quoted NUL in the middle", "get 192.0.2.10%00.example.com"),
    BYTES("NUL at the end", "get 192.0.2.10\0", TCP_TABLE_OTHER),
    BYTES("NUL in the middle",
          "get 192.0.2.1\0"
          "0",
          TCP_TABLE_OTHER),
    BYTES("NUL alone", "get \0", TCP_TABLE_OTHER),
    OTHER("bytes beyond ASCII", "get \xc3\x84"),
    OTHER("quoted bytes beyond ASCII", "get %C3%84%C3%96"),
    OTHER("one octet too large", "get 192.0.2.256"),
    OTHER("port", "get 192.0.2.10:25"),
    OTHER("bracketed with port", "get [192.0.2.10]:25"),
    OTHER("bracket not closed", "get [192.0.2.10"),
    OTHER("bad hex: none", "get 192.0.2.10%"),
    OTHER("bad hex: one digit", "get 192.0.2.1%3"),
    OTHER("bad hex: second digit", "get 192.0.2.1%3g"),
    OTHER("bad hex: first digit", "get 192.0.2.1%g0"),
    OTHER("bad hex: sign", "get 192.0.2.1%+3"),
    OTHER("bad hex: blank", "get 192.0.2.1% 30"),
    OTHER("percent sign quoted twice", "get %2531%2539%2532.0.2.10"),

    BAD("empty line", ""),
    BAD("no key", "get"),
    BAD("tab for blank", "get\t192.0.2.10"),
    BAD("capitals", "GET 192.0.2.10"),
    BAD("blank in front", " get 192.0.2.10"),
    BAD("quoted verb", "%67et 192.0.2.10"),
    BAD("another verb", "put 192.0.2.10 OK"),
    BAD("longer verb", "gets 192.0.2.10"),
    BAD("address alone", "192.0.2.10"),
    BAD("netstring of socketmap", "14:pbs 192.0.2.10,"),
    BAD("policy attribute", "request=smtpd_access_policy"),
    BAD("HTTP", "POST / HTTP/1.1\r"),
    BAD("CR alone", "\r"),
    BYTES("NUL before the verb", "\0get 192.0.2.10", TCP_TABLE_BAD),
};

/* Parses a copy that ends where the line ends, so that a sanitiser sees a read beyond it. */
static enum tcp_table_request parse(const char *line, size_t len, struct addr *ret)
{
    _cleanup_(freep) char *copy = exact_copy(line, len);

    return tcp_table_parse(copy, len, ret);
}

static void test_requests(void **state)
{
    for (size_t i = 0; i < sizeof(request_cases) / sizeof(*request_cases); i++) {
        const struct request_case *c = &request_cases[i];
        struct addr got_addr, untouched;
        memset(&got_addr, 0xa5, sizeof(got_addr));
        untouched = got_addr;

        enum tcp_table_request got =
            parse(c->line, c->len > 0 ? c->len : strlen(c->line), &got_addr);
        if (got != c->want)
            fail_msg("%s: got %d, want %d", c->name, got, c->want);

        struct addr want_addr = untouched;
        if (c->want_addr)
            assert_int_equal(addr_parse(c->want_addr, strlen(c->want_addr), &want_addr), 0);
        if (memcmp(&got_addr, &want_addr, sizeof(want_addr)) != 0)
            fail_msg("%s: wrong address", c->name);
    }
}

/* Every byte, raw and quoted, in place of one digit: only digits leave an address, and always the
 * one with that digit. */
static void test_each_byte(void **state)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char raw[] = "get 192.0.2.1x", quoted[32];
        raw[sizeof(raw) - 2] = (char)byte;
        int quoted_len = snprintf(quoted, sizeof(quoted), "get 192.0.2.1%%%02X", byte);

        bool digit = byte >= '0' && byte <= '9';
        enum tcp_table_request want = digit ? TCP_TABLE_ADDRESS : TCP_TABLE_OTHER;
        struct addr addr;
        /* A raw "%" is bad hex here, since nothing follows it. */
        if (parse(raw, sizeof(raw) - 1, &addr) != want)
            fail_msg("raw byte 0x%02x: want %d", byte, want);
        if (digit)
            assert_int_equal(addr.bytes[15], 10 + byte - '0');
        if (parse(quoted, (size_t)quoted_len, &addr) != want)
            fail_msg("quoted byte 0x%02x: want %d", byte, want);
        if (digit)
            assert_int_equal(addr.bytes[15], 10 + byte - '0');
    }
}

static void test_long_keys(void **state)
{
    static char line[4 * REQUEST_MAX];
    struct addr addr;

    for (size_t len = 0; len < sizeof(line) - 4; len = len < 200 ? len + 1 : len + 97) {
        memcpy(line, "get ", 4);
        memset(line + 4, '1', len);
        assert_int_equal(parse(line, 4 + len, &addr), TCP_TABLE_OTHER);

        /* An address in front does not count for what follows. */
        memset(line + 4, ' ', len);
        memcpy(line + 4, "192.0.2.10", len < 10 ? len : 10);
        if (len != 9 && len != 10) /* "192.0.2.1" and "192.0.2.10" are whole */
            assert_int_equal(parse(line, 4 + len, &addr), TCP_TABLE_OTHER);
    }
}

/* Writes a byte as it is, or quoted with digits of either case; returns the length. */
static size_t quote_at_random(char byte, char ret[static 4])
{
    switch (random_below(4)) {
    case 0:
        return (size_t)sprintf(ret, "%%%02x", (unsigned char)byte);
    case 1:
        return (size_t)sprintf(ret, "%%%02X", (unsigned char)byte);
    default:
        ret[0] = byte;
        return 1;
    }
}

/* Random addresses come back as they were, whichever of their text's bytes are quoted. */
static void test_random_quoting(void **state)
{
    for (int round = 0; round < 20000; round++) {
        struct addr want, got;
        char text[ADDR_TEXT_MAX], line[4 + 3 * ADDR_TEXT_MAX] = "get ";
        size_t len = 4;

        random_bytes(want.bytes, sizeof(want.bytes));
        memset(want.bytes, 0, random_below(sizeof(want.bytes))); /* for short texts, too */
        size_t text_len = addr_format(&want, text);
        for (size_t i = 0; i < text_len; i++)
            len += quote_at_random(text[i], line + len);
        if (parse(line, len, &got) != TCP_TABLE_ADDRESS || addr_compare(&got, &want) != 0)
            fail_msg("%s as \"%.*s\": wrong", text, (int)len, line);
    }
}

/* Random bytes, mostly from those that mean something: whatever they are, the answer is one of
 * three, and a line is "bad" exactly if it does not begin with the verb. */
static void test_random_lines(void **state)
{
    static const char alphabet[] = "get %%%0123456789abcdefABCDEF::..[]IPv6/\r\n\t\xff";

    for (int round = 0; round < 100000; round++) {
        char line[96];
        size_t len = random_below(sizeof(line));
        for (size_t i = 0; i < len; i++)
            line[i] = alphabet[random_below(sizeof(alphabet))]; /* its NUL included */
        if (len >= 4 && random_below(2) == 0)
            memcpy(line, "get ", 4);

        struct addr addr;
        enum tcp_table_request got = parse(line, len, &addr);
        bool verb = len >= 4 && memcmp(line, "get ", 4) == 0;
        assert_int_equal(got == TCP_TABLE_BAD, !verb);
        assert_in_range(got, TCP_TABLE_ADDRESS, TCP_TABLE_BAD);
    }
}

/* What Postfix's client demands of a reply; see the comments in tcp_table.c. */
static void test_replies(void **state)
{
    static const struct {
        enum tcp_table_reply reply;
        const char *want;
    } cases[] = {
        { TCP_TABLE_FOUND, "200 OK\n" },
        { TCP_TABLE_NOT_FOUND, "500 not found\n" },
        { TCP_TABLE_UNAVAILABLE, "400 map is not available\n" },
        { TCP_TABLE_REFUSED, "400 not a request\n" },
        { TCP_TABLE_TOO_LONG, "400 request too long\n" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *got = tcp_table_reply(cases[i].reply);
        assert_string_equal(got, cases[i].want);

        size_t len = strlen(got);
        assert_in_range(len, 6, TCP_TABLE_REPLY_MAX);
        assert_int_equal(got[3], ' ');
        assert_int_equal(got[len - 1], '\n');
        for (size_t k = 4; k < len - 1; k++)
            assert_true(got[k] >= ' ' && got[k] <= '~' && got[k] != '%');
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_each_byte),
        cmocka_unit_test(test_long_keys),
        cmocka_unit_test_setup(test_random_quoting, random_setup),
        cmocka_unit_test_setup(test_random_lines, random_setup),
        cmocka_unit_test(test_replies),
    };

    return cmocka_run_group_tests_name("tcp_table", tests, NULL, NULL);
}
