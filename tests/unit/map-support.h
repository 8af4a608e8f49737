/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/map.h"

/* What the tests of the map have in common: maps with contents that can be told by their number. */

#define MAX_ENTRIES 1000

struct map_options map_options_for(const char *path, unsigned max_entries, unsigned ipv6_bits);

/* Opens a writer, publishes, and fails the test unless the state is `want`. */
struct map *open_writer(const char *path, unsigned max_entries, unsigned ipv6_bits,
                        enum map_state want);

struct addr addr_from(const char *text);

/* IPv4 for even numbers, IPv6 (each in a /64 of its own) for odd ones. */
struct addr addr_number(unsigned number);

struct record record_of(uint64_t expires_usec, uint64_t login_usec, const char *user);

/* Puts a record for an address that is given as text. */
void put_user(struct map *map, const char *address, uint64_t expires_usec, const char *user);

/* Fails the test unless the address has that user; NULL: unless it is not in the map. */
void check_user(struct map *map, const char *address, const char *want);

/* Puts the addresses with the numbers from 0 to n - 1, and a cursor, all in one transaction, with
 * records that say which one it was. Returns 0 or a negative errno, then without a transaction. */
int write_generation(struct map *map, unsigned n, uint64_t generation);

/* Fails the test unless the map holds just what that generation wrote. */
void check_generation(struct map *map, unsigned n, uint64_t generation);

/* The generation that the cursor tells of. */
uint64_t cursor_generation(struct map *map);

size_t count_records(struct map *map);
