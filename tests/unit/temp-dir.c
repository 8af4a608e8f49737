/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "check.h"
#include "random.h"
#include "temp-dir.h"

#define PATHS 16

static char directory[PATH_MAX / 2];
static char paths[PATHS][PATH_MAX];

int temp_dir_setup(void **state)
{
    const char *base = getenv("TMPDIR");

    snprintf(directory, sizeof(directory), "%s/pbs-unit-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory))
        return -1;
    memset(paths, 0, sizeof(paths));
    return random_setup(state);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

int temp_dir_teardown(void **state)
{
    return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *temp_path(const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    for (size_t i = 0; i < PATHS; i++) {
        if (!paths[i][0])
            memcpy(paths[i], path, sizeof(path));
        if (strcmp(paths[i], path) == 0)
            return paths[i];
    }
    fail_msg("more than %d files in one test", PATHS);
    return NULL;
}

size_t temp_count(void)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    size_t count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(dir);
    return count;
}
