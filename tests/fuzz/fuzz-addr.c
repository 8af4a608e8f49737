/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses, keys and networks as text. The first byte is a prefix length, the rest the text. */

#include <arpa/inet.h>
#include <string.h>

#include "core/addr.h"
#include "core/network.h"
#include "target.h"

static void check_same(const struct addr *a, const struct addr *b)
{
    FUZZ_CHECK(memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0);
    FUZZ_CHECK(addr_compare(a, b) == 0);
}

/* The C library's word on whether it is an address. */
static int is_literal(const uint8_t *data, size_t len)
{
    char text[64];
    uint8_t bytes[16];

    if (len >= sizeof(text) || memchr(data, 0, len))
        return 0;
    memcpy(text, data, len);
    text[len] = '\0';
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* One address has one text. */
static void check_text(const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    size_t len = addr_format(addr, text);
    struct addr again;

    FUZZ_CHECK(len == strlen(text) && len < INET6_ADDRSTRLEN);
    FUZZ_CHECK(addr_parse(text, len, &again) == 0);
    check_same(addr, &again);
    FUZZ_CHECK(addr_is_ipv4(addr) == !strchr(text, ':'));
}

static void check_mask(const struct addr *addr, unsigned bits)
{
    struct addr masked = addr_mask(addr, bits);

    for (unsigned i = 0; i < 128; i++) {
        unsigned bit = 0x80 >> i % 8, want = i < bits ? addr->bytes[i / 8] & bit : 0;

        FUZZ_CHECK((masked.bytes[i / 8] & bit) == want);
    }
}

/* The map's key for it leads back to its group, and to no other. */
static void check_key(const struct addr *addr, unsigned bits)
{
    char key[ADDR_TEXT_MAX], again[ADDR_TEXT_MAX];
    size_t len = addr_format_key(addr, bits, key);
    struct addr group = addr_group(addr, bits), read;

    FUZZ_CHECK(len == strlen(key));
    FUZZ_CHECK(addr_is_ipv4(&group) == addr_is_ipv4(addr));
    FUZZ_CHECK(addr_parse_key(key, len, bits, &read) == 0);
    check_same(&group, &read);
    FUZZ_CHECK(addr_format_key(&read, bits, again) == len && strcmp(key, again) == 0);
    FUZZ_REACHED("a key");
}

static void check_parsed_key(const char *text, size_t len, unsigned bits)
{
    char key[ADDR_TEXT_MAX];
    struct addr addr;

    if (addr_parse_key(text, len, bits, &addr) < 0)
        return;
    FUZZ_REACHED("text that is a key");
    FUZZ_CHECK(addr_format_key(&addr, bits, key) == len && memcmp(key, text, len) == 0);
}

static void check_network(const char *text, size_t len)
{
    struct networks *networks = networks_new();
    const char *slash = memchr(text, '/', len), *entry = NULL;
    char by[64];
    size_t addr_len = slash ? (size_t)(slash - text) : len;
    struct addr addr;
    bool negated = len > 0 && text[0] == '!';

    FUZZ_CHECK(networks != NULL);
    if (networks_add(networks, text, len) == 0) {
        FUZZ_CHECK(networks_count(networks) == 1);
        text += negated;
        addr_len -= negated;
        FUZZ_CHECK(addr_parse_lookup(text, addr_len, &addr) == 0);
        FUZZ_CHECK(networks_contain(networks, &addr, &entry) == !negated);
        if (negated) {
            FUZZ_REACHED("an exception");
        } else {
            FUZZ_REACHED("a network");
            snprintf(by, sizeof(by), "%s", entry);
            networks_clear(networks);
            FUZZ_CHECK(networks_add(networks, by, strlen(by)) == 0);
            FUZZ_CHECK(networks_contain(networks, &addr, NULL));
        }
    }
    networks_free(networks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct addr addr, asked;
    unsigned bits;
    const char *text;

    if (len == 0)
        return 0;
    bits = data[0] % 129;
    text = (const char *)data + 1;
    len--;
    check_network(text, len);
    check_parsed_key(text, len, bits);
    FUZZ_CHECK((addr_parse(text, len, &addr) == 0) == is_literal(data + 1, len));
    if (addr_parse_lookup(text, len, &asked) < 0) {
        FUZZ_REACHED("no address");
        FUZZ_CHECK(addr_parse(text, len, &addr) < 0);
        return 0;
    }
    if (addr_parse(text, len, &addr) == 0)
        check_same(&addr, &asked);
    else
        FUZZ_REACHED("an address in a spelling of mail servers");
    if (addr_is_ipv4(&asked))
        FUZZ_REACHED("IPv4");
    else
        FUZZ_REACHED("IPv6");
    check_text(&asked);
    check_mask(&asked, bits);
    check_key(&asked, bits);
    return 0;
}

void fuzz_make_seeds(fuzz_seed_func seed)
{
    static const char *const seeds[] = {
        "\x80"
        "192.0.2.10",
        "\x40"
        "2001:db8:1:2::/64",
        "\x40"
        "2001:db8:1:2:3:4:5:6",
        "\x80"
        "2001:DB8:0:0:0:0:0:10",
        "\x60"
        "::ffff:192.0.2.10",
        "\x30"
        "::ffff:192.0.2.10",
        "\x10"
        "::",
        "\x01"
        "[2001:db8::10]",
        "\x7f"
        "IPv6:2001:db8::10",
        "\x80"
        "[192.0.2.10]",
        "\x80"
        "192.0.2.010",
        "\x80"
        "192.0.2.0/24",
        "\x80"
        "!192.0.2.0/25",
        "\x80"
        "[::1]/128",
        "\x80"
        "2001:db8::/32",
        "\x80"
        "![2001:db8::]/33",
        "\x80"
        "192.0.2.1/24",
        "\x80"
        "fe80::1%eth0",
        "\x80"
        "1.2.3",
        "\x80"
        "0x7f.1",
        "\x80"
        "1:2:3:4:5:6:7:8:9",
        "\x80"
        "0000:0000:0000:0000:0000:ffff:255.255.255.255",
    };

    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
        seed(seeds[i], strlen(seeds[i]));
}
