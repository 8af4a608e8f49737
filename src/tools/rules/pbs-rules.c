/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pbs-rules(1): what the rules make of a journal, and why. */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <sysexits.h>

#include "check.h"
#include "explain.h"
#include "list.h"
#include "options.h"
#include "program/clock.h"
#include "program/config-files.h"
#include "setup.h"
#include "test.h"

/* The configuration as it is read, for commands that look at disabled rules too. */
static int read_configuration(const struct options *options, struct settings **ret)
{
    _cleanup_(settings_freep) struct settings *settings = NULL;
    char error[CONFIG_FILES_ERROR_MAX] = "";
    int r = settings_new(&settings);

    if (r == 0)
        r = config_files_read(options->config, settings, error);
    if (r == -EINVAL) {
        check_print_error(error, stderr);
        return EX_CONFIG;
    }
    if (r < 0)
        return complain_of(r, "configuration");
    *ret = TAKE_PTR(settings);
    return 0;
}

static void print_error(const char *error, void *userdata)
{
    bool *any = userdata;

    *any = true;
    check_print_error(error, stderr);
}

static bool any_error(const struct findings *findings)
{
    for (size_t i = 0; i < findings_count(findings); i++)
        if (findings_at(findings, i)->severity == LINT_ERROR)
            return true;
    return false;
}

static int run_check(const struct options *options)
{
    _cleanup_(settings_freep) struct settings *settings = NULL;
    _cleanup_(findings_freep) struct findings *findings = NULL;
    bool is_wrong = false;
    int r = settings_new(&settings);

    if (r == 0)
        r = config_files_read_past_errors(options->config, settings, print_error, &is_wrong);
    if (r == 0 && is_wrong)
        return EX_CONFIG;
    if (r == 0)
        r = findings_collect(settings, &findings);
    if (r < 0)
        return complain_of(r, "configuration");
    findings_print(findings, stdout);
    if (any_error(findings))
        return finish_output(EX_CONFIG);
    if (findings_count(findings) == 0)
        puts("OK");
    return finish_output(findings_count(findings) > 0 ? EXIT_NO_MATCH : EXIT_MATCH);
}

static int run_list(const struct options *options)
{
    _cleanup_(settings_freep) struct settings *settings = NULL;
    int status = read_configuration(options, &settings), r;

    if (status != 0)
        return status;
    r = list_rules(settings, options->json, stdout);
    return r < 0 ? complain_of(r, "rules") : finish_output(EXIT_MATCH);
}

static int run_explain(const struct options *options)
{
    struct explain_options explain = {
        .address = options->address,
        .config = options->config,
        .map_file = options->map_file,
        .files = options->files.item,
        .directory = options->directory,
        .name_space = options->name_space,
    };

    return explain_run(&explain);
}

static int (*const commands[_COMMAND_MAX])(const struct options *options) = {
    [COMMAND_TEST] = test_run,
    [COMMAND_CHECK] = run_check,
    [COMMAND_LIST] = run_list,
    [COMMAND_EXPLAIN] = run_explain,
};

int main(int argc, char *argv[])
{
    _cleanup_(options_done) struct options options = { 0 };

    /* For the width of characters; times and numbers stay as they are for every locale. */
    setlocale(LC_CTYPE, "");
    switch (options_parse(argc, argv, clock_realtime_usec(), &options)) {
    case OPTIONS_RUN:
        return commands[options.command](&options);
    case OPTIONS_DONE:
        return EXIT_MATCH;
    case OPTIONS_NO_MEMORY:
        return complain_of(-ENOMEM, "command line");
    case OPTIONS_WRONG:
        break;
    }
    return EXIT_USAGE;
}
