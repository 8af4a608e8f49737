/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "journal-configured.h"

#include <errno.h>
#include <sys/stat.h>

int journal_open_configured(const char *path, sd_journal **ret)
{
    const char *files[] = { path, NULL };
    struct stat st;

    if (!path[0])
        return sd_journal_open(ret, SD_JOURNAL_LOCAL_ONLY);
    if (stat(path, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return sd_journal_open_directory(ret, path, 0);
    return sd_journal_open_files(ret, files, 0);
}
