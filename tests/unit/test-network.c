/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of networks against a linear search over single bits. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/addr.h"
#include "core/cleanup.h"
#include "core/limits.h"
#include "core/network.h"
#include "exact.h"
#include "random.h"

static struct addr addr_of(const char *text)
{
    struct addr addr;

    check_int(text, addr_parse(text, strlen(text), &addr), 0);
    return addr;
}

static int add(struct networks *networks, const char *text)
{
    _cleanup_(freep) char *copy = exact_copy(text, strlen(text));

    return networks_add(networks, copy, strlen(text));
}

static bool contains(const struct networks *networks, const char *text)
{
    struct addr addr = addr_of(text);

    return networks_contain(networks, &addr, NULL);
}

static void test_syntax(void **state)
{
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        { "192.0.2.0/24", 0 },
        { "192.0.2.10", 0 },
        { "192.0.2.10/32", 0 },
        { "0.0.0.0/0", 0 },
        { "128.0.0.0/1", 0 },
        { "2001:db8::/32", 0 },
        { "2001:db8::10", 0 },
        { "2001:db8::10/128", 0 },
        { "[::1]/128", 0 },
        { "[2001:db8::]/32", 0 },
        { "::/0", 0 },
        { "!192.0.2.0/24", 0 },
        { "!192.0.2.10", 0 },
        { "!2001:db8::/32", 0 },
        { "![::1]/128", 0 },
        { "", -EINVAL },
        { "!", -EINVAL },
        { "/", -EINVAL },
        { "/24", -EINVAL },
        { "192.0.2.0/", -EINVAL },
        { "192.0.2.0/33", -EINVAL },
        { "192.0.2.0/-1", -EINVAL },
        { "192.0.2.0/+24", -EINVAL },
        { "192.0.2.0/ 24", -EINVAL },
        { "192.0.2.0/24 ", -EINVAL },
        { " 192.0.2.0/24", -EINVAL },
        { "192.0.2.0/0x18", -EINVAL },
        { "192.0.2.0/4294967320", -EINVAL },
        { "192.0.2.0/18446744073709551640", -EINVAL },
        { "192.0.2.0/24/24", -EINVAL },
        { "192.0.2.0/255.255.255.0", -EINVAL },
        { "192.0.2/24", -EINVAL },
        { "192.0.2.*", -EINVAL },
        { "192.0.2.1/24", -EINVAL }, /* bits beyond the prefix */
        { "192.0.2.128/24", -EINVAL },
        { "2001:db8::1/32", -EINVAL },
        { "2001:db8::/129", -EINVAL },
        { "2001:db8::/28", -EINVAL },
        { "[::1/128]", -EINVAL },
        { "[::1/128", -EINVAL },
        { "::1]/128", -EINVAL },
        { "fe80::1%eth0", -EINVAL },
        { "localhost", -EINVAL },
        { "postconf", -EINVAL },
        { "192.0.2.0/24,198.51.100.0/24", -EINVAL },
        { "192.0.2.0/24 198.51.100.0/24", -EINVAL },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(networks_freep) struct networks *networks = networks_new();

        check_int(cases[i].text, add(networks, cases[i].text), cases[i].want);
        check_unsigned(cases[i].text, networks_count(networks), cases[i].want == 0);
    }
}

static void test_first_decides(void **state)
{
    _cleanup_(networks_freep) struct networks *networks = networks_new();
    struct addr inside = addr_of("192.0.2.10"), out = addr_of("198.51.100.1");
    const char *text = NULL;

    check_true("empty list", !contains(networks, "192.0.2.10"));
    check_int("add", add(networks, "!192.0.2.128/25"), 0);
    check_int("add", add(networks, "192.0.2.0/24"), 0);
    check_int("add", add(networks, "192.0.0.0/16"), 0);
    check_int("add", add(networks, "2001:db8::/32"), 0);
    check_int("add", add(networks, "!2001:db8:1::/48"), 0); /* too late */
    check_unsigned("count", networks_count(networks), 5);

    check_true("192.0.2.127", contains(networks, "192.0.2.127"));
    check_true("192.0.2.128", !contains(networks, "192.0.2.128"));
    check_true("192.0.3.1", contains(networks, "192.0.3.1"));
    check_true("::ffff:192.0.2.1", contains(networks, "::ffff:192.0.2.1"));
    check_true("192.1.0.0", !contains(networks, "192.1.0.0"));
    check_true("2001:db8:1::1", contains(networks, "2001:db8:1::1"));
    check_true("2001:db9::", !contains(networks, "2001:db9::"));

    check_true("text", networks_contain(networks, &inside, &text));
    check_text("text", text, "192.0.2.0/24");
    check_true("not in the list", !networks_contain(networks, &out, &text));
}

/* IPv4 and IPv6 are two worlds in Postfix, and in everybody's mind. */
static void test_families_are_apart(void **state)
{
    static const char *const ipv6_only[] = { "::/0", "::/8", "::/64", "::/80" };

    for (size_t i = 0; i < sizeof(ipv6_only) / sizeof(ipv6_only[0]); i++) {
        _cleanup_(networks_freep) struct networks *networks = networks_new();

        check_int(ipv6_only[i], add(networks, ipv6_only[i]), 0);
        check_true(ipv6_only[i], contains(networks, "::1"));
        check_true(ipv6_only[i], !contains(networks, "192.0.2.10"));
        check_true(ipv6_only[i], !contains(networks, "0.0.0.0"));
    }

    _cleanup_(networks_freep) struct networks *all_ipv4 = networks_new();

    check_int("0.0.0.0/0", add(all_ipv4, "0.0.0.0/0"), 0);
    check_true("0.0.0.0/0", contains(all_ipv4, "255.255.255.255"));
    check_true("0.0.0.0/0", !contains(all_ipv4, "::"));
    check_true("0.0.0.0/0", !contains(all_ipv4, "::192.0.2.10"));
    check_true("0.0.0.0/0", !contains(all_ipv4, "ffff::"));
}

