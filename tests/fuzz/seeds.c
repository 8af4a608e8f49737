/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs a fuzz target's seeds without a fuzzer, or writes them down for one. */

#include <stdlib.h>
#include <string.h>

#include "target.h"

static struct {
    const char *directory;
    size_t count;
} written;

/* The input ends where its memory does, so that AddressSanitizer sees who reads on. */
static void run_exactly(const void *data, size_t len)
{
    uint8_t *copy = calloc(1, len);

    if (len > 0 && !copy)
        abort();
    if (len > 0)
        memcpy(copy, data, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

/* With what is left of it when its end, its beginning or its middle is not there. */
static void run_seed(const void *data, size_t len)
{
    run_exactly(data, len);
    run_exactly(data, len / 2);
    run_exactly(data, len - len / 4);
    run_exactly((const uint8_t *)data + len / 2, len - len / 2);
}

static void write_seed(const void *data, size_t len)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/seed-%04zu", written.directory, written.count++);
    file = fopen(path, "we");
    if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char *argv[])
{
    static const char option[] = "--write=";

    if (argc == 1) {
        fuzz_make_seeds(run_seed);
        return fuzz_report_points(stdout) == 0 ? 0 : 1;
    }
    if (argc != 2 || strncmp(argv[1], option, strlen(option)) != 0) {
        fprintf(stderr, "usage: %s [--write=DIRECTORY]\n", argv[0]);
        return 2;
    }
    written.directory = argv[1] + strlen(option);
    fuzz_make_seeds(write_seed);
    return 0;
}
