/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "addr.h"
#include "cleanup.h"

struct networks;

/* An ordered list of networks in which the first one that holds an address decides; an entry with
 * "!" in front says that the addresses in it are not in the list (as in Postfix's mynetworks). */
struct networks *networks_new(void);
struct networks *networks_free(struct networks *networks);
DEFINE_CLEANUP(struct networks *, networks_free)

/* Adds one network: "192.0.2.0/24", "2001:db8::/32", "[::1]/128", a lone address, each with "!" in
 * front if it is an exception. Returns 0, -EINVAL for other text and for bits set beyond the prefix
 * (a typing error, most often), -E2BIG for one too many, or -ENOMEM. */
int networks_add(struct networks *networks, const char *text, size_t len);

/* Adds one network whose address part is in `addr` already; `bits` counts from 0 to 128. */
int networks_add_addr(struct networks *networks, const struct addr *addr, unsigned bits);

/* True if the address is in the list; *ret (if not NULL) is then the text of the entry that
 * decided, which belongs to the list. */
bool networks_contain(const struct networks *networks, const struct addr *addr, const char **ret);

size_t networks_count(const struct networks *networks);
