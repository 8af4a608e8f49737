/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A binary min-heap in one array. Items are never looked up or moved by address: the map holds the
 * truth about an address, an item only says when to look there again. */

#include "heap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct item {
    uint64_t due_usec;
    struct addr addr;
};

struct heap {
    struct item *items;
    size_t count, capacity;
};

struct heap *heap_new(void)
{
    return calloc(1, sizeof(struct heap));
}

struct heap *heap_free(struct heap *heap)
{
    if (heap)
        free(heap->items);
    free(heap);
    return NULL;
}

void heap_clear(struct heap *heap)
{
    heap->count = 0;
}

static void heap_sift_up(struct heap *heap, size_t i, struct item item)
{
    for (; i > 0 && heap->items[(i - 1) / 2].due_usec > item.due_usec; i = (i - 1) / 2)
        heap->items[i] = heap->items[(i - 1) / 2];
    heap->items[i] = item;
}

static void heap_sift_down(struct heap *heap, size_t i, struct item item)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < heap->count &&
            heap->items[child + 1].due_usec < heap->items[child].due_usec)
            child++;
        if (child >= heap->count || heap->items[child].due_usec >= item.due_usec)
            break;
        heap->items[i] = heap->items[child];
        i = child;
    }
    heap->items[i] = item;
}

int heap_push(struct heap *heap, uint64_t due_usec, const struct addr *addr)
{
    if (heap->count == heap->capacity) {
        size_t capacity = heap->capacity ? heap->capacity + heap->capacity / 2 : 64;
        struct item *items = reallocarray(heap->items, capacity, sizeof(*items));

        if (!items)
            return -ENOMEM;
        heap->items = items;
        heap->capacity = capacity;
    }
    heap->count++;
    heap_sift_up(heap, heap->count - 1, (struct item){ due_usec, *addr });
    return 0;
}

bool heap_peek(const struct heap *heap, uint64_t *ret_due_usec, struct addr *ret_addr)
{
    if (heap->count == 0)
        return false;
    *ret_due_usec = heap->items[0].due_usec;
    *ret_addr = heap->items[0].addr;
    return true;
}

void heap_postpone(struct heap *heap, uint64_t due_usec)
{
    assert(heap->count > 0 && due_usec >= heap->items[0].due_usec);
    heap_sift_down(heap, 0, (struct item){ due_usec, heap->items[0].addr });
}

void heap_pop(struct heap *heap)
{
    assert(heap->count > 0);
    heap->count--;
    if (heap->count > 0)
        heap_sift_down(heap, 0, heap->items[heap->count]);
}

size_t heap_count(const struct heap *heap)
{
    return heap->count;
}
