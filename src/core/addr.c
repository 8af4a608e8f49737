/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses: one binary form, one canonical text. Everything that compares or stores an address
 * goes through here, so that "::ffff:192.0.2.10" and "192.0.2.10" can never be two clients. */

#include "addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static struct addr addr_from_ipv4(const uint8_t ipv4[static 4])
{
    struct addr addr;

    memcpy(addr.bytes, mapped_prefix, sizeof(mapped_prefix));
    memcpy(addr.bytes + sizeof(mapped_prefix), ipv4, 4);
    return addr;
}

int addr_parse(const char *text, size_t len, struct addr *ret)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t ipv4[4];
    struct addr addr;

    /* A NUL inside would hide what follows it from inet_pton(). */
    if (len >= sizeof(copy) || memchr(text, 0, len))
        return -EINVAL;
    memcpy(copy, text, len);
    copy[len] = 0;

    if (inet_pton(AF_INET, copy, ipv4) == 1)
        addr = addr_from_ipv4(ipv4);
    else if (inet_pton(AF_INET6, copy, addr.bytes) != 1)
        return -EINVAL;
    *ret = addr;
    return 0;
}

int addr_parse_lookup(const char *text, size_t len, struct addr *ret)
{
    static const char tag[] = "IPv6:";

    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len > sizeof(tag) - 1 && strncasecmp(text, tag, sizeof(tag) - 1) == 0) {
        text += sizeof(tag) - 1;
        len -= sizeof(tag) - 1;
        if (!memchr(text, ':', len))
            return -EINVAL;
    }
    return addr_parse(text, len, ret);
}

/* Every key of the map is made here, at each look-up and for each address of a map that is loaded;
 * inet_ntop(3) goes through printf(3) for it, which takes seven times as long. */
static size_t format_ipv4(const uint8_t ipv4[static 4], char ret[static ADDR_TEXT_MAX])
{
    char *end = ret;

    for (unsigned i = 0; i < 4; i++) {
        if (ipv4[i] >= 100)
            *end++ = (char)('0' + ipv4[i] / 100);
        if (ipv4[i] >= 10)
            *end++ = (char)('0' + ipv4[i] / 10 % 10);
        *end++ = (char)('0' + ipv4[i] % 10);
        *end++ = '.';
    }
    *--end = 0;
    return (size_t)(end - ret);
}

size_t addr_format(const struct addr *addr, char ret[static ADDR_TEXT_MAX])
{
    if (addr_is_ipv4(addr))
        return format_ipv4(addr->bytes + sizeof(mapped_prefix), ret);
    if (!inet_ntop(AF_INET6, addr->bytes, ret, ADDR_TEXT_MAX))
        assert(false);
    return strlen(ret);
}

size_t addr_format_key(const struct addr *addr, unsigned ipv6_bits, char ret[static ADDR_TEXT_MAX])
{
    struct addr group = addr_group(addr, ipv6_bits);
    size_t len = addr_format(&group, ret);

    if (!addr_is_ipv4(addr) && ipv6_bits < 128)
        len += (size_t)snprintf(ret + len, ADDR_TEXT_MAX - len, "/%u", ipv6_bits);
    return len;
}

int addr_parse_key(const char *text, size_t len, unsigned ipv6_bits, struct addr *ret)
{
    char canonical[ADDR_TEXT_MAX];
    const char *slash = memchr(text, '/', len);
    struct addr addr;

    if (addr_parse(text, slash ? (size_t)(slash - text) : len, &addr) < 0)
        return -EINVAL;
    if (addr_format_key(&addr, ipv6_bits, canonical) != len || memcmp(canonical, text, len) != 0)
        return -EINVAL;
    *ret = addr;
    return 0;
}

bool addr_is_ipv4(const struct addr *addr)
{
    return memcmp(addr->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

struct addr addr_mask(const struct addr *addr, unsigned bits)
{
    struct addr masked = *addr;

    for (unsigned i = 0; i < sizeof(masked.bytes); i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

        if (kept < 8)
            masked.bytes[i] &= (uint8_t)(0xff00 >> kept);
    }
    return masked;
}

struct addr addr_group(const struct addr *addr, unsigned ipv6_bits)
{
    return addr_is_ipv4(addr) ? *addr : addr_mask(addr, ipv6_bits);
}

int addr_compare(const struct addr *a, const struct addr *b)
{
    bool a_is_ipv4 = addr_is_ipv4(a), b_is_ipv4 = addr_is_ipv4(b);

    if (a_is_ipv4 != b_is_ipv4)
        return a_is_ipv4 ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
