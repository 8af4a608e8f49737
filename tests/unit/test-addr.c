/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses against inet_pton(3) and inet_ntop(3), and against bits counted one by one. */

#include <arpa/inet.h>
#include <errno.h>

#include "check.h"
#include "core/addr.h"
#include "core/cleanup.h"
#include "exact.h"
#include "random.h"

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static int parse(const char *text, size_t len, struct addr *ret)
{
    _cleanup_(freep) char *copy = exact_copy(text, len);

    return addr_parse(copy, len, ret);
}

static struct addr addr_of(const char *text)
{
    struct addr addr;

    check_int(text, parse(text, strlen(text), &addr), 0);
    return addr;
}

/* What the system's own functions make of the text. */
static bool oracle_parse(const char *text, struct addr *ret)
{
    memcpy(ret->bytes, mapped, sizeof(mapped));
    return inet_pton(AF_INET, text, ret->bytes + 12) == 1 ||
           inet_pton(AF_INET6, text, ret->bytes) == 1;
}

static void oracle_format(const struct addr *addr, char ret[static INET6_ADDRSTRLEN])
{
    if (memcmp(addr->bytes, mapped, sizeof(mapped)) == 0)
        assert_non_null(inet_ntop(AF_INET, addr->bytes + 12, ret, INET6_ADDRSTRLEN));
    else
        assert_non_null(inet_ntop(AF_INET6, addr->bytes, ret, INET6_ADDRSTRLEN));
}

static unsigned bit_of(const struct addr *addr, unsigned i)
{
    return (unsigned)addr->bytes[i / 8] >> (7 - i % 8) & 1U;
}

static struct addr random_addr(void)
{
    struct addr addr;

    random_bytes(addr.bytes, sizeof(addr.bytes));
    switch (random_below(4)) {
    case 0:
        memcpy(addr.bytes, mapped, sizeof(mapped));
        break;
    case 1: /* runs of zeros, which the text abbreviates */
        for (size_t i = 0; i < sizeof(addr.bytes); i += 2)
            if (random_below(2))
                addr.bytes[i] = addr.bytes[i + 1] = 0;
        break;
    case 2: /* the neighbourhood of the mapped ones */
        memset(addr.bytes, 0, 10);
        if (random_below(2))
            addr.bytes[10] = addr.bytes[11] = 0;
        break;
    default:
        break;
    }
    return addr;
}

