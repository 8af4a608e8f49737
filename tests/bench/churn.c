/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* usage: churn FILE LIVE LOGINS
 *
 * Addresses that come, log in once, and go when their time is over, so many of them live at a time.
 * Prints the size of the map after the first tenth of all logins, and at the end. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "keys.h"
#include "stand.h"

#define BATCH     1000
#define STEP_USEC 1000
#define START     UINT64_C(1795340000000000)

/* Every number once, and neighbours far from each other: an odd factor is a permutation. */
static uint32_t next_address(void *userdata)
{
    uint32_t *number = userdata;

    return (*number)++ * UINT32_C(2654435761) & 0xffffff;
}

static void report(const char *when, const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        exit(1);
    printf("%s %lld\n", when, (long long)st.st_size);
}

int main(int argc, char **argv)
{
    uint64_t now_usec = START, live, logins;
    uint32_t number = 0;
    struct stand stand;

    if (argc != 4) {
        fputs("usage: churn FILE LIVE LOGINS\n", stderr);
        return 2;
    }
    live = strtoul(argv[2], NULL, 10);
    logins = strtoul(argv[3], NULL, 10);
    /* A batch is let in before those are let go whose place it takes. */
    stand_open(&stand, argv[1], (unsigned)live + 2 * BATCH, live * STEP_USEC);
    for (uint64_t done = 0; done < logins; done += BATCH) {
        if (done == logins / 10)
            report("first", argv[1]);
        stand_pass(&stand, now_usec);
        now_usec = stand_log_in(&stand, next_address, &number, BATCH, now_usec, STEP_USEC);
    }
    report("end", argv[1]);
    stand_close(&stand);
    return 0;
}
