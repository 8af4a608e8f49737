/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "cleanup.h"

struct heap;

/* When to look at which address again, soonest first: one item an address that is in the map. The
 * time in an item is never later than the one in the address's record (an extended record is found
 * out when its item comes due), so nothing expires late. */
struct heap *heap_new(void);
struct heap *heap_free(struct heap *heap);
DEFINE_CLEANUP(struct heap *, heap_free)
void heap_clear(struct heap *heap);

/* Returns 0 or -ENOMEM; the heap is unchanged on failure. */
int heap_push(struct heap *heap, uint64_t due_usec, const struct addr *addr);

/* The item that is due first; false if there is none. */
bool heap_peek(const struct heap *heap, uint64_t *ret_due_usec, struct addr *ret_addr);

/* Gives the first item a later time: heap_pop() and heap_push() in one, and cannot fail. */
void heap_postpone(struct heap *heap, uint64_t due_usec);

void heap_pop(struct heap *heap);

size_t heap_count(const struct heap *heap);
