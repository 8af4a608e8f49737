/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pbs-list(1): which addresses may relay now, whose logins allowed them, and for how long. */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "build-config.h"
#include "core/cleanup.h"
#include "json.h"
#include "listing.h"
#include "map-error.h"
#include "options.h"
#include "program/clock.h"
#include "rules/explain.h"
#include "store/map.h"
#include "table.h"

enum {
    EXIT_FOUND = 0,
    EXIT_ABSENT = 1,
    EXIT_USAGE = 2,
};

static const char *map_path(const struct options *options)
{
    return options->map_file ? options->map_file : MAP_FILE;
}

static int read_listing(const struct options *options, uint64_t now, struct listing *ret)
{
    _cleanup_(map_closep) struct map *map = NULL;
    const char *path = map_path(options);
    int r = map_open_reader(path, &map);

    if (r == 0)
        r = listing_read(ret, map, options->filter, now);
    if (r < 0)
        return map_error_complain(path, r);
    if (ret->unreadable > 0)
        fprintf(stderr, "pbs-list: %s: %zu damaged record%s left out\n", path, ret->unreadable,
                ret->unreadable == 1 ? "" : "s");
    listing_sort(ret, options->sort, options->reverse, now);
    return 0;
}

/* Without --output=, JSON has every column: a reader there takes what it wants by name. */
static int print_listing(const struct options *options, const struct listing *listing, uint64_t now)
{
    struct columns columns = options->columns;

    if (options->quiet)
        return 0;
    if (options->json == JSON_OFF)
        return table_print(listing, &columns, options->headings, options->raw, now);
    if (!options->columns_chosen) {
        columns.count = 0;
        for (size_t i = 0; column_at(i); i++)
            columns.column[columns.count++] = column_at(i);
    }
    return json_print(listing, &columns, options->json, now);
}

/* Returns EXIT_ABSENT if something asked for by address has no entry. An empty list says so itself.
 */
static int report_absent(const struct options *options, const struct listing *listing)
{
    const char *absent;
    size_t i = 0;

    for (; (absent = filter_absent(options->filter, i)); i++)
        if (listing->count > 0 && !options->quiet)
            fprintf(stderr, "pbs-list: %s: no entry\n", absent);
    return i > 0 ? EXIT_ABSENT : EXIT_FOUND;
}

static int run(const struct options *options)
{
    uint64_t now = clock_realtime_usec();
    _cleanup_(listing_done) struct listing listing = { 0 };
    int r = read_listing(options, now, &listing);

    if (r != 0)
        return r;
    r = print_listing(options, &listing, now);
    if (r < 0)
        return map_error_complain(map_path(options), r);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "pbs-list: standard output: %s\n", strerror(errno));
        return EX_IOERR;
    }
    return report_absent(options, &listing);
}

static int explain(const struct options *options)
{
    struct explain_options explain = {
        .address = options->explain,
        .config = options->config,
        .map_file = options->map_file,
        .files = options->files,
        .directory = options->directory,
        .name_space = options->name_space,
    };

    return explain_run(&explain);
}

int main(int argc, char *argv[])
{
    _cleanup_(options_done) struct options options = { 0 };

    /* For the width of characters; times and numbers stay as they are for every locale. */
    setlocale(LC_CTYPE, "");
    switch (options_parse(argc, argv, &options)) {
    case OPTIONS_RUN:
        return options.explain ? explain(&options) : run(&options);
    case OPTIONS_DONE:
        return EXIT_FOUND;
    case OPTIONS_NO_MEMORY:
        return map_error_complain("command line", -ENOMEM);
    case OPTIONS_WRONG:
        break;
    }
    return EXIT_USAGE;
}
