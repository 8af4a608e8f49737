/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The addresses are copied out of the map before they are printed, because the map is locked
 * against its writer meanwhile, and must be sorted anyway. */

#include "listing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "core/cleanup.h"
#include "program/clock.h"
#include "store/map.h"

struct listing {
    struct addr *addrs;
    size_t count, capacity;
    uint64_t now_usec;
};

static int add(const struct addr *addr, const struct record *record, void *userdata)
{
    struct listing *listing = userdata;

    if (!record || record->expires_usec <= listing->now_usec)
        return 0;
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
        struct addr *addrs = reallocarray(listing->addrs, capacity, sizeof(*addrs));

        if (!addrs)
            return -ENOMEM;
        listing->addrs = addrs;
        listing->capacity = capacity;
    }
    listing->addrs[listing->count++] = *addr;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return addr_compare(a, b);
}

static int fail(const char *path, int error)
{
    fprintf(stderr, "pop-before-smtp: %s: %s\n", path, map_error_text(error));
    return error == -EACCES || error == -EPERM ? EX_NOPERM : EX_UNAVAILABLE;
}

int listing_print(const char *map_path)
{
    _cleanup_(map_closep) struct map *map = NULL;
    struct listing listing = { .now_usec = clock_realtime_usec() };
    int r = map_open_reader(map_path, &map);

    if (r == 0)
        r = map_each(map, add, &listing);
    if (r < 0) {
        free(listing.addrs);
        return fail(map_path, r);
    }
    if (listing.count > 0)
        qsort(listing.addrs, listing.count, sizeof(*listing.addrs), compare);
    printf("The map holds %zu address%s:\n", listing.count, listing.count == 1 ? "" : "es");
    for (size_t i = 0; i < listing.count; i++) {
        char text[ADDR_TEXT_MAX];

        addr_format_key(&listing.addrs[i], map_ipv6_bits(map), text);
        printf("%s\n", text);
    }
    free(listing.addrs);
    return EXIT_SUCCESS;
}
