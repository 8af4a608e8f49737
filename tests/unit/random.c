/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SplitMix64: a counter through a mixing function. Good enough to find errors, the same on every
 * machine, and no state but one number. */

#include <stdlib.h>

#include "check.h"
#include "random.h"

static uint64_t counter;

int random_setup(void **state)
{
    const char *text = getenv("PBS_TEST_SEED");

    counter = text ? strtoull(text, NULL, 0) : 20261122;
    print_message("PBS_TEST_SEED=%llu\n", (unsigned long long)counter);
    return 0;
}

void random_seed(uint64_t seed)
{
    counter = seed;
}

uint64_t random_next(void)
{
    uint64_t x = counter += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t random_below(uint64_t n)
{
    return random_next() % n;
}

uint64_t random_magnitude(void)
{
    uint64_t x = random_next();

    return x >> random_below(64);
}

void random_bytes(void *ret, size_t len)
{
    unsigned char *bytes = ret;

    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)random_next();
}
