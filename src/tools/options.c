/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One table line an option: how it is written, what --help says of it, and the function that takes
 * it. */

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build-config.h"

/* Returns 0, 1 if there is nothing left to do, -EINVAL if the argument is wrong and has been
 * complained about, or -ENOMEM. */
typedef int (*option_func)(struct options *options, const char *arg);

struct option_spec {
    const char *name;
    char letter; /* 0 if it has none */
    int has_arg;
    option_func take;
    const char *usage; /* NULL for a second spelling, which --help leaves out */
    const char *help;
};

static int wrong(const char *what, const char *arg, const char *allowed)
{
    fprintf(stderr, "pbs-list: %s \"%s\"; %s\n", what, arg, allowed);
    return -EINVAL;
}

static int wrong_column(const char *arg)
{
    const struct column *column;

    fprintf(stderr, "pbs-list: no such column in \"%s\"; there are", arg);
    for (size_t i = 0; (column = column_at(i)); i++)
        fprintf(stderr, " %s", column->name);
    fputc('\n', stderr);
    return -EINVAL;
}

static int take_user(struct options *options, const char *arg)
{
    return filter_add_user(options->filter, arg);
}

static int take_held(struct options *options, const char *arg)
{
    filter_set_held(options->filter);
    return 0;
}

static int take_dbfile(struct options *options, const char *arg)
{
    if (!*arg)
        return wrong("--dbfile cannot be", arg, "it is a file name");
    options->map_file = arg;
    return 0;
}

static int take_json(struct options *options, const char *arg)
{
    static const struct {
        const char *name;
        enum json_mode mode;
    } modes[] = {
        { "pretty", JSON_PRETTY },
        { "short", JSON_SHORT },
        { "lines", JSON_LINES },
        { "off", JSON_OFF },
    };

    if (!arg)
        arg = isatty(STDOUT_FILENO) ? "pretty" : "short";
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(arg, modes[i].name) == 0) {
            options->json = modes[i].mode;
            return 0;
        }
    return wrong("--json cannot be", arg, "it is pretty, short, lines or off");
}

static int take_raw(struct options *options, const char *arg)
{
    options->raw = true;
    return 0;
}

static int take_noheadings(struct options *options, const char *arg)
{
    options->headings = false;
    return 0;
}

_Static_assert(COLUMNS_MAX == 16, "a message says so");

static int take_output(struct options *options, const char *arg)
{
    int r = columns_parse(arg, &options->columns);

    if (r == -E2BIG)
        return wrong("too many columns:", arg, "16 are the most");
    if (r < 0)
        return wrong_column(arg);
    options->columns_chosen = true;
    return 0;
}

static int take_sort(struct options *options, const char *arg)
{
    options->sort = column_find(arg, strlen(arg));
    return options->sort ? 0 : wrong_column(arg);
}

static int take_reverse(struct options *options, const char *arg)
{
    options->reverse = true;
    return 0;
}

static int take_quiet(struct options *options, const char *arg)
{
    options->quiet = true;
    return 0;
}

static int take_explain(struct options *options, const char *arg)
{
    options->explain = arg;
    return 0;
}

static int take_config(struct options *options, const char *arg)
{
    options->config = arg;
    return 0;
}

