/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The map says that an address is allowed, the journal why: all that the rules ask for is judged
 * once more, from as long ago as a login can count, because an address may stand in another entry
 * than the login does. */

#include "explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "colour.h"
#include "program/clock.h"
#include "progress.h"
#include "report.h"
#include "setup.h"
#include "tools/listing.h"
#include "tools/map-error.h"
#include "tools/table.h"

/* Entries that are kept; older ones are counted. */
#define EVENTS_MAX 1000

struct explain {
    const struct explain_options *options;
    struct addr addr; /* the group that the map keeps it in */
    struct settings *settings;
    struct networks *local;
    struct selection *selection;
    struct input *input;
    struct replay *replay;
    char *text[EVENTS_MAX]; /* of the latest events, in turn */
    size_t events;
};

static void explain_clear(struct explain *explain)
{
    input_free(explain->input);
    replay_free(explain->replay);
    networks_free(explain->local);
    settings_free(explain->settings);
    selection_free(explain->selection);
    for (size_t i = 0; i < EVENTS_MAX; i++)
        free(explain->text[i]);
}

/* Prints the record as pbs-list does. */
static int print_record(struct map *map, const char *address)
{
    _cleanup_(listing_done) struct listing listing = { 0 };
    uint64_t now_usec = clock_realtime_usec();
    struct filter *filter = filter_new();
    struct columns columns = { 0 };
    int r = filter ? filter_add_target(filter, address) : -ENOMEM;

    if (r == 0)
        r = columns_parse("ADDRESS,USER,RULE,LAST,LEFT,SESSIONS", &columns);
    if (r == 0)
        r = listing_read(&listing, map, filter, now_usec);
    filter_free(filter);
    if (r < 0)
        return r;
    if (listing.count == 0)
        printf("%s is not allowed.\n", address);
    else
        r = table_print(&listing, &columns, true, false, now_usec);
    return r < 0 ? r : listing.count > 0;
}

static int explain_map(const struct explain *explain)
{
    _cleanup_(map_closep) struct map *map = NULL;
    const char *path =
        explain->options->map_file ? explain->options->map_file : explain->settings->map;
    int r = map_open_reader(path, &map);

    if (r == 0)
        r = print_record(map, explain->options->address);
    if (r < 0)
        return map_error_complain(path, r);
    return r > 0 ? EXIT_MATCH : EXIT_NO_MATCH;
}

static bool is_about(const struct explain *explain, const struct outcome *outcome)
{
    struct addr addr;

    if (!outcome_addr(outcome, &addr))
        return false;
    addr = addr_group(&addr, explain->settings->ipv6_bits);
    return addr_compare(&addr, &explain->addr) == 0;
}

static int keep(struct explain *explain, const struct entry *entry, const struct outcome *outcome)
{
    struct judgement judgement = { .entry = entry, .outcome = outcome, .concerns = true };
    struct report_options report = {
        .colour = colour_wanted(stdout),
        .settings = explain->settings,
    };
    char *text = NULL, **slot = &explain->text[explain->events % EVENTS_MAX];
    size_t size;

    report.file = open_memstream(&text, &size);
    if (!report.file)
        return -ENOMEM;
    report_text_entry(&report, &judgement);
    if (fclose(report.file) != 0) {
        free(text);
        return -ENOMEM;
    }
    free(*slot);
    *slot = text;
    explain->events++;
    return 0;
}

static int read_entries(struct explain *explain)
{
    struct progress progress;
    struct input_entry input;
    size_t entries = 0;
    int r;

    progress_start(&progress, true, clock_monotonic_usec());
    while ((r = explain->input->next(explain->input, &input)) > 0) {
        struct outcome outcome;

        if (input.is_first)
            replay_doubt(explain->replay);
        r = replay_entry(explain->replay, &input.entry, &outcome);
        if (r == 0 && is_about(explain, &outcome))
            r = keep(explain, &input.entry, &outcome);
        if (r < 0)
            break;
        progress_tick(&progress, ++entries, input.entry.realtime_usec, clock_monotonic_usec());
    }
    progress_clear(&progress);
    return r;
}

static void print_events(const struct explain *explain)
{
    size_t kept = explain->events < EVENTS_MAX ? explain->events : EVENTS_MAX;

    if (kept == 0)
        puts("\nThe journal has no entries about it.");
    else
        putchar('\n');
    for (size_t i = 1; i <= kept; i++)
        fputs(explain->text[(explain->events - i) % EVENTS_MAX], stdout);
    if (explain->events > kept)
        printf("\nand %zu older ones\n", explain->events - kept);
}

static int open_journal(struct explain *explain)
{
    uint64_t now_usec = clock_realtime_usec(),
             back_usec = settings_longest_usec(explain->settings) + USEC_PER_DAY;
    struct input_journal_options journal = {
        .files = explain->options->files,
        .directory = explain->options->directory,
        .name_space = explain->options->name_space,
        .settings = explain->settings,
        .selection = explain->selection,
        .lines = UINT64_MAX,
        .only_rules = true,
    };

    if (!explain->selection)
        return complain_of(-ENOMEM, "journal");
    selection_set_since(explain->selection, now_usec > back_usec ? now_usec - back_usec : 1);
    return setup_journal(&journal, &explain->input);
}

static int explain_journal(struct explain *explain)
{
    int status = setup_networks(explain->settings, &explain->local), r;

    if (status == 0)
        status = open_journal(explain);
    if (status != 0)
        return status;
    r = replay_new(explain->settings, explain->local, &explain->replay);
    if (r == 0)
        r = read_entries(explain);
    if (r < 0)
        return complain_of(r, "journal");
    print_events(explain);
    return 0;
}

int explain_run(const struct explain_options *options)
{
    _cleanup_(explain_clear) struct explain explain = {
        .options = options,
        .selection = selection_new(),
    };
    int status, journal;

    if (addr_parse_lookup(options->address, strlen(options->address), &explain.addr) < 0) {
        complain("not an address: \"%s\"; write 192.0.2.10 or 2001:db8::10", options->address);
        return EXIT_USAGE;
    }
    status = setup_settings(options->config, NULL, &explain.settings);
    if (status != 0)
        return status;
    explain.addr = addr_group(&explain.addr, explain.settings->ipv6_bits);
    status = explain_map(&explain);
    journal = explain_journal(&explain);
    return finish_output(status > EXIT_USAGE || journal == 0 ? status : journal);
}
