/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "target.h"

#include <inttypes.h>
#include <stdlib.h>

/* The linker gives these names to the ends of the section. */
extern struct fuzz_point __start_fuzz_points[], __stop_fuzz_points[];

_Noreturn void fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    abort();
}

unsigned fuzz_report_points(FILE *file)
{
    unsigned missed = 0, n = 0;

    fprintf(file, "1..%zu\n", (size_t)(__stop_fuzz_points - __start_fuzz_points));
    for (struct fuzz_point *point = __start_fuzz_points; point < __stop_fuzz_points; point++) {
        missed += point->count == 0;
        fprintf(file, "%s %u - reached %s: %" PRIu64 "\n", point->count ? "ok" : "not ok", ++n,
                point->name, point->count);
    }
    return missed;
}
