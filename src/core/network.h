/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "addr.h"
#include "cleanup.h"

struct networks;

/* An ordered list of networks in which the first one that holds an address decides; an entry with
 * "!" in front says that the addresses in it are not in the list (as in Postfix's mynetworks).
 * IPv4 and IPv6 are apart: "::/0" holds no IPv4 address. */
struct networks *networks_new(void);
struct networks *networks_free(struct networks *networks);
DEFINE_CLEANUP(struct networks *, networks_free)

/* Adds one network: "192.0.2.0/24", "2001:db8::/32", "[::1]/128", a lone address, each with "!" in
 * front if it is an exception. Returns 0, -EINVAL for other text and for bits set beyond the prefix
 * (a typing error, most often), -E2BIG for one too many, or -ENOMEM. */
int networks_add(struct networks *networks, const char *text, size_t len);

/* Adds all of `other`, in its order. Returns 0, -E2BIG or -ENOMEM. */
int networks_append(struct networks *networks, const struct networks *other);

/* True if the address is in the list; *ret (if not NULL) is then the text of the entry that
 * decided, which belongs to the list. */
bool networks_contain(const struct networks *networks, const struct addr *addr, const char **ret);

/* The same for all addresses that share the first `bits` with it; false if only some are in the
 * list. */
bool networks_contain_group(const struct networks *networks, const struct addr *addr,
                            unsigned bits);

void networks_clear(struct networks *networks);

size_t networks_count(const struct networks *networks);
