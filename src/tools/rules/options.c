/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options, one line each: names, which commands take it, what --help says, and the function
 * that takes it. Names and meanings are those of journalctl(1) wherever it has the same. */

#include "options-private.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "build-config.h"
#include "core/cleanup.h"

enum {
    TEST = 1 << COMMAND_TEST,
    CHECK = 1 << COMMAND_CHECK,
    LIST = 1 << COMMAND_LIST,
    EXPLAIN = 1 << COMMAND_EXPLAIN,
    EVERY = TEST | CHECK | LIST | EXPLAIN,
};

enum kind {
    TAKE,    /* calls a function */
    TEXT,    /* sets a text */
    LIST_OF, /* adds to texts */
    FLAG,    /* sets a bool */
    IGNORE,  /* does nothing */
};

struct option_spec {
    const char *name;
    char letter; /* 0 if it has none */
    int has_arg;
    unsigned commands;
    enum kind kind;
    size_t offset;    /* in struct options, of what the kind sets */
    option_func take; /* for TAKE */
    const char *usage, *help;
};

#define AT(name) offsetof(struct options, name)

static const char *const command_names[_COMMAND_MAX] = {
    [COMMAND_TEST] = "test",
    [COMMAND_CHECK] = "check",
    [COMMAND_LIST] = "list",
    [COMMAND_EXPLAIN] = "explain",
};

