/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every rule of conf.d/ against user names that try to be something else: no name may make another
 * address than the client's count. And to show that this can fail, rules that are not as they
 * should be. The same names come with each run: see --help. */

#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "feed.h"
#include "unit/check.h"
#include "unit/random.h"
#include "unit/shipped-rules.h"
#include "weak.h"

#define COUNT 10000

/* Most names are hostile. */
#define HARMLESS_EVERY 16

static struct {
    uint64_t count;
    const char *rule;
    bool list, self;
} options = { .count = COUNT };

static struct corpus *corpus;
static const char *files[64];

static void find_files(glob_t *ret)
{
    check_int("conf.d", glob(SOURCE_DIR "/conf.d/*.conf", 0, NULL, ret), 0);
    check_true("conf.d", ret->gl_pathc < sizeof(files) / sizeof(files[0]));
    for (size_t i = 0; i < ret->gl_pathc; i++)
        files[i] = strrchr(ret->gl_pathv[i], '/') + 1;
}

static void print_line(const struct buffer *line)
{
    for (size_t i = 0; i < line->len; i++) {
        char byte = line->data[i];

        if (byte >= ' ' && byte <= '~' && byte != '\\')
            putc(byte, stderr);
        else
            fprintf(stderr, "\\x%02x", (unsigned char)byte);
    }
    putc('\n', stderr);
}

static void print_tally(const char *rule, const struct tally *tally)
{
    print_message("%s: %" PRIu64 " names in %" PRIu64 " lines; logins recognised: %" PRIu64
                  " of harmless names, %" PRIu64 " of %" PRIu64 " of hostile ones; cut %" PRIu64
                  ", no address %" PRIu64 ", too long %" PRIu64 ", given up %" PRIu64 "\n",
                  rule, tally->names, tally->lines, tally->harmless, tally->recognised,
                  tally->hostile, tally->cut, tally->bad_addr, tally->too_long, tally->gave_up);
    if (tally->gave_up)
        print_message("%s: shortest message given up: %zu bytes\n", rule, tally->gave_up_len);
}

static void test_rule(void **state)
{
    const struct feed feed = { corpus, *state, options.count, HARMLESS_EVERY };
    static struct fault fault;
    struct tally tally;
    struct world world;

    open_world(&world, files);
    feed_names(&world, &feed, &tally, &fault);
    close_world(&world);
    print_tally(feed.rule, &tally);
    if (fault.what) {
        print_line(&fault.line);
        fail_msg("%s: name %" PRIu64 ": %s: %s", feed.rule, tally.names, fault.what, fault.addr);
    }
}

/* The fuzzer sees that something is wrong with these, in a normal run. */
static void test_weak_rules(void **state)
{
    static struct fault fault;

    for (const struct weak *weak = weak_rules; weak->rule; weak++) {
        const struct feed feed = { corpus, weak->rule, COUNT, 0 };
        struct tally tally;
        struct world world;

        open_world(&world, files);
        weaken(world.settings, weak);
        feed_names(&world, &feed, &tally, &fault);
        close_world(&world);
        if (!fault.what)
            fail_msg("%s: nothing wrong with %s=%s", weak->rule, weak->key, weak->pattern);
        print_message("%s: %s found with name %" PRIu64 "\n", weak->rule, fault.what, tally.names);
    }
}

static const char *find_rule_without_shapes(const struct settings *settings)
{
    for (size_t i = 0; i < rules_count(settings->rules); i++) {
        const char *name = rule_name(rules_at(settings->rules, i));

        if (!has_shapes(name))
            return name;
    }
    return NULL;
}

/* A new rule has to come with its server's lines. */
static void test_all_rules_have_shapes(void **state)
{
    char error[SETTINGS_ERROR_MAX] = "";
    struct world world;

    open_world(&world, files);
    check_text("shapes.c", find_rule_without_shapes(world.settings), NULL);
    check_int("new rule",
              settings_assign(world.settings, "Rule newcomer", "Login", "x", "test", error), 0);
    check_text("shapes.c", find_rule_without_shapes(world.settings), "newcomer");
    close_world(&world);
}

static int usage(FILE *file, int status)
{
    fputs("usage: names [--seed=N] [--count=N] [--rule=NAME | --self | --list]\n\n"
          "Feeds COUNT names (10000) into the lines of each rule in conf.d/, or of one.\n"
          "--self feeds none, but shows that mistakes in rules would be found.\n"
          "--list prints what rules there are.\n",
          file);
    return status;
}

/* Returns 0, or the status to exit with, negative for 0. */
static int parse_options(int argc, char *argv[])
{
    static const struct option names[] = {
        { "seed", required_argument, NULL, 's' },
        { "count", required_argument, NULL, 'c' },
        { "rule", required_argument, NULL, 'r' },
        { "list", no_argument, NULL, 'l' },
        { "self", no_argument, NULL, 'S' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0)
        switch (option) {
        case 's':
            setenv("PBS_TEST_SEED", optarg, true);
            break;
        case 'c':
            options.count = strtoull(optarg, NULL, 0);
            break;
        case 'r':
            options.rule = optarg;
            break;
        case 'l':
            options.list = true;
            break;
        case 'S':
            options.self = true;
            break;
        case 'h':
            return usage(stdout, -1);
        default:
            return usage(stderr, 2);
        }
    return optind < argc || options.count == 0 || (options.self && options.rule) ? usage(stderr, 2)
                                                                                 : 0;
}

/* Test names are words. */
static char *make_test_name(const char *rule)
{
    char *name = strdup(rule);

    assert_non_null(name);
    for (char *p = name; *p; p++)
        if (*p == '-')
            *p = '_';
    return name;
}

static int run(struct settings *settings)
{
    size_t n = rules_count(settings->rules), used = 0;
    struct CMUnitTest *tests = calloc(n + 2, sizeof(*tests));
    int status;

    assert_non_null(tests);
    if (options.self) {
        tests[used++] = (struct CMUnitTest)cmocka_unit_test(test_all_rules_have_shapes);
        tests[used++] = (struct CMUnitTest)cmocka_unit_test_setup(test_weak_rules, random_setup);
    }
    for (size_t i = 0; i < n && !options.self; i++) {
        const char *rule = rule_name(rules_at(settings->rules, i));

        if (has_shapes(rule) && (!options.rule || strcmp(options.rule, rule) == 0))
            tests[used++] = (struct CMUnitTest){ make_test_name(rule), test_rule, random_setup,
                                                 NULL, (void *)rule };
    }
    status = used ? _cmocka_run_group_tests("names", tests, used, NULL, NULL) : 2;
    for (size_t i = 0; i < used && !options.self; i++)
        free((char *)tests[i].name);
    free(tests);
    return status;
}

int main(int argc, char *argv[])
{
    struct settings *settings;
    glob_t found;
    int status = parse_options(argc, argv);

    if (status != 0)
        return status < 0 ? 0 : status;
    find_files(&found);
    settings = load_shipped_rules(files);
    if (options.list) {
        for (size_t i = 0; i < rules_count(settings->rules); i++)
            puts(rule_name(rules_at(settings->rules, i)));
    } else {
        corpus = corpus_new();
        status = run(settings);
        corpus_free(corpus);
    }
    settings_free(settings);
    globfree(&found);
    return status;
}