static void test_canonical(void **state)
{
    static const struct {
        const char *text, *canonical;
        bool ipv4;
    } cases[] = {
        { "192.0.2.10", "192.0.2.10", true },
        { "0.0.0.0", "0.0.0.0", true },
        { "255.255.255.255", "255.255.255.255", true },
        { "::ffff:192.0.2.10", "192.0.2.10", true },
        { "::FFFF:c000:020a", "192.0.2.10", true },
        { "0:0:0:0:0:ffff:192.0.2.10", "192.0.2.10", true },
        { "::192.0.2.10", "::192.0.2.10", false },
        { "::fffe:192.0.2.10", "::fffe:c000:20a", false },
        { "64:ff9b::192.0.2.10", "64:ff9b::c000:20a", false },
        { "::", "::", false },
        { "::1", "::1", false },
        { "2001:db8::10", "2001:db8::10", false },
        { "2001:DB8::10", "2001:db8::10", false },
        { "2001:0db8:0000:0000:0000:0000:0000:0010", "2001:db8::10", false },
        { "2001:db8:0:0:0:0:0:10", "2001:db8::10", false },
        { "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", false },
        { "2001:0:0:1:0:0:0:1", "2001:0:0:1::1", false },
        { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
          false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct addr addr = addr_of(cases[i].text);
        char text[ADDR_TEXT_MAX];
        size_t len = addr_format(&addr, text);

        check_text(cases[i].text, text, cases[i].canonical);
        check_unsigned(cases[i].text, len, strlen(text));
        check_int(cases[i].text, addr_is_ipv4(&addr), cases[i].ipv4);
    }
}

static const char *const not_addresses[] = { "",
                                             " ",
                                             " 192.0.2.10",
                                             "192.0.2.10 ",
                                             "192.0.2.10\n",
                                             "192.0.2",
                                             "192.0.2.",
                                             "192.0.2.10.",
                                             "192.0.2.256",
                                             "192.0.2.010",
                                             "192.0.2.-1",
                                             "192.0.2.10.1",
                                             "0xC000020A",
                                             "0xC0.0.2.10",
                                             "3221225994",
                                             "192.0.2.10/32",
                                             "192.0.2.10:25",
                                             "192.0.2.10 OK",
                                             "192.0.2.10,192.0.2.11",
                                             "unknown",
                                             "client.example.com",
                                             "1.2.3.4.in-addr.arpa",
                                             "2001:db8::/64",
                                             "2001:db8::10%eth0",
                                             "fe80::1%25eth0",
                                             "fe80::1%2",
                                             "2001:db8::10::1",
                                             ":::",
                                             ":",
                                             "1:2:3:4:5:6:7",
                                             "1:2:3:4:5:6:7:8:9",
                                             "2001:db8::12345",
                                             "2001:db8::g",
                                             "::ffff:192.0.2.256",
                                             "::ffff:192.0.2",
                                             "192.0.2.10::",
                                             "\xef\xbc\x91.0.2.10" };

static void test_refused(void **state)
{
    static const char *const only_for_lookup[] = { "[192.0.2.10]", "[2001:db8::10]",
                                                   "IPv6:2001:db8::10",
                                                   "ipv6:2001:db8:0:0:0:0:0:10" };
    const struct addr before = { .bytes = { 1, 2, 3 } };
    struct addr addr = before;

    for (size_t i = 0; i < sizeof(not_addresses) / sizeof(not_addresses[0]); i++) {
        const char *text = not_addresses[i];

        check_int(text, parse(text, strlen(text), &addr), -EINVAL);
        check_bytes(text, &addr, sizeof(addr), &before, sizeof(before));
    }
    for (size_t i = 0; i < sizeof(only_for_lookup) / sizeof(only_for_lookup[0]); i++)
        check_int(only_for_lookup[i], parse(only_for_lookup[i], strlen(only_for_lookup[i]), &addr),
                  -EINVAL);
}

/* The length counts, not a NUL: neither one inside the text nor bytes behind it. */
static void test_length(void **state)
{
    char digits[100000];
    struct addr addr;

    memset(digits, '1', sizeof(digits));
    check_int("NUL at the end", parse("192.0.2.10", 11, &addr), -EINVAL);
    check_int("NUL inside", parse("192.0\0.2.10", 11, &addr), -EINVAL);
    check_int("text after NUL", parse("192.0.2.10\0x", 12, &addr), -EINVAL);
    check_int("shorter than the string", parse("192.0.2.10", 9, &addr), 0);
    check_unsigned("shorter than the string", addr.bytes[15], 1);
    check_int("very long", parse(digits, sizeof(digits), &addr), -EINVAL);
}

static void test_lookup(void **state)
{
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        { "192.0.2.10", "192.0.2.10" },
        { "::ffff:192.0.2.10", "192.0.2.10" },
        { "2001:0db8:0000:0000:0000:0000:0000:0010", "2001:db8::10" },
        { "IPv6:2001:db8::10", "2001:db8::10" },
        { "IPV6:2001:DB8::10", "2001:db8::10" },
        { "ipv6:2001:db8:0:0:0:0:0:10", "2001:db8::10" },
        { "[192.0.2.10]", "192.0.2.10" },
        { "[2001:db8::10]", "2001:db8::10" },
        { "[::ffff:192.0.2.10]", "192.0.2.10" },
    };
    static const char *const refused[] = { "[]",
                                           "[",
                                           "]",
                                           "[192.0.2.10",
                                           "192.0.2.10]",
                                           "[[::1]]",
                                           "[::1]x",
                                           "[::1] ",
                                           "[::1]:25",
                                           "IPv6:",
                                           "IPv6:IPv6:::1",
                                           "IPv6: ::1",
                                           "IPv6::::1",
                                           "IPv6:unknown",
                                           "IPv6:192.0.2.10",
                                           "IPv4:192.0.2.10",
                                           "IPv" };
    struct addr addr;
    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *what = cases[i].text;
        _cleanup_(freep) char *copy = exact_copy(what, strlen(what));

        check_int(what, addr_parse_lookup(copy, strlen(what), &addr), 0);
        addr_format(&addr, text);
        check_text(what, text, cases[i].canonical);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        _cleanup_(freep) char *copy = exact_copy(refused[i], strlen(refused[i]));

        check_int(refused[i], addr_parse_lookup(copy, strlen(refused[i]), &addr), -EINVAL);
    }
    for (size_t i = 0; i < sizeof(not_addresses) / sizeof(not_addresses[0]); i++) {
        const char *what = not_addresses[i];
        _cleanup_(freep) char *copy = exact_copy(what, strlen(what));

        check_int(what, addr_parse_lookup(copy, strlen(what), &addr), -EINVAL);
    }
}

