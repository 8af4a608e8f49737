/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* usage: fill-map FILE COUNT
 *
 * Makes a map of the first COUNT addresses, made for so many, all of them allowed for a day. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/duration.h"
#include "core/limits.h"
#include "keys.h"
#include "store/map.h"

static int put(struct map *map, uint32_t number, uint64_t now_usec)
{
    struct record record = { .expires_usec = now_usec + USEC_PER_DAY,
                             .login_usec = now_usec,
                             .rule = "dovecot" };
    struct addr addr = key_addr(number);

    snprintf(record.user, sizeof(record.user), "user%" PRIu32 "@example.com", number);
    return map_put(map, &addr, &record);
}

static int fill(struct map *map, uint32_t count, uint64_t now_usec)
{
    int r = 0;

    for (uint32_t begin = 0; begin < count && r == 0; begin += BATCH_MAX_LARGE_MAP) {
        r = map_begin(map);
        for (uint32_t i = begin; i < count && i < begin + BATCH_MAX_LARGE_MAP && r == 0; i++)
            r = put(map, i, now_usec);
        if (r == 0)
            r = map_commit(map);
    }
    return r;
}

int main(int argc, char **argv)
{
    struct map_options options = { .ipv6_bits = 128 };
    _cleanup_(map_closep) struct map *map = NULL;
    enum map_state state;
    int r;

    if (argc != 3) {
        fputs("usage: fill-map FILE COUNT\n", stderr);
        return 2;
    }
    options.path = argv[1];
    options.now_usec = (uint64_t)time(NULL) * USEC_PER_SEC;
    options.max_entries = (unsigned)strtoul(argv[2], NULL, 10);
    r = map_open_writer(&options, &map, &state);
    if (r == 0)
        r = fill(map, options.max_entries, options.now_usec);
    if (r == 0)
        r = map_publish(map);
    if (r < 0)
        fprintf(stderr, "fill-map: %s: %s\n", argv[1], map_error_text(r));
    return r < 0;
}