static int take_file(struct options *options, const char *arg)
{
    const char **grown = reallocarray(options->files, options->n_files + 2, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    grown[options->n_files++] = arg;
    grown[options->n_files] = NULL;
    options->files = grown;
    return 0;
}

static int take_directory(struct options *options, const char *arg)
{
    options->directory = arg;
    return 0;
}

static int take_namespace(struct options *options, const char *arg)
{
    options->name_space = arg;
    return 0;
}

static int take_nothing(struct options *options, const char *arg)
{
    return 0;
}

static int print_version(struct options *options, const char *arg)
{
    puts("pop-before-smtp " VERSION);
    return 1;
}

static int print_help(struct options *options, const char *arg);

static const struct option_spec specs[] = {
    { "user", 0, required_argument, take_user, "--user=NAME",
      "only entries of this user; * and ? stand for others; may be repeated" },
    { "held", 0, no_argument, take_held, "--held", "only addresses with an open session" },
    { "dbfile", 0, required_argument, take_dbfile, "--dbfile=FILE", "the map; default: " MAP_FILE },
    { "output", 0, required_argument, take_output, "--output=COLUMNS",
      "show these columns; +COLUMNS: these too" },
    { "sort", 0, required_argument, take_sort, "--sort=COLUMN", "sort by this column" },
    { "reverse", 'r', no_argument, take_reverse, "-r, --reverse", "turn the order round" },
    { "json", 'j', optional_argument, take_json, "-j, --json[=MODE]",
      "print JSON: pretty, short, lines, off" },
    { "raw", 0, no_argument, take_raw, "--raw", "one blank between columns, for scripts" },
    { "noheadings", 0, no_argument, take_noheadings, "--noheadings",
      "leave out the heading and the count; also --no-legend" },
    { "no-legend", 0, no_argument, take_noheadings },
    { "quiet", 'q', no_argument, take_quiet, "-q, --quiet",
      "print no list; the exit status tells" },
    { "explain", 0, required_argument, take_explain, "--explain=ADDRESS",
      "show the journal entries for which it is allowed" },
    { "config", 0, required_argument, take_config, "--config=FILE",
      "for --explain: read FILE and the conf.d beside it" },
    { "file", 0, required_argument, take_file, "--file=FILE",
      "for --explain: read this journal file; may be repeated" },
    { "directory", 'D', required_argument, take_directory, "-D, --directory=DIR",
      "for --explain: read the journal files in DIR" },
    { "namespace", 0, required_argument, take_namespace, "--namespace=NAME",
      "for --explain: read the journal of this namespace" },
    { "no-pager", 0, no_argument, take_nothing, "--no-pager", "accepted; no pager is ever used" },
    { "version", 0, no_argument, print_version, "--version", "print the version, exit" },
    { "help", 0, no_argument, print_help, "--help", "print this, exit" },
};

enum {
    SPECS = sizeof(specs) / sizeof(specs[0]),
};

static int print_help(struct options *options, const char *arg)
{
    const struct column *column;

    puts("Usage: pbs-list [OPTION]... [ADDRESS|PREFIX]...\n\n"
         "List the addresses that may relay mail because somebody has read mail from there.\n\n"
         "Options:");
    for (size_t i = 0; i < SPECS; i++)
        if (specs[i].usage)
            printf("  %-20s %s\n", specs[i].usage, specs[i].help);
    puts("\nColumns:");
    for (size_t i = 0; (column = column_at(i)); i++)
        printf("  %-20s %s\n", column->name, column->help);
    puts("\nExit status: 0 found or listed, 1 something asked for is absent, 2 wrong usage,\n"
         "69 the map is not reachable, 77 not permitted.\n\n"
         "See the pbs-list(1) man page for details.");
    return 1;
}

static enum options_result result_of(int r)
{
    if (r == -ENOMEM)
        return OPTIONS_NO_MEMORY;
    if (r < 0) {
        fputs("Try 'pbs-list --help'.\n", stderr);
        return OPTIONS_WRONG;
    }
    return r > 0 ? OPTIONS_DONE : OPTIONS_RUN;
}

/* A letter stands for the option that has it; getopt_long() returns a long one's place in the
 * table, raised by 256. */
static const struct option_spec *find_spec(int code)
{
    for (size_t i = 0; i < SPECS; i++)
        if (code == (int)i + 256 || (code == specs[i].letter && code != 0))
            return &specs[i];
    return NULL;
}

static int parse_options(int argc, char *argv[], struct options *options)
{
    struct option longs[SPECS + 1] = { 0 };
    char letters[3 * SPECS + 1] = "";
    int code, r = 0;

    for (size_t i = 0; i < SPECS; i++) {
        longs[i] = (struct option){ specs[i].name, specs[i].has_arg, NULL, (int)i + 256 };
        if (specs[i].letter)
            strncat(letters, &specs[i].letter, 1);
        if (specs[i].letter && specs[i].has_arg == required_argument)
            strcat(letters, ":");
    }
    while (r == 0 && (code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const struct option_spec *spec = find_spec(code);

        r = spec ? spec->take(options, optarg) : -EINVAL;
    }
    return r;
}

/* Refuses what would not do what it says. */
static int check_combination(int argc, const struct options *options)
{
    const char *wrong_text = NULL;
    bool journal = options->files || options->directory || options->name_space;

    if (!options->explain && (journal || options->config))
        wrong_text = "--config, --file, --directory and --namespace are for --explain";
    else if (options->explain && optind < argc)
        wrong_text = "--explain takes one address, and there is another argument";
    else if (!!options->files + !!options->directory + !!options->name_space > 1)
        wrong_text = "--file, --directory and --namespace exclude each other";
    if (wrong_text)
        fprintf(stderr, "pbs-list: %s\n", wrong_text);
    return wrong_text ? -EINVAL : 0;
}

static int parse_targets(int argc, char *argv[], struct options *options)
{
    for (int i = optind; i < argc; i++) {
        int r = filter_add_target(options->filter, argv[i]);

        if (r == -EINVAL)
            return wrong("not an address or a prefix:", argv[i],
                         "write 192.0.2.10, 2001:db8::10, 192.0.2.0/24 or 2001:db8::/32");
        if (r < 0)
            return r;
    }
    return 0;
}

enum options_result options_parse(int argc, char *argv[], struct options *ret)
{
    struct options options = {
        .filter = filter_new(),
        .sort = column_find("EXPIRES", strlen("EXPIRES")),
        .headings = true,
    };
    int r;

    if (!options.filter)
        return OPTIONS_NO_MEMORY;
    r = columns_parse("ADDRESS,USER,RULE,LAST,LEFT,SESSIONS", &options.columns);
    if (r == 0)
        r = parse_options(argc, argv, &options);
    if (r == 0)
        r = check_combination(argc, &options);
    if (r == 0)
        r = parse_targets(argc, argv, &options);
    if (r == 0)
        *ret = options;
    else
        options_done(&options);
    return result_of(r);
}

void options_done(struct options *options)
{
    options->filter = filter_free(options->filter);
    free(options->files);
}
