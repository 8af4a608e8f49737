/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "core/addr.h"

/* The addresses of the maps: the first 2^24 numbers give those of 10.0.0.0/8, the others go on
 * behind it. */
static inline struct addr key_addr(uint32_t number)
{
    uint32_t ipv4 = (UINT32_C(10) << 24) + number;

    return (struct addr){ .bytes = { [10] = 0xff,
                                     0xff,
                                     (uint8_t)(ipv4 >> 24),
                                     (uint8_t)(ipv4 >> 16),
                                     (uint8_t)(ipv4 >> 8),
                                     (uint8_t)ipv4 } };
}

/* Numbers in an order that looks like none, the same in every run (SplitMix64). */
static inline uint64_t key_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
