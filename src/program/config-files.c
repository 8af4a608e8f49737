/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds and reads configuration files, by systemd's rules for drop-ins (systemd.unit(5)). */

#include "config-files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "build-config.h"
#include "core/cleanup.h"
#include "core/config.h"
#include "core/limits.h"

struct dropins {
    char **paths;
    size_t count;
};

/* What becomes of errors: the first ends it all, or each is told of. */
struct errors {
    char *reterr;
    config_files_error_func func; /* NULL: the first ends it */
    void *userdata;
};

struct reading {
    struct settings *settings;
    const char *path;
    const struct errors *errors;
};

DEFINE_CLEANUP(DIR *, closedir)

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The error is in `reterr`. Returns 0 to go on. */
static int take_error(const struct errors *errors)
{
    if (!errors->func)
        return -EINVAL;
    errors->func(errors->reterr, errors->userdata);
    return 0;
}

static int assign(const struct config_item *item, void *userdata)
{
    struct reading *reading = userdata;
    char origin[PATH_MAX + 16], reason[SETTINGS_ERROR_MAX] = "";
    int r;

    snprintf(origin, sizeof(origin), "%s:%u", reading->path, item->line);
    if (!item->section[0]) {
        snprintf(reason, sizeof(reason), "%.100s= stands before any [Section]", item->key);
        r = -EINVAL;
    } else
        r = settings_assign(reading->settings, item->section, item->key, item->value, origin,
                            reason);
    if (r != -EINVAL)
        return r;
    snprintf(reading->errors->reterr, CONFIG_FILES_ERROR_MAX, "%s: %s", origin, reason);
    return take_error(reading->errors);
}

static int unreadable(const char *path, int error, const struct errors *errors)
{
    snprintf(errors->reterr, CONFIG_FILES_ERROR_MAX, "%s: cannot be read: %s", path,
             strerror(error));
    /* The first is for the caller to judge; the others may pass, and say nothing about the file. */
    if (error == ENOENT || error == ENOMEM || error == EMFILE || error == ENFILE || error == EIO)
        return -error;
    return take_error(errors);
}

/* Reads a whole file. A link to /dev/null is an empty one. */
static int read_text(const char *path, char **ret, size_t *ret_len)
{
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    _cleanup_(freep) char *text = NULL;
    struct stat st;
    size_t len = 0;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    text = malloc(CONFIG_FILE_MAX + 1);
    if (!text)
        return -ENOMEM;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    for (;;) {
        ssize_t n = read(fd, text + len, CONFIG_FILE_MAX + 1 - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
        if (len > CONFIG_FILE_MAX)
            return -EFBIG;
    }
    *ret = TAKE_PTR(text);
    *ret_len = len;
    return 0;
}

static int read_file(const char *path, struct settings *settings, const struct errors *errors)
{
    struct reading reading = { settings, path, errors };
    _cleanup_(freep) char *text = NULL;
    const char *reason = NULL;
    size_t len = 0;
    unsigned line = 0;
    int r = read_text(path, &text, &len);

    if (r < 0)
        return unreadable(path, -r, errors);
    r = config_parse(text, len, assign, &reading, &line, &reason);
    if (r < 0 && reason) {
        snprintf(errors->reterr, CONFIG_FILES_ERROR_MAX, "%s:%u: %s", path, line, reason);
        return take_error(errors);
    }
    return r;
}

static void dropins_clear(struct dropins *dropins)
{
    for (size_t i = 0; i < dropins->count; i++)
        free(dropins->paths[i]);
    free(dropins->paths);
}

static bool dropins_have(const struct dropins *dropins, const char *name)
{
    for (size_t i = 0; i < dropins->count; i++)
        if (strcmp(base_name(dropins->paths[i]), name) == 0)
            return true;
    return false;
}

static int dropins_add(struct dropins *dropins, const char *directory, const char *name)
{
    char **paths = reallocarray(dropins->paths, dropins->count + 1, sizeof(*paths));

    if (!paths)
        return -ENOMEM;
    dropins->paths = paths;
    if (asprintf(&paths[dropins->count], "%s/%s", directory, name) < 0)
        return -ENOMEM;
    dropins->count++;
    return 0;
}

static bool is_dropin_name(const char *name)
{
    size_t len = strlen(name);

    return name[0] != '.' && len > strlen(".conf") &&
           strcmp(name + len - strlen(".conf"), ".conf") == 0;
}

/* Adds the drop-ins of a directory that are not hidden by those of an earlier, higher one. */
static int dropins_scan(struct dropins *dropins, const char *directory, const struct errors *errors)
{
    _cleanup_(closedirp) DIR *dir = opendir(directory);
    struct dirent *dirent;

    if (!dir && errno == ENOENT)
        return 0;
    if (!dir)
        return unreadable(directory, errno, errors);
    while ((errno = 0, dirent = readdir(dir))) {
        int r = 0;

        if (is_dropin_name(dirent->d_name) && !dropins_have(dropins, dirent->d_name))
            r = dropins_add(dropins, directory, dirent->d_name);
        if (r < 0)
            return r;
    }
    return errno != 0 ? unreadable(directory, errno, errors) : 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(base_name(*(char *const *)a), base_name(*(char *const *)b));
}

static int read_dropins(const char *const *directories, struct settings *settings,
                        const struct errors *errors)
{
    _cleanup_(dropins_clear) struct dropins dropins = { 0 };
    int r = 0;

    for (; *directories && r == 0; directories++)
        r = dropins_scan(&dropins, *directories, errors);
    if (dropins.count > 0)
        qsort(dropins.paths, dropins.count, sizeof(*dropins.paths), compare_names);
    for (size_t i = 0; i < dropins.count && r == 0; i++)
        r = read_file(dropins.paths[i], settings, errors);
    return r == -ENOENT ? take_error(errors) : r;
}

static int read_all(const char *main_file, struct settings *settings, const struct errors *errors)
{
    static const char *const installed[] = { ETC_RULES_DIR, RUN_RULES_DIR, LIB_RULES_DIR, NULL };
    char beside[PATH_MAX + sizeof("conf.d")];
    const char *own[] = { beside, NULL };
    int r = read_file(main_file ? main_file : CONFIG_FILE, settings, errors);

    if (r == -ENOENT)
        r = main_file ? take_error(errors) : 0;
    if (r < 0)
        return r;
    if (!main_file)
        return read_dropins(installed, settings, errors);
    snprintf(beside, sizeof(beside), "%.*sconf.d", (int)(base_name(main_file) - main_file),
             main_file);
    return read_dropins(own, settings, errors);
}

int config_files_read(const char *main_file, struct settings *settings,
                      char reterr[static CONFIG_FILES_ERROR_MAX])
{
    const struct errors errors = { .reterr = reterr };

    return read_all(main_file, settings, &errors);
}

int config_files_read_past_errors(const char *main_file, struct settings *settings,
                                  config_files_error_func func, void *userdata)
{
    char error[CONFIG_FILES_ERROR_MAX];
    const struct errors errors = { error, func, userdata };

    return read_all(main_file, settings, &errors);
}