static void test_too_many(void **state)
{
    _cleanup_(networks_freep) struct networks *networks = networks_new();
    char text[ADDR_TEXT_MAX] = "";

    for (unsigned i = 0; i < NETWORKS_MAX; i++) {
        snprintf(text, sizeof(text), "2001:db8::%x:%x", i >> 16, i & 0xffff);
        assert_int_equal(add(networks, text), 0);
    }
    check_unsigned("count", networks_count(networks), NETWORKS_MAX);
    check_int("one too many", add(networks, "192.0.2.10"), -E2BIG);
    check_unsigned("count", networks_count(networks), NETWORKS_MAX);
    check_true("the last one", contains(networks, text));
    networks_clear(networks);
    check_unsigned("cleared", networks_count(networks), 0);
    check_true("cleared", !contains(networks, text));
    check_int("room again", add(networks, "192.0.2.10"), 0);
    check_true("room again", contains(networks, "192.0.2.10"));
}

/* --- the naive model --- */

struct naive {
    struct addr addr;
    unsigned bits;
    bool ipv4, except;
    char text[ADDR_TEXT_MAX + 2];
};

static unsigned bit_of(const struct addr *addr, unsigned i)
{
    return (unsigned)addr->bytes[i / 8] >> (7 - i % 8) & 1U;
}

static void flip(struct addr *addr, unsigned i)
{
    addr->bytes[i / 8] ^= (uint8_t)(1U << (7 - i % 8));
}

static bool naive_holds(const struct naive *naive, const struct addr *addr)
{
    if (addr_is_ipv4(addr) != naive->ipv4)
        return false;
    for (unsigned i = 0; i < naive->bits; i++)
        if (bit_of(&naive->addr, i) != bit_of(addr, i))
            return false;
    return true;
}

static const struct naive *naive_find(const struct naive *list, size_t n, const struct addr *addr)
{
    for (size_t i = 0; i < n; i++)
        if (naive_holds(&list[i], addr))
            return list[i].except ? NULL : &list[i];
    return NULL;
}

/* A network near `centre`, so that those of one list nest and overlap. */
static struct naive random_network(const struct addr *centre)
{
    bool ipv4 = addr_is_ipv4(centre);
    unsigned bits = ipv4 ? 96 + (unsigned)random_below(33) : (unsigned)random_below(129);
    struct naive naive = {
        .addr = *centre, .bits = bits, .ipv4 = ipv4, .except = random_below(3) == 0
    };
    unsigned first = ipv4 ? 96 : 0;

    if (bits > first && random_below(3) == 0)
        flip(&naive.addr, first + (unsigned)random_below(bits - first));
    for (unsigned i = bits; i < 128; i++)
        if (bit_of(&naive.addr, i))
            flip(&naive.addr, i);
    return naive;
}

static void add_as_text(struct networks *networks, struct naive *naive)
{
    char text[INET6_ADDRSTRLEN];
    unsigned bits = naive->ipv4 ? naive->bits - 96 : naive->bits;

    assert_non_null(inet_ntop(naive->ipv4 ? AF_INET : AF_INET6,
                              naive->addr.bytes + (naive->ipv4 ? 12 : 0), text, sizeof(text)));
    snprintf(naive->text, sizeof(naive->text), "%s%s/%u", naive->except ? "!" : "", text, bits);
    check_int(naive->text, add(networks, naive->text), 0);
}

/* Postfix's rule, in its simplest form, must hold for the network's last bit inside and the first
 * one outside in particular. */
static void probe(const struct networks *networks, const struct naive *list, size_t n)
{
    const struct naive *base = &list[random_below(n)];
    struct addr addr = base->addr;
    unsigned first = base->ipv4 ? 96 : 0;
    const struct naive *want;
    const char *text = NULL;
    bool got;

    for (unsigned i = base->bits; i < 128; i++)
        if (random_below(2))
            flip(&addr, i);
    switch (random_below(3)) {
    case 0:
        if (base->bits > first)
            flip(&addr, base->bits - 1);
        break;
    case 1:
        flip(&addr, first + (unsigned)random_below(128 - first));
        break;
    default:
        break;
    }
    want = naive_find(list, n, &addr);
    got = networks_contain(networks, &addr, &text);
    check_int(base->text, got, want != NULL);
    if (want && strchr(want->text, '/'))
        check_text("the entry that decided", text, want->text);
}

static void test_random(void **state)
{
    for (int round = 0; round < 1000; round++) {
        _cleanup_(networks_freep) struct networks *networks = networks_new();
        struct naive list[12];
        size_t n = 1 + random_below(12);
        struct addr ipv6, ipv4 = addr_of("0.0.0.0");

        random_bytes(&ipv6, sizeof(ipv6));
        random_bytes(ipv4.bytes + 12, 4);
        for (size_t i = 0; i < n; i++) {
            list[i] = random_network(random_below(2) ? &ipv4 : &ipv6);
            add_as_text(networks, &list[i]);
        }
        check_unsigned("count", networks_count(networks), n);
        for (int i = 0; i < 100; i++)
            probe(networks, list, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_first_decides),
        cmocka_unit_test(test_families_are_apart),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test_setup(test_random, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
