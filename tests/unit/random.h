/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Random input that can be repeated: each test begins with the same seed, or with the number in the
 * environment's PBS_TEST_SEED, and prints it, so that a failure names the run that shows it. */

/* For cmocka_unit_test_setup(). */
int random_setup(void **state);

/* Begins anew from that number. */
void random_seed(uint64_t seed);

uint64_t random_next(void);

/* Evenly from 0 to n - 1; n must not be 0. */
uint64_t random_below(uint64_t n);

/* A number of a random size: small ones are as likely as large ones. */
uint64_t random_magnitude(void);

void random_bytes(void *ret, size_t len);
