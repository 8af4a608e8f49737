/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "setup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "check.h"
#include "program/config-files.h"
#include "program/local-networks.h"

void complain(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", program_invocation_short_name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

int complain_of(int error, const char *what)
{
    complain("%s: %s", what, strerror(-error));
    return error == -ENOMEM ? EX_OSERR : EX_UNAVAILABLE;
}

/* Keeps these rules, enabled, and no others. */
static int choose_rules(struct settings *settings, const char *const *names)
{
    for (size_t i = 0; i < rules_count(settings->rules); i++)
        rule_set_enabled(rules_at(settings->rules, i), false);
    for (; *names; names++) {
        struct rule *found = NULL;

        for (size_t i = 0; i < rules_count(settings->rules); i++)
            if (strcmp(rule_name(rules_at(settings->rules, i)), *names) == 0)
                found = rules_at(settings->rules, i);
        if (!found) {
            complain("there is no rule \"%s\"; \"pbs-rules list\" shows all", *names);
            return EXIT_USAGE;
        }
        rule_set_enabled(found, true);
    }
    rules_keep_enabled(settings->rules);
    return 0;
}

int setup_settings(const char *config, const char *const *rules, struct settings **ret)
{
    _cleanup_(settings_freep) struct settings *settings = NULL;
    char error[CONFIG_FILES_ERROR_MAX] = "";
    int r = settings_new(&settings), status;

    if (r == 0)
        r = config_files_read(config, settings, error);
    if (r == -EINVAL) {
        check_print_error(error, stderr);
        return EX_CONFIG;
    }
    if (r < 0)
        return complain_of(r, "configuration");
    status = rules ? choose_rules(settings, rules) : 0;
    if (status != 0)
        return status;
    r = settings_finish(settings, error);
    if (r == -EINVAL) {
        complain("%s", error);
        return EX_CONFIG;
    }
    if (r < 0)
        return complain_of(r, "configuration");
    *ret = TAKE_PTR(settings);
    return 0;
}

static void note(int priority, const char *text)
{
    if (priority <= LOG_WARNING)
        complain("%s", text);
}

int setup_networks(const struct settings *settings, struct networks **ret)
{
    int r = local_networks_collect(settings, note, ret);

    return r < 0 ? complain_of(r, "local networks") : 0;
}

static int complain_of_journal(const char *what, int error)
{
    switch (error) {
    case -ENOMEDIUM:
        /* To root, all that is there can be read. */
        if (geteuid() == 0) {
            complain("%s: there is no journal file", what);
            return EX_UNAVAILABLE;
        }
        __attribute__((fallthrough));
    case -EACCES:
    case -EPERM:
        complain("%s: no journal file can be read; run as root or as a member of group "
                 "systemd-journal",
                 what);
        return EX_NOPERM;
    case -EBADMSG:
    case -EBADFD:
    case -ENODATA:
        complain("%s: not a journal file, or a damaged one", what);
        return EX_UNAVAILABLE;
    case -ENXIO:
        complain("%s: there are no entries of that boot", what);
        return EX_UNAVAILABLE;
    default:
        return complain_of(error, what);
    }
}

int setup_journal(const struct input_journal_options *options, struct input **ret)
{
    const char *what = "journal";
    int r = input_open_journal(options, ret, &what);

    return r < 0 ? complain_of_journal(what, r) : 0;
}

int finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    complain("standard output: %s", strerror(errno));
    return EX_IOERR;
}