static void test_random_format(void **state)
{
    for (int i = 0; i < 50000; i++) {
        struct addr addr = random_addr(), again;
        char got[ADDR_TEXT_MAX], want[INET6_ADDRSTRLEN];

        oracle_format(&addr, want);
        check_unsigned(want, addr_format(&addr, got), strlen(want));
        check_text(want, got, want);
        check_int(want, parse(got, strlen(got), &again), 0);
        check_bytes(want, &again, sizeof(again), &addr, sizeof(addr));
    }
}

/* Text that is nearly an address, or quite one. */
static void random_text(char ret[static 64])
{
    static const char alphabet[] = "0123456789abcdefABCDEF::::....%/[] xg";
    struct addr addr = random_addr();
    size_t len;

    oracle_format(&addr, ret);
    len = strlen(ret);
    for (uint64_t changes = random_below(4); changes > 0; changes--) {
        size_t at = random_below(len + 1);
        char c = alphabet[random_below(sizeof(alphabet) - 1)];

        if (at == len && len < 60) {
            ret[len++] = c;
            ret[len] = '\0';
        } else if (random_below(2) && at < len) {
            ret[at] = c;
        } else if (at < len) {
            memmove(ret + at, ret + at + 1, len - at);
            len--;
        }
    }
}

static void test_random_parse(void **state)
{
    unsigned valid = 0;

    for (int i = 0; i < 100000; i++) {
        struct addr got, want;
        char text[64];
        bool ok;

        random_text(text);
        ok = oracle_parse(text, &want);
        check_int(text, parse(text, strlen(text), &got), ok ? 0 : -EINVAL);
        if (ok)
            check_bytes(text, &got, sizeof(got), &want, sizeof(want));
        valid += ok;
    }
    check_true("both kinds were there", valid > 10000 && valid < 90000);
}

static void test_random_mask(void **state)
{
    for (int i = 0; i < 300; i++) {
        struct addr addr = random_addr();

        for (unsigned bits = 0; bits <= 128; bits++) {
            struct addr masked = addr_mask(&addr, bits);

            for (unsigned bit = 0; bit < 128; bit++)
                check_unsigned("bit of the masked address", bit_of(&masked, bit),
                               bit < bits ? bit_of(&addr, bit) : 0);
        }
    }
}

static void test_random_key(void **state)
{
    for (int i = 0; i < 50000; i++) {
        struct addr addr = random_addr(), again, group;
        unsigned bits = 1 + (unsigned)random_below(128);
        bool ipv4 = memcmp(addr.bytes, mapped, sizeof(mapped)) == 0;
        struct addr masked = ipv4 ? addr : addr_mask(&addr, bits);
        char got[ADDR_TEXT_MAX], want[ADDR_TEXT_MAX];

        oracle_format(&masked, want);
        if (!ipv4 && bits < 128)
            snprintf(want + strlen(want), 5, "/%u", bits);
        check_unsigned(want, addr_format_key(&addr, bits, got), strlen(want));
        check_text(want, got, want);

        group = addr_group(&addr, bits);
        check_bytes(want, &group, sizeof(group), &masked, sizeof(masked));
        check_int(want, addr_parse_key(got, strlen(got), bits, &again), 0);
        check_bytes(want, &again, sizeof(again), &masked, sizeof(masked));
    }
}

