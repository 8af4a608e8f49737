/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libFuzzer's own main() calls this first. */

#include <stdlib.h>

#include "target.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static void report(void)
{
    (void)fuzz_report_points(stdout);
    fflush(stdout);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    return atexit(report);
}
