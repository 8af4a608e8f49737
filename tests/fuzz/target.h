/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A fuzz target is one file, fuzz-NAME.c, with the two functions below. It is linked twice: with
 * seeds.c, to run its seeds as a unit test, and with libfuzzer.c, to be fuzzed by libFuzzer(1). */

/* Does with the input what the tested code is there for, and FUZZ_CHECK()s what must hold of the
 * result. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Gives each input to begin with: by hand, from conf.d/ or from tests/journals/; those that once
 * showed an error are among them. */
typedef void (*fuzz_seed_func)(const void *data, size_t len);
void fuzz_make_seeds(fuzz_seed_func seed);

/* What must hold, or else the input is a find. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_fail(__FILE__, __LINE__, #condition);                                             \
    } while (0)

_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/* Says that the input came as deep as here. All such points of a target have to be reached by its
 * seeds: a target that has stopped arriving where it should is a failed test. */
#define FUZZ_REACHED(point)                                                                        \
    do {                                                                                           \
        static struct fuzz_point _point                                                            \
            __attribute__((section("fuzz_points"), used)) = { (point), 0 };                        \
        _point.count++;                                                                            \
    } while (0)

struct fuzz_point {
    const char *name;
    uint64_t count;
};

/* Prints a line in TAP for each point, and returns how many were not reached. */
unsigned fuzz_report_points(FILE *file);
