/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lookup requests, against a reader of tcp_table(5) that is as plain as can be. */

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "core/tcp_table.h"
#include "target.h"

static const char hex[] = "0123456789abcdef";

static int hex_digit(uint8_t byte)
{
    const char *at = byte ? strchr(hex, byte >= 'A' && byte <= 'F' ? byte + 32 : byte) : NULL;

    return at ? (int)(at - hex) : -1;
}

/* Unquotes a key. Returns its length; SIZE_MAX if it is wrong, or longer than any address. */
static size_t unquote(const uint8_t *data, size_t len, char ret[static 64])
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (n == 64) {
            FUZZ_REACHED("a key that is too long");
            return SIZE_MAX;
        }
        if (data[i] != '%') {
            ret[n++] = (char)data[i];
            continue;
        }
        if (len - i < 3 || hex_digit(data[i + 1]) < 0 || hex_digit(data[i + 2]) < 0) {
            FUZZ_REACHED("a wrong %XX");
            return SIZE_MAX;
        }
        ret[n++] = (char)(hex_digit(data[i + 1]) << 4 | hex_digit(data[i + 2]));
        i += 2;
        FUZZ_REACHED("a right %XX");
    }
    return n;
}

/* Whether the key is an address, and which: 16 bytes, IPv4 behind ::ffff:0:0/96. */
static int read_key(const char *key, size_t len, uint8_t ret[static 16])
{
    char text[65] = "";
    uint8_t *ipv4 = ret + 12;
    char *p = text;

    memcpy(text, key, len);
    if (strlen(text) != len)
        return 0;
    if (len > 2 && p[0] == '[' && p[len - 1] == ']') {
        p[len - 1] = '\0';
        p++;
        FUZZ_REACHED("brackets");
    }
    if (strncasecmp(p, "IPv6:", 5) == 0 && strchr(p + 5, ':')) {
        p += 5;
        FUZZ_REACHED("IPv6:");
    }
    if (inet_pton(AF_INET6, p, ret) == 1)
        return 6;
    memset(ret, 0, 16);
    ret[10] = ret[11] = 0xff;
    return inet_pton(AF_INET, p, ipv4) == 1 ? 4 : 0;
}

/* However it is quoted, it is the same request. */
static void check_spellings(const struct addr *addr)
{
    char text[ADDR_TEXT_MAX], quoted[4 + 3 * ADDR_TEXT_MAX], plain[4 + ADDR_TEXT_MAX];
    size_t len = addr_format(addr, text), n = 4;
    struct addr again;

    memcpy(plain, "get ", 4);
    memcpy(plain + 4, text, len);
    memcpy(quoted, "get ", 4);
    for (size_t i = 0; i < len; i++) {
        quoted[n++] = '%';
        quoted[n++] = hex[(uint8_t)text[i] >> 4];
        quoted[n++] = hex[(uint8_t)text[i] & 15];
    }
    FUZZ_CHECK(tcp_table_parse(plain, 4 + len, &again) == TCP_TABLE_ADDRESS);
    FUZZ_CHECK(memcmp(&again, addr, sizeof(again)) == 0);
    FUZZ_CHECK(tcp_table_parse(quoted, n, &again) == TCP_TABLE_ADDRESS);
    FUZZ_CHECK(memcmp(&again, addr, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct addr addr;
    enum tcp_table_request got = tcp_table_parse((const char *)data, len, &addr);
    uint8_t want[16];
    char key[64];
    size_t key_len;

    if (len < 4 || memcmp(data, "get ", 4) != 0) {
        FUZZ_REACHED("another verb");
        FUZZ_CHECK(got == TCP_TABLE_BAD);
        return 0;
    }
    key_len = unquote(data + 4, len - 4, key);
    switch (key_len == SIZE_MAX ? 0 : read_key(key, key_len, want)) {
    case 0:
        FUZZ_REACHED("no address");
        FUZZ_CHECK(got == TCP_TABLE_OTHER);
        return 0;
    case 4:
        FUZZ_REACHED("an IPv4 address");
        break;
    default:
        FUZZ_REACHED("an IPv6 address");
        break;
    }
    FUZZ_CHECK(got == TCP_TABLE_ADDRESS);
    FUZZ_CHECK(memcmp(addr.bytes, want, sizeof(want)) == 0);
    check_spellings(&addr);
    return 0;
}

void fuzz_make_seeds(fuzz_seed_func seed)
{
    static const char *const seeds[] = {
        "",
        "get",
        "get ",
        "put 192.0.2.10",
        "GET 192.0.2.10",
        "get 192.0.2.10",
        "get 192.0.2.010",
        "get 192.0.2.10 ",
        "get 192.0.2.10\r",
        "get 192.0.2",
        "get 3221225994",
        "get 2001:db8::10",
        "get 2001:0DB8:0000:0000:0000:0000:0000:0010",
        "get ::ffff:192.0.2.10",
        "get %3a%3Affff:192%2e0.2.10",
        "get [192.0.2.10]",
        "get [2001:db8::10]",
        "get IPv6:2001:db8::10",
        "get [ipV6:::ffff:192.0.2.10]",
        "get IPv6:192.0.2.10",
        "get fe80::1%25eth0",
        "get fe80::1%eth0",
        "get 192.0.2.0/24",
        "get client.example.org",
        "get unknown",
        "get %",
        "get %3",
        "get %3g",
        "get 192.0.2.10%00",
        "get %C3%84",
        "get aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };

    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
        seed(seeds[i], strlen(seeds[i]));
}
