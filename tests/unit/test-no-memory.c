/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory that runs out, at each allocation in turn: it is said, and nothing is left behind or used
 * half-made (AddressSanitizer and Valgrind see to the latter). */

#include <errno.h>

#include "check.h"
#include "core/config.h"
#include "core/lint.h"
#include "core/roster.h"
#include "core/settings.h"
#include "core/trace.h"
#include "fault.h"

static const char text[] = "[Watcher]\n"
                           "LocalNetworks=postconf 192.0.2.0/24\n"
                           "NeverGrant=!198.51.100.1 198.51.100.0/24\n"
                           "Map=/x\\\n/y\n"
                           "Journal=/z\n"
                           "LogFile=-\n"
                           "[Rule imap]\n"
                           "Match=_SYSTEMD_UNIT=a.service _SYSTEMD_UNIT=b.service _UID=0\n"
                           "Require=SYSLOG_IDENTIFIER=i*\n"
                           "LineMax=500\n"
                           "Login=(?J)^in (?<user>.*) (?:(?<addr>[0-9.]+)|\\[(?<addr>.{2,9})\\])\n"
                           "Login=^(?=x*)in (?<user>[[:alpha:]\\d]+) from (?<addr>[^ ]*)$\n"
                           "Logout=^out (?<user>.*)$\n"
                           "[Rule pop]\n"
                           "Match=_SYSTEMD_UNIT=c.service\n"
                           "Peer=_SYSTEMD_UNIT=-(?<addr>.*)$\n"
                           "Login=^in\n"
                           "Grace=1h\n";

/* Does something with each of its calls failing once, until it gets by without; `what` returns 0 or
 * a negative errno. */
static void fail_each(const char *name, int (*what)(void))
{
    unsigned n = 0;

    for (int failed = -1; failed < 0; n++) {
        int r;

        fault_arm(n);
        r = what();
        failed = fault_disarm();
        check_int(name, r, failed);
    }
    check_true(name, n > 1);
    print_message("%s: %u calls failed\n", name, n - 1);
}

static int assign(const struct config_item *item, void *userdata)
{
    char error[SETTINGS_ERROR_MAX] = "";

    return settings_assign(userdata, item->section, item->key, item->value, "test", error);
}

static int load(struct settings **ret)
{
    _cleanup_(settings_freep) struct settings *settings = NULL;
    char error[SETTINGS_ERROR_MAX] = "";
    const char *reason = NULL;
    unsigned line;
    int r = settings_new(&settings);

    if (r == 0)
        r = config_parse(text, sizeof(text) - 1, assign, settings, &line, &reason);
    if (r == 0)
        r = settings_finish(settings, error);
    if (r == 0)
        *ret = TAKE_PTR(settings);
    return r;
}

static int configure(void)
{
    struct settings *settings;
    int r = load(&settings);

    if (r == 0)
        settings_free(settings);
    return r;
}

static void test_configuration(void **state)
{
    fail_each("configuration", configure);
}

static struct settings *loaded;

static int ignore(const struct lint_finding *finding, void *userdata)
{
    return 0;
}

static int lint(void)
{
    return lint_rules(loaded->rules, ignore, NULL);
}

static int trace(void)
{
    static const char subject[] = "in anna from nowhere at all";
    struct trace ret;

    return trace_pattern(rule_pattern(rules_at(loaded->rules, 0), EVENT_LOGIN, 0), subject,
                         sizeof(subject) - 1, &ret);
}

static void test_rules(void **state)
{
    check_int("load", load(&loaded), 0);
    fail_each("lint", lint);
    fail_each("trace", trace);
    loaded = settings_free(loaded);
}

static int locate(void)
{
    unsigned line, column;
    int r = config_locate(text, sizeof(text) - 1, 4, 2, &line, &column);

    if (r == 0)
        check_unsigned("line", line, 4);
    return r;
}

static void test_locate(void **state)
{
    fail_each("locate", locate);
}

static int append(void)
{
    _cleanup_(networks_freep) struct networks *networks = networks_new(), *other = networks_new();
    int r = networks && other ? 0 : -ENOMEM;

    for (unsigned i = 0; i < 40 && r == 0; i++)
        r = networks_add(other, "192.0.2.1", 9);
    if (r == 0)
        r = networks_append(networks, other);
    if (r == 0)
        check_unsigned("networks", networks_count(networks), 40);
    return r;
}

static void test_networks(void **state)
{
    fail_each("networks", append);
}

static int enroll(void)
{
    _cleanup_(roster_freep) struct roster *roster = roster_new();
    struct addr addr = { { 0 } };
    uint32_t item;
    int r = roster ? 0 : -ENOMEM;

    for (uint32_t i = 0; i < 1000 && r == 0; i++) {
        r = roster_add(roster, &addr, i, i % 7, &item);
        check_unsigned("items", roster_count(roster), r == 0 ? i + 1 : i);
    }
    return r;
}

static void test_roster(void **state)
{
    fail_each("roster", enroll);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration), cmocka_unit_test(test_rules),
        cmocka_unit_test(test_locate),        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_roster),
    };

    return cmocka_run_group_tests_name("no-memory", tests, NULL, NULL);
}
