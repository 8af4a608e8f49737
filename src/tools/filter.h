/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "row.h"

/* What was asked for on the command line: addresses and prefixes, of which a row must be in one,
 * patterns for users, of which it must match one, and whether a session must be open. Nothing asked
 * for means everything. */
struct filter;

struct filter *filter_new(void);
struct filter *filter_free(struct filter *filter);

/* Adds an address in any spelling that mail servers use, or a prefix such as "192.0.2.0/24". Both
 * texts must outlive the filter. Returns 0, -EINVAL if it is neither, -ENOMEM. */
int filter_add_target(struct filter *filter, const char *text);

/* Adds a glob(7) pattern for the user. Returns 0 or -ENOMEM. */
int filter_add_user(struct filter *filter, const char *pattern);

/* Asks for addresses with an open session only. */
void filter_set_held(struct filter *filter);

/* True if the row is asked for; the targets that it belongs to then count as found. `ipv6_bits` is
 * the length of the IPv6 networks that the map keeps. */
bool filter_accepts(struct filter *filter, const struct row *row, unsigned ipv6_bits);

/* The i-th target to which no row belonged so far; NULL past the last. */
const char *filter_absent(const struct filter *filter, size_t i);
