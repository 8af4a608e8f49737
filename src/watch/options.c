/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options keep the names of the Perl program of 1999 to 2007. */

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum kind {
    KEY,      /* assigns the option's argument to a key */
    KEY_TO,   /* assigns a fixed value to a key */
    FLAG,     /* sets a bool of struct options */
    TEXT,     /* sets a text of struct options */
    ACCEPTED, /* does nothing */
};

struct option_row {
    const char *name;
    const char *argument; /* as shown by --help; NULL: takes none */
    enum kind kind;
    const char *key, *value;
    size_t offset; /* in struct options */
    const char *help;
};

#define FIELD(name) offsetof(struct options, name)

static const struct option_row rows[] = {
    { "config", "FILE", TEXT, .offset = FIELD(config),
      .help = "read FILE and the conf.d beside it, and nothing else" },
    { "check", NULL, FLAG, .offset = FIELD(check),
      .help = "check the configuration and the rules, print OK, exit" },
    { "dumpconfig", NULL, FLAG, .offset = FIELD(dump_config),
      .help = "print each setting in force with its origin, exit" },
    { "list", NULL, FLAG, .offset = FIELD(list), .help = "print the allowed addresses, exit" },
    { "version", NULL, FLAG, .offset = FIELD(version), .help = "print the version, exit" },
    { "help", NULL, FLAG, .offset = FIELD(help), .help = "print this, exit" },
    { "grace", "TIME", KEY, "Grace", .help = "allow for TIME after a login: seconds, or 30min" },
    { "dbfile", "FILE", KEY, "Map", .help = "keep the map in FILE" },
    { "watchlog", "PATH", KEY, "Journal",
      .help = "read a journal file or directory instead of the local journal" },
    { "logfile", "PATH", KEY, "Journal", .help = "the same" },
    { "logto", "FILE", KEY, "LogFile", .help = "append messages to FILE; - is standard output" },
    { "write", NULL, KEY_TO, "Write", "yes", .help = "write the map (the default)" },
    { "nowrite", NULL, KEY_TO, "Write", "no", .help = "open no map file, keep the map in memory" },
    { "debug", NULL, KEY_TO, "Debug", "yes",
      .help = "say more; started by hand, on standard output unless --logto= is given" },
    { "nodebug", NULL, KEY_TO, "Debug", "no", .help = "say what matters (the default)" },
    { "reprocess", NULL, KEY_TO, "Reprocess", "yes",
      .help = "read all of the journal first, as if each entry happened at its own time" },
    { "daemon", "PIDFILE", TEXT, .offset = FIELD(pid_file),
      .help = "go to the background, for use without systemd" },
    { "flock", NULL, ACCEPTED, .help = "accepted; the map is always locked" },
    { "noflock", NULL, ACCEPTED, .help = "accepted; the map is always locked" },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static enum options_result override(struct options *options, const char *option, const char *key,
                                    const char *value)
{
    if (options->n_overrides == sizeof(options->overrides) / sizeof(options->overrides[0])) {
        fprintf(stderr, "pop-before-smtp: too many options\n");
        return OPTIONS_WRONG;
    }
    options->overrides[options->n_overrides].option = option;
    options->overrides[options->n_overrides].key = key;
    options->overrides[options->n_overrides].value = value;
    options->n_overrides++;
    return OPTIONS_VALID;
}

static enum options_result take(struct options *options, const struct option_row *row,
                                const char *argument)
{
    char *field = (char *)options + row->offset;

    switch (row->kind) {
    case KEY:
        return override(options, row->name, row->key, argument);
    case KEY_TO:
        return override(options, row->name, row->key, row->value);
    case FLAG:
        *(bool *)field = true;
        break;
    case TEXT:
        *(const char **)field = argument;
        break;
    case ACCEPTED:
        break;
    }
    return OPTIONS_VALID;
}

static enum options_result wrong_usage(const char *what, const char *word)
{
    if (what)
        fprintf(stderr, "pop-before-smtp: %s '%s'\n", what, word);
    fprintf(stderr, "Try 'pop-before-smtp --help'.\n");
    return OPTIONS_WRONG;
}

/* A daemon works in the root directory, where relative paths mean something else; it reads the
 * configuration again at a reload. */
static enum options_result check_paths(const struct options *options)
{
    if (options->pid_file && options->pid_file[0] != '/')
        return wrong_usage("--daemon= needs an absolute path, not", options->pid_file);
    if (options->pid_file && options->config && options->config[0] != '/')
        return wrong_usage("with --daemon=, --config= needs an absolute path, not",
                           options->config);
    return OPTIONS_VALID;
}

/* Tries the assignments on settings of their own, before any file is read. */
static enum options_result check_values(const struct options *options)
{
    _cleanup_(settings_freep) struct settings *settings = NULL;
    char error[SETTINGS_ERROR_MAX] = "out of memory";
    int r = settings_new(&settings);

    if (r == 0)
        r = options_apply(options, settings, error);
    if (r == 0)
        return OPTIONS_VALID;
    fprintf(stderr, "pop-before-smtp: %s\n", error);
    return wrong_usage(NULL, NULL);
}

enum options_result options_parse(int argc, char *argv[], struct options *ret)
{
    struct option table[N_ROWS + 1] = { 0 };
    struct options options = { 0 };
    int row;

    for (size_t i = 0; i < N_ROWS; i++)
        table[i] = (struct option){
            .name = rows[i].name,
            .has_arg = rows[i].argument ? required_argument : no_argument,
            .val = (int)i,
        };
    optind = 1;
    while ((row = getopt_long(argc, argv, "", table, NULL)) != -1)
        if (row == '?' || take(&options, &rows[row], optarg) != OPTIONS_VALID)
            return wrong_usage(NULL, NULL);
    if (optind < argc)
        return wrong_usage("unexpected argument", argv[optind]);
    if (check_paths(&options) != OPTIONS_VALID || check_values(&options) != OPTIONS_VALID)
        return OPTIONS_WRONG;
    *ret = options;
    return OPTIONS_VALID;
}

void options_print_help(void)
{
    printf(
        "Usage: pop-before-smtp [OPTION]...\n"
        "Let those who have just read their mail send some: follow the journal for logins, keep\n"
        "the map of addresses that may relay.\n\n");
    for (size_t i = 0; i < N_ROWS; i++) {
        char left[32];

        snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].argument ? "=" : "",
                 rows[i].argument ? rows[i].argument : "");
        printf("  %-18s %s\n", left, rows[i].help);
    }
    printf("\nSee the pop-before-smtp(8) man page for details.\n");
}

int options_apply(const struct options *options, struct settings *settings,
                  char reterr[static SETTINGS_ERROR_MAX])
{
    char reason[SETTINGS_ERROR_MAX] = "";

    for (size_t i = 0; i < options->n_overrides; i++) {
        int r = settings_assign(settings, "Watcher", options->overrides[i].key,
                                options->overrides[i].value, "command line", reason);

        if (r == -EINVAL)
            snprintf(reterr, SETTINGS_ERROR_MAX, "--%s: %.480s", options->overrides[i].option,
                     reason);
        if (r < 0)
            return r;
    }
    return 0;
}