static int add_text(struct texts *texts, const char *text)
{
    const char **grown = reallocarray(texts->item, texts->count + 2, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    grown[texts->count++] = text;
    grown[texts->count] = NULL;
    texts->item = grown;
    return 0;
}

static int print_version(struct parsing *parsing, const char *arg)
{
    puts("pop-before-smtp " VERSION);
    return 1;
}

static int print_help(struct parsing *parsing, const char *arg);

static const struct option_spec specs[] = {
    { "unit", 'u', required_argument, TEST, TAKE, 0, options_take_unit, "-u, --unit=UNIT",
      "only entries of this unit's processes" },
    { "identifier", 't', required_argument, TEST, TAKE, 0, options_take_identifier,
      "-t, --identifier=NAME", "only entries with this syslog identifier" },
    { "boot", 'b', optional_argument, TEST, TAKE, 0, options_take_boot, "-b, --boot[=ID]",
      "only entries of this boot, or of another" },
    { "lines", 'n', optional_argument, TEST, TAKE, 0, options_take_lines, "-n, --lines[=N]",
      "only the last N entries, or 10" },
    { "follow", 'f', no_argument, TEST, FLAG, AT(follow), NULL, "-f, --follow",
      "wait for new entries" },
    { "since", 'S', required_argument, TEST, TAKE, 0, options_take_since, "-S, --since=TIME",
      "only entries from this time on" },
    { "until", 'U', required_argument, TEST, TAKE, 0, options_take_until, "-U, --until=TIME",
      "only entries up to this time" },
    { "file", 0, required_argument, TEST | EXPLAIN, LIST_OF, AT(files), NULL, "--file=FILE",
      "read this journal file; may be repeated" },
    { "directory", 'D', required_argument, TEST | EXPLAIN, TEXT, AT(directory), NULL,
      "-D, --directory=DIR", "read the journal files in this directory" },
    { "namespace", 0, required_argument, TEST | EXPLAIN, TEXT, AT(name_space), NULL,
      "--namespace=NAME", "read the journal of this namespace" },
    { "field", 0, required_argument, TEST, TAKE, 0, options_take_field, "--field=FIELD=VALUE",
      "a field that plain lines lack; may be repeated" },
    { "rule", 0, required_argument, TEST, LIST_OF, AT(rules), NULL, "--rule=NAME",
      "try only this rule, enabled or not; may be repeated" },
    { "all", 'a', no_argument, TEST, FLAG, AT(all), NULL, "-a, --all",
      "show each miss at its place, and what concerns no rule" },
    { "table", 0, no_argument, TEST, FLAG, AT(table), NULL, "--table",
      "show who would be allowed at the last entry" },
    { "expect", 0, required_argument, TEST, TEXT, AT(expect), NULL, "--expect=FILE",
      "compare the logins and logouts with those in FILE" },
    { "quiet", 'q', no_argument, TEST, FLAG, AT(quiet), NULL, "-q, --quiet",
      "leave out what is not about an entry" },
    { "json", 'j', no_argument, TEST | LIST, FLAG, AT(json), NULL, "-j, --json",
      "print JSON, an object a line" },
    { "dbfile", 0, required_argument, EXPLAIN, TEXT, AT(map_file), NULL, "--dbfile=FILE",
      "the map; default: the configured one" },
    { "config", 0, required_argument, EVERY, TEXT, AT(config), NULL, "--config=FILE",
      "read FILE and the conf.d beside it, and nothing else" },
    { "no-pager", 0, no_argument, EVERY, IGNORE, 0, NULL, "--no-pager",
      "accepted; no pager is ever used" },
    { "version", 0, no_argument, EVERY, TAKE, 0, print_version, "--version",
      "print the version, exit" },
    { "help", 'h', no_argument, EVERY, TAKE, 0, print_help, "-h, --help", "print this, exit" },
};

enum {
    SPECS = sizeof(specs) / sizeof(specs[0]),
};

static int print_help(struct parsing *parsing, const char *arg)
{
    puts("Usage: pbs-rules [OPTION]... test [FIELD=VALUE]...\n"
         "       pbs-rules [OPTION]... test -\n"
         "       pbs-rules [OPTION]... check\n"
         "       pbs-rules [OPTION]... list\n"
         "       pbs-rules [OPTION]... explain ADDRESS\n\n"
         "Show what the rules make of a journal, and why.\n\n"
         "Commands:\n"
         "  test     judge each entry of the journal, or of standard input\n"
         "  check    look for faults in all rules\n"
         "  list     show each rule, and the journalctl command for its entries\n"
         "  explain  show the entries for which an address is allowed\n\n"
         "Options:");
    for (size_t i = 0; i < SPECS; i++)
        printf("  %-23s %s\n", specs[i].usage, specs[i].help);
    puts("\nExit status: 0 there was a match, 1 there was none, 2 wrong usage, 69 no journal or "
         "map,\n"
         "77 not permitted, 78 a rule or the configuration is wrong.\n\n"
         "See the pbs-rules(1) man page for details.");
    return 1;
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

static void make_letters(char ret[static 3 * SPECS + 1])
{
    char *p = ret;

    for (size_t i = 0; i < SPECS; i++) {
        if (!specs[i].letter)
            continue;
        *p++ = specs[i].letter;
        if (specs[i].has_arg != no_argument)
            *p++ = ':';
        if (specs[i].has_arg == optional_argument)
            *p++ = ':';
    }
    *p = 0;
}

static int take(struct parsing *parsing, const struct option_spec *spec, const char *arg)
{
    char *field = (char *)parsing->options + spec->offset;

    switch (spec->kind) {
    case TAKE:
        return spec->take(parsing, arg);
    case TEXT:
        if (!*arg)
            return options_wrong("an option's value cannot be", arg, "it is a name");
        *(const char **)field = arg;
        break;
    case LIST_OF:
        return add_text((struct texts *)field, arg);
    case FLAG:
        *(bool *)field = true;
        break;
    case IGNORE:
        break;
    }
    return 0;
}

/* Which options were given is kept until the command is known. */
static int parse_options(struct parsing *parsing, bool given[static SPECS])
{
    struct option longs[SPECS + 1] = { 0 };
    char letters[3 * SPECS + 1];
    int code, r = 0;

    for (size_t i = 0; i < SPECS; i++)
        longs[i] = (struct option){ specs[i].name, specs[i].has_arg, NULL, (int)i + 256 };
    make_letters(letters);
    while (r == 0 &&
           (code = getopt_long(parsing->argc, parsing->argv, letters, longs, NULL)) != -1) {
        const struct option_spec *spec = find_spec(code);

        r = spec ? take(parsing, spec, optarg) : -EINVAL;
        if (spec)
            given[spec - specs] = true;
    }
    return r;
}

static int check_commands(const struct options *options, const bool given[static SPECS])
{
    for (size_t i = 0; i < SPECS; i++)
        if (given[i] && !(specs[i].commands & 1 << options->command)) {
            fprintf(stderr, "pbs-rules: %s takes no --%s\n", command_names[options->command],
                    specs[i].name);
            return -EINVAL;
        }
    return 0;
}

static int parse_command(struct parsing *parsing)
{
    const char *word = options_next_word(parsing);

    if (!word) {
        fputs("pbs-rules: which command? There are test, check, list and explain\n", stderr);
        return -EINVAL;
    }
    for (int i = 0; i < _COMMAND_MAX; i++)
        if (strcmp(word, command_names[i]) == 0) {
            parsing->options->command = (enum command)i;
            optind++;
            return 0;
        }
    return options_wrong("there is no command", word, "there are test, check, list and explain");
}

static int parse_argument(struct options *options, const char *arg)
{
    int r;

    if (options->command == COMMAND_EXPLAIN && !options->address) {
        options->address = arg;
        return 0;
    }
    if (options->command != COMMAND_TEST)
        return options_wrong("unexpected argument", arg, "the command takes no more of them");
    if (strcmp(arg, "-") == 0) {
        options->from_stdin = true;
        return 0;
    }
    r = selection_add_term(options->selection, arg);
    if (r == -EINVAL)
        return options_wrong("not a match:", arg,
                             "write FIELD=VALUE, + between alternatives, or -");
    return r;
}

static int say(const char *text)
{
    fprintf(stderr, "pbs-rules: %s\n", text);
    return -EINVAL;
}

/* Refuses what would not do what it says. */
static int check_combination(const struct options *options)
{
    bool journal = options->files.count > 0 || options->directory || options->name_space;

    if (options->command == COMMAND_EXPLAIN && !options->address)
        return say("which address is to be explained?");
    if ((options->files.count > 0) + !!options->directory + !!options->name_space > 1)
        return say("--file, --directory and --namespace exclude each other");
    if (options->from_stdin && journal)
        return say("a journal and - exclude each other");
    if (options->from_stdin && options->lines != UINT64_MAX)
        return say("--lines needs a journal; use tail(1) for -");
    if (options->from_stdin && options->follow)
        return say("--follow needs a journal; - is read as it comes");
    if (options->from_stdin && options->boot)
        return say("--boot needs a journal; _BOOT_ID=ID does it for -");
    if (options->follow && options->expect)
        return say("--follow has no end at which --expect could compare");
    if (options->json && options->expect)
        return say("--json and --expect exclude each other");
    return 0;
}

static int parse(struct parsing *parsing)
{
    bool given[SPECS] = { false };
    struct options *options = parsing->options;
    int r = parse_options(parsing, given);

    if (r == 0)
        r = parse_command(parsing);
    if (r == 0)
        r = check_commands(options, given);
    while (r == 0 && options_next_word(parsing))
        r = parse_argument(options, parsing->argv[optind++]);
    if (r == 0)
        r = check_combination(options);
    if (r == 0 && options->follow && !options->has_since)
        options->lines = LINES_DEFAULT;
    return r;
}

static enum options_result result_of(int r)
{
    if (r == -ENOMEM)
        return OPTIONS_NO_MEMORY;
    if (r < 0) {
        fputs("Try 'pbs-rules --help'.\n", stderr);
        return OPTIONS_WRONG;
    }
    return r > 0 ? OPTIONS_DONE : OPTIONS_RUN;
}

enum options_result options_parse(int argc, char *argv[], uint64_t now_usec, struct options *ret)
{
    struct options options = {
        .selection = selection_new(),
        .fields = fields_new(),
        .lines = UINT64_MAX,
    };
    struct parsing parsing = { &options, argc, argv, now_usec };
    int r = options.selection && options.fields ? parse(&parsing) : -ENOMEM;

    if (r == 0)
        *ret = options;
    else
        options_done(&options);
    return result_of(r);
}

void options_done(struct options *options)
{
    options->selection = selection_free(options->selection);
    options->fields = fields_free(options->fields);
    free(options->files.item);
    free(options->rules.item);
}
