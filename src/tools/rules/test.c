/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every entry goes through the watcher's own rules and table; what comes out is printed, counted or
 * compared. */

#include "test.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "colour.h"
#include "concern.h"
#include "expect.h"
#include "program/clock.h"
#include "progress.h"
#include "report.h"
#include "setup.h"
#include "tools/listing.h"
#include "tools/table.h"

struct test {
    const struct options *options;
    struct settings *settings;
    struct networks *local, *own;
    struct input *input;
    struct replay *replay;
    struct folds *folds;
    struct expect *expect;
    struct tally tally;
    struct progress progress;
    struct report_options report;
    char *source;
    bool has_entries; /* some were printed */
};

static volatile sig_atomic_t interrupted;

static void test_clear(struct test *test)
{
    input_free(test->input);
    replay_free(test->replay);
    folds_free(test->folds);
    expect_free(test->expect);
    tally_done(&test->tally);
    networks_free(test->local);
    networks_free(test->own);
    settings_free(test->settings);
    free(test->source);
}

static void on_interrupt(int number)
{
    interrupted = 1;
}

static bool is_interrupted(void)
{
    return interrupted;
}

/* The second time it ends the program as always. */
static void catch_interrupt(void)
{
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static int open_journal(struct test *test)
{
    const struct options *options = test->options;
    struct input_journal_options journal = {
        .files = options->files.item,
        .directory = options->directory,
        .name_space = options->name_space,
        .settings = test->settings,
        .selection = options->selection,
        .boot = options->boot,
        .lines = options->lines,
        .back_usec = settings_longest_usec(test->settings) + USEC_PER_DAY,
        .follow = options->follow,
        .is_over = is_interrupted,
    };

    return setup_journal(&journal, &test->input);
}

static int open_input(struct test *test)
{
    int r;

    if (!test->options->from_stdin)
        return open_journal(test);
    r = input_open_text(stdin, test->options->selection, test->options->fields,
                        clock_realtime_usec(), &test->input);
    if (r == -EPROTONOSUPPORT) {
        complain("standard input: JSON is not read; what journalctl -a -o export writes is");
        return EX_DATAERR;
    }
    return r < 0 ? complain_of(r, "standard input") : 0;
}

static const char *source_name(const struct test *test)
{
    const struct options *options = test->options;

    if (options->from_stdin)
        return "standard input";
    if (options->files.count > 0)
        return options->files.item[0];
    if (options->directory || options->name_space)
        return options->directory ? options->directory : options->name_space;
    return test->settings->journal[0] ? test->settings->journal : "the local journal";
}

static void print_time(FILE *file, const char *word, uint64_t usec)
{
    struct cell cell = { .kind = CELL_TIME, .number = usec };
    char text[CELL_TEXT_MAX];

    fprintf(file, ", %s %s", word, cell_format(&cell, 0, text));
}

/* Says in words what is read. */
static int describe_source(struct test *test)
{
    const struct options *options = test->options;
    uint64_t since = selection_since(options->selection),
             until = selection_until(options->selection);
    _cleanup_(freep) char *words = NULL;
    size_t size;
    FILE *file;

    if (selection_describe(options->selection, &words) < 0)
        return -ENOMEM;
    file = open_memstream(&test->source, &size);
    if (!file)
        return -ENOMEM;
    fprintf(file, "%s%s", source_name(test), options->files.count > 1 ? " and others" : "");
    if (words[0])
        fprintf(file, ", %s", words);
    if (since > 0)
        print_time(file, "since", since);
    if (until < UINT64_MAX)
        print_time(file, "until", until);
    if (options->lines != UINT64_MAX)
        fprintf(file, ", the last %" PRIu64, options->lines);
    return fclose(file) == 0 ? 0 : -ENOMEM;
}

static int open_expect(struct test *test)
{
    const char *path = test->options->expect;
    unsigned line = 0;
    int r = path ? expect_read(path, &test->expect, &line) : 0;

    if (r == -EBADMSG)
        complain("%s:%u: not \"login\" or \"logout\", address, user and message with TABs between",
                 path, line);
    else if (r < 0)
        return complain_of(r, path);
    return r < 0 ? EXIT_USAGE : 0;
}

static int make_parts(struct test *test)
{
    int r = replay_new(test->settings, test->local, &test->replay);

    if (r == 0)
        r = tally_init(&test->tally, test->settings->rules, clock_monotonic_usec());
    if (r == 0)
        r = describe_source(test);
    test->folds = r == 0 ? folds_new() : NULL;
    if (r == 0 && !test->folds)
        r = -ENOMEM;
    /* Only a warning depends on it. */
    if (r == 0 && miss_read_own(&test->own) < 0)
        test->own = NULL;
    test->report = (struct report_options){
        .file = stdout,
        .colour = colour_wanted(stdout),
        .settings = test->settings,
        .source = test->source,
        .quiet = test->options->quiet,
    };
    return r < 0 ? complain_of(r, "preparing") : 0;
}

static int open_test(struct test *test)
{
    int status = open_expect(test);

    if (status == 0)
        status = setup_settings(test->options->config, test->options->rules.item, &test->settings);
    if (status == 0)
        status = setup_networks(test->settings, &test->local);
    if (status == 0)
        status = open_input(test);
    return status == 0 ? make_parts(test) : status;
}

/* Keeps what there is to be said of the first entry of a shape. */
static int fold(struct test *test, const struct judgement *judgement)
{
    struct report_options report = test->report;
    char *text = NULL;
    size_t size;

    report.file = open_memstream(&text, &size);
    if (!report.file)
        return -ENOMEM;
    report_text_miss(&report, judgement);
    if (fclose(report.file) != 0) {
        free(text);
        return -ENOMEM;
    }
    folds_set_text(test->folds, text);
    return 0;
}

/* Finding out why takes long: for a shape that was seen before it is not done. */
static int take_miss(struct test *test, struct judgement *judgement)
{
    bool folds = !test->options->all && !test->options->json, is_new = true;
    struct miss miss = { 0 };
    const void *message = "";
    size_t len = 0;
    int r = 0;

    if (folds && judgement->entry->get(judgement->entry, "MESSAGE", &message, &len) < 0)
        len = 0;
    if (folds)
        r = folds_add(test->folds, message, len, &is_new);
    if (r < 0 || !is_new)
        return r;
    r = miss_find(test->settings, judgement->entry, judgement->outcome->judged,
                  judgement->outcome->rule, &miss);
    if (r < 0)
        return r;
    judgement->miss = &miss;
    if (folds)
        r = fold(test, judgement);
    else if (test->options->json)
        r = report_json_entry(&test->report, judgement);
    else
        report_text_entry(&test->report, judgement);
    test->has_entries = test->has_entries || !folds;
    judgement->miss = NULL;
    miss_clear(&miss);
    return r;
}

static int report(struct test *test, struct judgement *judgement)
{
    progress_clear(&test->progress);
    if (judgement->outcome->verdict == VERDICT_MISSED && judgement->concerns)
        return take_miss(test, judgement);
    if (judgement->outcome->verdict == VERDICT_MISSED && !test->options->all)
        return 0;
    if (test->options->json)
        return report_json_entry(&test->report, judgement);
    report_text_entry(&test->report, judgement);
    test->has_entries = true;
    return 0;
}

static int take_entry(struct test *test, const struct entry *entry, const struct outcome *outcome)
{
    char warning[MISS_TEXT_MAX];
    struct judgement judgement = { .entry = entry, .outcome = outcome, .concerns = true };

    if (outcome->verdict == VERDICT_MISSED)
        judgement.concerns =
            outcome->judged != RULES_NOTHING || concerns_rules(test->settings->rules, entry);
    if (outcome->judged == RULES_EVENT && test->own &&
        miss_warns_of_own(test->own, &outcome->event, warning))
        judgement.warning = warning;
    tally_add(&test->tally, entry, outcome, judgement.concerns);
    if (test->expect)
        return outcome_is_session_event(outcome) ? expect_add(test->expect, outcome, entry) : 0;
    return report(test, &judgement);
}

/* Returns 1, 0 at the end, or a negative errno. */
static int step(struct test *test)
{
    struct input_entry input;
    struct outcome outcome;
    int r = test->input->next(test->input, &input);

    if (r <= 0)
        return r;
    if (input.is_first)
        replay_doubt(test->replay);
    r = replay_entry(test->replay, &input.entry, &outcome);
    if (r == 0 && input.is_shown)
        r = take_entry(test, &input.entry, &outcome);
    progress_tick(&test->progress, test->tally.entries, input.entry.realtime_usec,
                  clock_monotonic_usec());
    return r < 0 ? r : 1;
}

static int read_entries(struct test *test)
{
    int r = 1;

    progress_start(&test->progress, !test->options->follow, clock_monotonic_usec());
    while (r > 0 && !interrupted && !ferror(stdout))
        r = step(test);
    progress_clear(&test->progress);
    test->tally.usec = clock_monotonic_usec() - test->tally.start_usec;
    return r;
}

/* The table as pbs-list would print it. */
static int print_table(struct test *test)
{
    _cleanup_(listing_done) struct listing listing = { 0 };
    uint64_t now_usec = replay_now_usec(test->replay);
    struct filter *filter = filter_new();
    struct columns columns = { 0 };
    int r = filter ? columns_parse("ADDRESS,USER,RULE,LAST,LEFT,SESSIONS", &columns) : -ENOMEM;

    if (r == 0)
        r = listing_read(&listing, replay_map(test->replay), filter, now_usec);
    filter_free(filter);
    if (r < 0)
        return r;
    listing_sort(&listing, column_find("EXPIRES", strlen("EXPIRES")), false, now_usec);
    if (!test->options->quiet)
        putchar('\n');
    return table_print(&listing, &columns, true, false, now_usec);
}

static int print_end(struct test *test)
{
    const struct options *options = test->options;
    bool is_first = !test->has_entries;
    int r = 0;

    if (options->json)
        return report_json_summary(&test->report, &test->tally,
                                   options->table ? replay_map(test->replay) : NULL,
                                   replay_now_usec(test->replay));
    if (!test->expect && !options->all)
        r = report_text_folds(&test->report, test->folds, is_first);
    if (r == 0 && !test->expect)
        report_text_summary(&test->report, &test->tally, is_first && folds_count(test->folds) == 0);
    if (r == 0 && options->table)
        r = print_table(test);
    return r;
}

static int end_status(const struct test *test)
{
    int r;

    if (!test->expect)
        return test->tally.matched > 0 ? EXIT_MATCH : EXIT_NO_MATCH;
    r = expect_print(test->expect, stdout);
    if (r < 0)
        return complain_of(r, test->options->expect);
    return r > 0 ? EXIT_NO_MATCH : EXIT_MATCH;
}

static int complain_of_entries(const struct test *test, int error)
{
    const char *source = test->options->from_stdin ? "standard input" : "journal";

    if (error != -EBADMSG)
        return complain_of(error, source);
    complain("%s: damaged after %zu entries", source, test->tally.entries);
    return EX_DATAERR;
}

int test_run(const struct options *options)
{
    _cleanup_(test_clear) struct test test = { .options = options };
    int status = open_test(&test), r;

    if (status != 0)
        return status;
    if (options->follow) {
        catch_interrupt();
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
    }
    if (!options->json && !test.expect)
        report_text_head(&test.report);
    r = read_entries(&test);
    if (r < 0)
        return finish_output(complain_of_entries(&test, r));
    r = print_end(&test);
    if (r < 0)
        return complain_of(r, "printing");
    return finish_output(end_status(&test));
}
