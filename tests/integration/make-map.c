/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* usage: make-map [--ipv6-prefix=N] FILE [ADDRESS=SECONDS]...
 *
 * Puts records into a map, creating it if need be: each address is allowed for so many seconds from
 * now on, or its time ran out so many seconds ago if the number is negative. Prints nothing unless
 * it fails. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/duration.h"
#include "store/map.h"

#define PREFIX_OPTION "--ipv6-prefix="

static uint64_t realtime_usec(void)
{
    struct timespec ts;

    if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
        abort();
    return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static int put(struct map *map, const char *argument, uint64_t now_usec)
{
    const char *equals = strchr(argument, '=');
    struct record record = { .login_usec = now_usec, .rule = "test", .user = "somebody" };
    struct addr addr;
    char *end;

    if (!equals || addr_parse(argument, (size_t)(equals - argument), &addr) < 0)
        return -EINVAL;
    long seconds = strtol(equals + 1, &end, 10);
    if (end == equals + 1 || *end)
        return -EINVAL;
    record.expires_usec = now_usec + (uint64_t)seconds * USEC_PER_SEC;
    return map_put(map, &addr, &record);
}

static int make(const char *path, unsigned ipv6_bits, char **arguments)
{
    uint64_t now_usec = realtime_usec();
    struct map_options options = {
        .path = path, .max_entries = 1000, .ipv6_bits = ipv6_bits, .now_usec = now_usec
    };
    _cleanup_(map_closep) struct map *map = NULL;
    enum map_state state;

    int r = map_open_writer(&options, &map, &state);
    if (r == 0)
        r = map_begin(map);
    while (r == 0 && *arguments)
        r = put(map, *arguments++, now_usec);
    if (r == 0)
        r = map_commit(map);
    return r == 0 ? map_publish(map) : r;
}

int main(int argc, char **argv)
{
    unsigned long ipv6_bits = 128;

    if (argc > 1 && strncmp(argv[1], PREFIX_OPTION, strlen(PREFIX_OPTION)) == 0) {
        ipv6_bits = strtoul(argv[1] + strlen(PREFIX_OPTION), NULL, 10);
        argv++;
        argc--;
    }
    if (argc < 2) {
        fputs("usage: make-map [--ipv6-prefix=N] FILE [ADDRESS=SECONDS]...\n", stderr);
        return 2;
    }
    int r = make(argv[1], (unsigned)ipv6_bits, argv + 2);
    if (r < 0) {
        fprintf(stderr, "make-map: %s: %s\n", argv[1], strerror(-r));
        return 1;
    }
    return 0;
}
