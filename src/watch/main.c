/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pop-before-smtp(8): options, and the order in which things are opened. */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include <systemd/sd-daemon.h>

#include "background.h"
#include "build-config.h"
#include "core/cleanup.h"
#include "listing.h"
#include "log.h"
#include "options.h"
#include "plain-file.h"
#include "program/config-files.h"
#include "program/journal-stream.h"
#include "watcher.h"

#define EXIT_USAGE 2

#define OPEN_FILES 8192

/* What keeps the program from starting, before there is a log. journald takes the priority from the
 * line, and knows the program (sd-daemon(3)). */
__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    va_list args;

    fputs(journal_stream_is_stderr() ? SD_ERR : "pop-before-smtp: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* Reads the whole configuration; what is wrong with it goes to `reterr`. */
static int read_settings(const struct options *options, struct settings **ret,
                         char reterr[static CONFIG_FILES_ERROR_MAX])
{
    _cleanup_(settings_freep) struct settings *settings = NULL;
    int r = settings_new(&settings);

    if (r == 0)
        r = config_files_read(options->config, settings, reterr);
    if (r == 0)
        r = options_apply(options, settings, reterr);
    if (r == 0)
        r = settings_finish(settings, reterr);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(settings);
    return 0;
}

/* As many as the service has, for the reason that its unit gives; a shell's limit is often 1024.
 * That they are too few is said when it matters. */
static void raise_open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= OPEN_FILES)
        return;
    limit.rlim_cur = limit.rlim_max < OPEN_FILES ? limit.rlim_max : OPEN_FILES;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_log(const struct settings *settings, const struct options *options)
{
    return log_open(settings->log_file, settings->debug, options->pid_file != NULL);
}

static int reload_settings(struct settings **ret, void *userdata)
{
    const struct options *options = userdata;
    char error[CONFIG_FILES_ERROR_MAX] = "out of memory";
    int r = read_settings(options, ret, error);

    if (r < 0)
        log_error("%s", error);
    return r;
}

/* A log that cannot be opened is no reason to stop: messages go on to where they went before. */
static void on_changed(const struct settings *settings, void *userdata)
{
    int r = open_log(settings, userdata);

    if (r < 0)
        log_error("LogFile=%s cannot be opened: %s", settings->log_file, plain_file_error_text(r));
}

static int on_ready(void *userdata)
{
    return background_ready();
}

static int exit_status(int error)
{
    switch (error) {
    case 0:
        return EXIT_SUCCESS;
    case -ENOMEDIUM:
    case -EACCES:
    case -EPERM:
        return EX_NOPERM;
    case -EMEDIUMTYPE:
    case -EPROTONOSUPPORT:
        return EX_CONFIG;
    case -ENOENT:
    case -ENOTDIR:
    case -EBUSY:
    case -EROFS:
    case -ENOSPC:
        return EX_UNAVAILABLE;
    default:
        return EXIT_FAILURE;
    }
}

/* Takes `settings`. */
static int run(struct settings *settings, struct options *options)
{
    _cleanup_(watcher_freep) struct watcher *watcher = NULL;
    struct watcher_hooks hooks = { reload_settings, on_changed, on_ready, options };
    int r = watcher_new(&hooks, settings, &watcher);

    if (r == -ENOMEM)
        log_error("out of memory");
    return r < 0 ? r : watcher_run(watcher);
}

/* Opens the log, goes to the background if asked to, and runs. Takes `settings`. */
static int start(struct settings *settings, struct options *options)
{
    int r = open_log(settings, options);

    if (r < 0) {
        complain("LogFile=%s cannot be opened: %s", settings->log_file, plain_file_error_text(r));
        settings_free(settings);
        return EXIT_FAILURE;
    }
    if (options->pid_file)
        r = background_enter(options->pid_file);
    if (r < 0) {
        complain("--daemon=%s: %s", options->pid_file, background_error_text(r));
        settings_free(settings);
        return EXIT_FAILURE;
    }
    r = run(settings, options);
    background_leave();
    return exit_status(r);
}

/* The options that print something and exit may be given together. */
static int print(const struct settings *settings, const struct options *options)
{
    int status = EXIT_SUCCESS;

    if (options->version)
        printf("pop-before-smtp %s\n", VERSION);
    if (options->check)
        printf("OK\n");
    if (options->dump_config)
        settings_dump(settings, stdout);
    if (options->list)
        status = listing_print(settings->map);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("standard output: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    return status;
}

int main(int argc, char *argv[])
{
    struct options options;
    struct settings *settings = NULL;
    char error[CONFIG_FILES_ERROR_MAX] = "out of memory";
    int status, r;

    /* Whoever reads the log through a pipe may go away; that must not end the daemon. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (options_parse(argc, argv, &options) != OPTIONS_VALID)
        return EXIT_USAGE;
    if (options.help) {
        options_print_help();
        return EXIT_SUCCESS;
    }
    if (options.version && !options.check && !options.dump_config && !options.list)
        return print(NULL, &options);
    r = read_settings(&options, &settings, error);
    if (r < 0) {
        complain("%s", error);
        return r == -EINVAL ? EX_CONFIG : EXIT_FAILURE;
    }
    if (!options.check && !options.dump_config && !options.list) {
        raise_open_files();
        return start(settings, &options);
    }
    status = print(settings, &options);
    settings_free(settings);
    return status;
}