static void test_key_spelling(void **state)
{
    static const struct {
        const char *text;
        unsigned bits;
        int want;
    } cases[] = {
        { "192.0.2.10", 128, 0 },
        { "192.0.2.10", 64, 0 },
        { "2001:db8::10", 128, 0 },
        { "2001:db8:1:2::/64", 64, 0 },
        { "::/1", 1, 0 },
        { "2001:db8::10", 64, -EINVAL },
        { "2001:db8:1:2::", 64, -EINVAL },
        { "2001:db8:1:2::/64", 128, -EINVAL },
        { "2001:db8:1:2::/64", 63, -EINVAL },
        { "2001:db8:1:2::/064", 64, -EINVAL },
        { "2001:db8:1:2::/64 ", 64, -EINVAL },
        { "2001:db8:1:2::/640", 64, -EINVAL },
        { "2001:db8:1:2::/6", 64, -EINVAL },
        { "2001:db8:1:2::/", 64, -EINVAL },
        { "2001:db8:1:2::1/64", 64, -EINVAL },
        { "2001:DB8:1:2::/64", 64, -EINVAL },
        { "2001:db8:1:2:0::/64", 64, -EINVAL },
        { "2001:db8::10/128", 128, -EINVAL },
        { "::ffff:192.0.2.10", 128, -EINVAL },
        { "192.0.2.10/32", 128, -EINVAL },
        { "192.0.2.10/128", 128, -EINVAL },
        { "192.0.2.0/24", 24, -EINVAL },
        { ".format", 128, -EINVAL },
        { ".cursor/local", 128, -EINVAL },
        { "@dovecot/abc", 128, -EINVAL },
        { "", 128, -EINVAL },
        { "/64", 64, -EINVAL },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *text = cases[i].text;
        _cleanup_(freep) char *copy = exact_copy(text, strlen(text));
        struct addr addr;

        check_int(text, addr_parse_key(copy, strlen(text), cases[i].bits, &addr), cases[i].want);
    }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static int naive_compare(const struct addr *a, const struct addr *b)
{
    bool a_ipv4 = memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
    bool b_ipv4 = memcmp(b->bytes, mapped, sizeof(mapped)) == 0;

    if (a_ipv4 != b_ipv4)
        return a_ipv4 ? -1 : 1;
    for (unsigned i = 0; i < 128; i++)
        if (bit_of(a, i) != bit_of(b, i))
            return bit_of(a, i) ? 1 : -1;
    return 0;
}

static void test_compare(void **state)
{
    static const char *const sorted[] = {
        "0.0.0.0", "9.0.0.0",    "10.0.0.0",  "192.0.2.10", "255.255.255.255", "::",    "::1",
        "::2",     "::fffe:0:0", "::1:0:0:0", "2001:db8::", "2001:db8::10",    "ffff::"
    };
    const size_t n = sizeof(sorted) / sizeof(sorted[0]);

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            struct addr a = addr_of(sorted[i]), b = addr_of(sorted[k]);

            check_int(sorted[i], sign(addr_compare(&a, &b)), (i > k) - (i < k));
        }
    for (int i = 0; i < 20000; i++) {
        struct addr a = random_addr(), b = random_below(2) ? random_addr() : a;

        if (random_below(2))
            b.bytes[random_below(16)] ^= (uint8_t)(1U << random_below(8));
        check_int("random", sign(addr_compare(&a, &b)), naive_compare(&a, &b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test_setup(test_random_format, random_setup),
        cmocka_unit_test_setup(test_random_parse, random_setup),
        cmocka_unit_test_setup(test_random_mask, random_setup),
        cmocka_unit_test_setup(test_random_key, random_setup),
        cmocka_unit_test(test_key_spelling),
        cmocka_unit_test_setup(test_compare, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
