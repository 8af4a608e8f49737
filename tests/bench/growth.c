/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* usage: growth FILE MOST COUNT...
 *
 * What a login of a known address and a look-up cost while the map holds so many addresses, which
 * rise from COUNT to COUNT; it is made for MOST. Prints nanoseconds for each, commits included. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/duration.h"
#include "keys.h"
#include "stand.h"

#define FILL     32768
#define BATCH    4096
#define BACKLOG  (16 * BATCH)
#define LOGINS   1024
#define LOOK_UPS 200000
#define START    UINT64_C(1795340000000000)

static uint32_t next_new(void *userdata)
{
    return (*(uint32_t *)userdata)++;
}

struct known {
    uint32_t count;
    uint64_t random;
};

static uint32_t next_known(void *userdata)
{
    struct known *known = userdata;

    return (uint32_t)(key_random(&known->random) % known->count);
}

static uint64_t now_nsec(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Nanoseconds for each of so many logins, with a commit for each batch. */
static uint64_t time_logins(struct stand *stand, struct known *known, uint32_t count,
                            uint32_t batch)
{
    uint64_t begin = now_nsec();

    for (unsigned i = 0; i < count; i += batch)
        (void)stand_log_in(stand, next_known, known, batch, START + USEC_PER_SEC, 0);
    return (now_nsec() - begin) / count;
}

static uint64_t time_look_ups(struct stand *stand, struct known *known)
{
    uint64_t begin = now_nsec();

    for (unsigned i = 0; i < LOOK_UPS; i++) {
        struct addr addr = key_addr(next_known(known));
        struct record record;

        if (map_get(stand->map, &addr, &record) < 0)
            exit(1);
    }
    return (now_nsec() - begin) / LOOK_UPS;
}

int main(int argc, char **argv)
{
    struct known known = { 0 };
    struct stand stand;
    uint32_t number = 0;

    if (argc < 4) {
        fputs("usage: growth FILE MOST COUNT...\n", stderr);
        return 2;
    }
    stand_open(&stand, argv[1], (unsigned)strtoul(argv[2], NULL, 10), USEC_PER_DAY);
    for (char **count = argv + 3; *count; count++) {
        known.count = (uint32_t)strtoul(*count, NULL, 10);
        while (number < known.count) {
            uint32_t left = known.count - number;

            (void)stand_log_in(&stand, next_new, &number, left < FILL ? left : FILL, START, 0);
        }
        printf("login-%s %" PRIu64 "\n", *count, time_logins(&stand, &known, LOGINS, 1));
        printf("backlog-%s %" PRIu64 "\n", *count, time_logins(&stand, &known, BACKLOG, BATCH));
        printf("lookup-%s %" PRIu64 "\n", *count, time_look_ups(&stand, &known));
    }
    stand_close(&stand);
    return 0;
}
