/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One table row an option: its name, what may stand behind it, and the function that takes it. */

#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build-config.h"
#include "core/limits.h"

#define MAX_CONNECTIONS_DEFAULT 1024

/* So many would take 550 MiB; Postfix's default is 100 processes a service. */
#define MAX_CONNECTIONS_LIMIT 65536

static int set_listen(struct options *options, const char *value)
{
    if (options->n_listen == SERVER_LISTENERS_MAX)
        return -E2BIG;
    options->listen[options->n_listen++] = value;
    return 0;
}

static int set_dbfile(struct options *options, const char *value)
{
    if (!*value)
        return -EINVAL;
    options->dbfile = value;
    return 0;
}

static int set_catch_up(struct options *options, const char *value)
{
    if (*value && (*value != '/' || strlen(value) > SOCKET_PATH_MAX))
        return -EINVAL;
    options->catch_up = value;
    return 0;
}

static int set_max_connections(struct options *options, const char *value)
{
    char *end;

    if (!isdigit((unsigned char)*value))
        return -EINVAL;
    errno = 0;
    unsigned long n = strtoul(value, &end, 10);
    if (*end || errno != 0 || n < 1 || n > MAX_CONNECTIONS_LIMIT)
        return -EINVAL;
    options->max_connections = (unsigned)n;
    return 0;
}

static int set_debug(struct options *options, const char *value)
{
    options->debug = true;
    return 0;
}

static void print_help(void);

static void print_version(void)
{
    puts("pop-before-smtp " VERSION);
}

/* One row an option: exactly one of `set`, which returns 0 or -EINVAL or -E2BIG, and `print`. */
static const struct option_row {
    const char *name;
    const char *value; /* what --help calls it; NULL if there is none */
    int (*set)(struct options *options, const char *value);
    void (*print)(void);
    const char *allowed; /* what the value may be */
    const char *help;
} rows[] = {
    { "listen", "ADDRESS:PORT", set_listen, NULL,
      "a numeric address, IPv6 in brackets, and a port; at most 32 times",
      "listen there; can be given several times" },
    { "dbfile", "FILE", set_dbfile, NULL, "a file name",
      "read the map in FILE instead of " MAP_FILE },
    { "catch-up", "SOCKET", set_catch_up, NULL, "an absolute path of at most 107 bytes, or empty",
      "ask the watcher there, not at " CATCH_UP_SOCKET ";\n"
      "                           empty: not at all" },
    { "max-connections", "N", set_max_connections, NULL, "a number from 1 to 65536",
      "serve at most N clients at a time (1024)" },
    { "debug", NULL, set_debug, NULL, NULL, "log each request and its answer" },
    { "version", NULL, NULL, print_version, NULL, "print the version, exit" },
    { "help", NULL, NULL, print_help, NULL, "print this, exit" },
};

_Static_assert(SERVER_LISTENERS_MAX == 32 && SOCKET_PATH_MAX == 107 &&
                   MAX_CONNECTIONS_LIMIT == 65536,
               "the rows say so");

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void print_help(void)
{
    puts("Usage: pbs-lookupd [OPTION]...\n\n"
         "Tell mail servers which addresses may relay, by Postfix's tcp_table protocol, on\n"
         "the sockets that systemd passes and on those named with --listen.\n\n"
         "Options:");
    for (size_t i = 0; i < N_ROWS; i++) {
        char left[40];

        (void)snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].value ? "=" : "",
                       rows[i].value ? rows[i].value : "");
        printf("  %-24s %s\n", left, rows[i].help);
    }
    puts("\nSee the pbs-lookupd(8) man page for details.");
}

void options_hint(void)
{
    fputs("Try 'pbs-lookupd --help'.\n", stderr);
}

static enum options_result apply(const struct option_row *row, const char *value,
                                 struct options *options)
{
    if (row->print) {
        row->print();
        return OPTIONS_PRINTED;
    }
    if (row->set(options, value) == 0)
        return OPTIONS_RUN;
    fprintf(stderr, "pbs-lookupd: --%s=%s: must be %s\n", row->name, value, row->allowed);
    options_hint();
    return OPTIONS_WRONG;
}

enum options_result options_parse(int argc, char **argv, struct options *ret)
{
    struct options options = {
        .dbfile = MAP_FILE,
        .catch_up = CATCH_UP_SOCKET,
        .max_connections = MAX_CONNECTIONS_DEFAULT,
    };
    struct option longs[N_ROWS + 1] = { 0 };
    int index, c;

    for (size_t i = 0; i < N_ROWS; i++)
        longs[i] = (struct option){ rows[i].name, rows[i].value ? required_argument : no_argument,
                                    NULL, 0 };

    while ((c = getopt_long(argc, argv, "", longs, &index)) != -1) {
        if (c != 0) {
            options_hint();
            return OPTIONS_WRONG;
        }
        enum options_result result = apply(&rows[index], optarg, &options);
        if (result != OPTIONS_RUN)
            return result;
    }
    if (optind < argc) {
        fprintf(stderr, "pbs-lookupd: unexpected argument '%s'\n", argv[optind]);
        options_hint();
        return OPTIONS_WRONG;
    }
    *ret = options;
    return OPTIONS_RUN;
}
