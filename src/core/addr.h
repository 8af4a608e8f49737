/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A client's address. IPv4 is kept as the IPv4-mapped form (RFC 4291, 2.5.5.2), so that an address
 * has one representation, whichever way its text was spelled. */
struct addr {
    uint8_t bytes[16];
};

#define ADDR_TEXT_MAX (INET6_ADDRSTRLEN + 4) /* with "/128" and the final NUL */

/* Reads exactly one address literal as inet_pton(3) takes it: no zone, port, brackets, prefix or
 * inet_aton(3) short form. `text` need not end in NUL. Returns 0, or -EINVAL for anything else. */
int addr_parse(const char *text, size_t len, struct addr *ret);

/* The same, in the spellings that mail servers use when they ask: an "IPv6:" tag in any case
 * (Sendmail) or brackets around the literal are taken off first. */
int addr_parse_lookup(const char *text, size_t len, struct addr *ret);

/* Writes the canonical text of the address and returns its length. */
size_t addr_format(const struct addr *addr, char ret[static ADDR_TEXT_MAX]);

/* Writes the key under which the map keeps the address: its canonical text, or for IPv6 with
 * `ipv6_bits` below 128 the network, "2001:db8:1:2::/64". Returns the length. */
size_t addr_format_key(const struct addr *addr, unsigned ipv6_bits, char ret[static ADDR_TEXT_MAX]);

/* Reads what addr_format_key() writes, in that very spelling. Returns 0, or -EINVAL. */
int addr_parse_key(const char *text, size_t len, unsigned ipv6_bits, struct addr *ret);

bool addr_is_ipv4(const struct addr *addr);

/* Clears all but the leading `bits` of the 128; an IPv4 prefix of n has 96 + n. */
struct addr addr_mask(const struct addr *addr, unsigned bits);

/* The address as the map sees it: IPv6 masked to `ipv6_bits`, IPv4 untouched. */
struct addr addr_group(const struct addr *addr, unsigned ipv6_bits);

/* Numeric order, IPv4 before IPv6; negative, zero or positive like memcmp(3). */
int addr_compare(const struct addr *a, const struct addr *b);
