/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cleanup.h"

/* The addresses that are in the map, one item each, for the two questions that the map cannot
 * answer: which one to look at next, and which ones a user has. An item is a number, which stays
 * the address's until it is removed; what the map says of the address, the map says. */
struct roster;

#define ROSTER_NONE UINT32_MAX

struct roster *roster_new(void);
struct roster *roster_free(struct roster *roster);
DEFINE_CLEANUP(struct roster *, roster_free)
void roster_clear(struct roster *roster);

/* `due_usec` is when to look at the address, UINT64_MAX for never; `user` stands for its user,
 * a hash whose low bits are good. Returns 0 or -ENOMEM; the roster is unchanged on failure. */
int roster_add(struct roster *roster, const struct addr *addr, uint64_t due_usec, uint32_t user,
               uint32_t *ret_item);
void roster_remove(struct roster *roster, uint32_t item);

/* The item that is due first; ROSTER_NONE if there is none, or none will be. */
uint32_t roster_first(const struct roster *roster);

const struct addr *roster_addr(const struct roster *roster, uint32_t item);
uint64_t roster_due_usec(const struct roster *roster, uint32_t item);
void roster_set_due_usec(struct roster *roster, uint32_t item, uint64_t due_usec);
void roster_set_user(struct roster *roster, uint32_t item, uint32_t user);

/* The items with that user, one after the other: the first one behind ROSTER_NONE, ROSTER_NONE
 * behind the last. Two users may happen to have the same number. */
uint32_t roster_next_of_user(const struct roster *roster, uint32_t user, uint32_t item);

/* The item of an address, of which the user has to be known; ROSTER_NONE if there is none. */
uint32_t roster_find(const struct roster *roster, const struct addr *addr, uint32_t user);

size_t roster_count(const struct roster *roster);
