/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "journal-open.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "program/journal-configured.h"

static int add_files(const char *pattern, glob_t *files)
{
    _cleanup_(freep) char *path = NULL;
    int flags = GLOB_NOCHECK | (files->gl_pathc > 0 ? GLOB_APPEND : 0);

    /* The library wants a directory to watch in each name. */
    if (asprintf(&path, "%s%s", strchr(pattern, '/') ? "" : "./", pattern) < 0)
        return -ENOMEM;
    switch (glob(path, flags, NULL, files)) {
    case 0:
        return 0;
    case GLOB_NOSPACE:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

static int open_files(const char *const *patterns, sd_journal **ret, const char **reterr_what)
{
    glob_t files = { 0 };
    int r = 0;

    for (size_t i = 0; patterns[i] && r == 0; i++) {
        *reterr_what = patterns[i];
        r = add_files(patterns[i], &files);
    }
    if (r == 0)
        r = sd_journal_open_files(ret, (const char **)files.gl_pathv, 0);
    globfree(&files);
    return r;
}

static int open_namespace(const char *name, sd_journal **ret)
{
    int flags = SD_JOURNAL_LOCAL_ONLY;

    if (strcmp(name, "*") == 0)
        return sd_journal_open_namespace(ret, NULL, flags | SD_JOURNAL_ALL_NAMESPACES);
    if (name[0] == '+')
        return sd_journal_open_namespace(ret, name + 1,
                                         flags | SD_JOURNAL_INCLUDE_DEFAULT_NAMESPACE);
    return sd_journal_open_namespace(ret, name[0] ? name : NULL, flags);
}

int journal_open(const struct input_journal_options *options, sd_journal **ret,
                 const char **reterr_what)
{
    if (options->files)
        return open_files(options->files, ret, reterr_what);
    if (options->directory) {
        *reterr_what = options->directory;
        return sd_journal_open_directory(ret, options->directory, 0);
    }
    if (options->name_space) {
        *reterr_what = options->name_space;
        return open_namespace(options->name_space, ret);
    }
    *reterr_what = options->settings->journal[0] ? options->settings->journal : "the local journal";
    return journal_open_configured(options->settings->journal, ret);
}

bool journal_is_local(const struct input_journal_options *options)
{
    return !options->files && !options->directory && !options->settings->journal[0];
}
