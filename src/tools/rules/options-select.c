/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of journalctl(1) that select entries. */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "boot.h"
#include "core/match.h"
#include "core/timestamp.h"
#include "options-private.h"

int options_wrong(const char *what, const char *arg, const char *allowed)
{
    fprintf(stderr, "pbs-rules: %s \"%s\"; %s\n", what, arg, allowed);
    return -EINVAL;
}

static bool has_unit_suffix(const char *name)
{
    static const char *const suffixes[] = { ".service", ".socket", ".scope",    ".slice",
                                            ".mount",   ".timer",  ".path",     ".target",
                                            ".swap",    ".device", ".automount" };
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (len > strlen(suffixes[i]) && strcmp(name + len - strlen(suffixes[i]), suffixes[i]) == 0)
            return true;
    return false;
}

int options_take_unit(struct parsing *parsing, const char *arg)
{
    char unit[300];

    if (!*arg || strlen(arg) > 255)
        return options_wrong("--unit cannot be", arg, "it is a unit's name");
    if (strpbrk(arg, "*?["))
        return options_wrong("--unit cannot be", arg,
                             "patterns are not known here; name each unit");
    snprintf(unit, sizeof(unit), "%s%s", arg, has_unit_suffix(arg) ? "" : ".service");
    return selection_require(parsing->options->selection, "_SYSTEMD_UNIT", unit);
}

int options_take_identifier(struct parsing *parsing, const char *arg)
{
    return selection_require(parsing->options->selection, "SYSLOG_IDENTIFIER", arg);
}

/* As journalctl does: the argument of an option that can do without may stand apart. */
const char *options_next_word(const struct parsing *parsing)
{
    return optind < parsing->argc ? parsing->argv[optind] : NULL;
}

int options_take_boot(struct parsing *parsing, const char *arg)
{
    const char *next = options_next_word(parsing);

    if (!arg && next && boot_is_name(next)) {
        arg = next;
        optind++;
    }
    if (arg && *arg && !boot_is_name(arg))
        return options_wrong("--boot cannot be", arg, "it is a boot's id, or a number such as -1");
    parsing->options->boot = arg ? arg : "";
    return 0;
}

static bool read_lines(const char *text, uint64_t *ret)
{
    size_t len = strlen(text);

    if (strcmp(text, "all") == 0) {
        *ret = UINT64_MAX;
        return true;
    }
    if (len == 0 || len > 9 || strspn(text, "0123456789") != len)
        return false;
    *ret = strtoull(text, NULL, 10);
    return true;
}

int options_take_lines(struct parsing *parsing, const char *arg)
{
    const char *next = options_next_word(parsing);

    parsing->options->has_since = true;
    parsing->options->lines = LINES_DEFAULT;
    if (!arg && next && read_lines(next, &parsing->options->lines)) {
        optind++;
        return 0;
    }
    if (arg && !read_lines(arg, &parsing->options->lines))
        return options_wrong("--lines cannot be", arg, "it is a number, or all");
    return 0;
}

static int read_time(struct parsing *parsing, const char *option, const char *arg, uint64_t *ret)
{
    if (timestamp_parse(arg, parsing->now_usec, ret) == 0)
        return 0;
    fprintf(stderr,
            "pbs-rules: %s cannot be \"%s\"; it is like \"2026-11-22 12:00:00\", \"12:00\", "
            "yesterday, -2h, or @ and seconds\n",
            option, arg);
    return -EINVAL;
}

int options_take_since(struct parsing *parsing, const char *arg)
{
    uint64_t usec;
    int r = read_time(parsing, "--since", arg, &usec);

    if (r < 0)
        return r;
    parsing->options->has_since = true;
    selection_set_since(parsing->options->selection, usec);
    return 0;
}

int options_take_until(struct parsing *parsing, const char *arg)
{
    uint64_t usec;
    int r = read_time(parsing, "--until", arg, &usec);

    if (r == 0)
        selection_set_until(parsing->options->selection, usec);
    return r;
}

int options_take_field(struct parsing *parsing, const char *arg)
{
    size_t len = strcspn(arg, "=");

    if (!arg[len] || !match_is_field_name(arg, len))
        return options_wrong("--field cannot be", arg, "it is like _SYSTEMD_UNIT=dovecot.service");
    return fields_add_word(parsing->options->fields, arg);
}
