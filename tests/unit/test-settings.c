/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/config.h"
#include "core/duration.h"
#include "core/settings.h"

#define MATCH "_SYSTEMD_UNIT=pop.service"
#define LOGIN "^in (?<addr>\\S+)$"

static struct settings *new_settings(void)
{
    struct settings *settings = NULL;

    check_int("settings", settings_new(&settings), 0);
    return settings;
}

static int assign(struct settings *settings, const char *section, const char *key,
                  const char *value, char reterr[static SETTINGS_ERROR_MAX])
{
    reterr[0] = '\0';
    return settings_assign(settings, section, key, value, "/etc/test.conf:12", reterr);
}

/* An assignment that stands somewhere else. */
static void assign_at(struct settings *settings, const char *origin, const char *key,
                      const char *value)
{
    char error[SETTINGS_ERROR_MAX] = "";

    if (settings_assign(settings, "Rule a", key, value, origin, error) != 0)
        fail_msg("%s: %s=%s: refused: %s", origin, key, value, error);
}

static void assign_well(struct settings *settings, const char *section, const char *key,
                        const char *value)
{
    char error[SETTINGS_ERROR_MAX];

    if (assign(settings, section, key, value, error) != 0)
        fail_msg("[%s] %s=%s: refused: %s", section, key, value, error);
}

static void add_rule(struct settings *settings, const char *section)
{
    assign_well(settings, section, "Match", MATCH);
    assign_well(settings, section, "Login", LOGIN);
}

static void finish(struct settings *settings)
{
    char error[SETTINGS_ERROR_MAX] = "";

    if (settings_finish(settings, error) != 0)
        fail_msg("refused: %s", error);
}

static void test_defaults(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = new_settings();

    check_unsigned("Grace", settings->grace_usec, 30 * USEC_PER_MIN);
    check_unsigned("MaxSession", settings->max_session_usec, USEC_PER_DAY);
    check_unsigned("MaxEntries", settings->max_entries, 100000);
    check_unsigned("IPv6Prefix", settings->ipv6_bits, 128);
    check_true("Map", settings->map[0] == '/');
    check_text("Journal", settings->journal, "");
    check_text("LogFile", settings->log_file, "");
    check_unsigned("CatchUpTimeout", settings->catch_up_usec, 100000);
    check_text("CatchUpSocket", settings->catch_up_socket, "/run/pop-before-smtp/catch-up");
    check_true("switches", !settings->debug && settings->write && !settings->reprocess);
    check_true("LocalNetworks", settings->local_from_postconf);
    check_unsigned("NeverGrant", networks_count(settings->never_grant), 0);
    check_unsigned("rules", rules_count(settings->rules), 0);
    assert_null(settings_free(NULL));
}

static void test_last_wins(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = new_settings();

    assign_well(settings, "Watcher", "Grace", "1h");
    assign_well(settings, "Watcher", "Grace", "2h");
    check_unsigned("Grace", settings->grace_usec, 2 * USEC_PER_HOUR);
    assign_well(settings, "Watcher", "Map", "/a");
    assign_well(settings, "Watcher", "Map", "/b");
    check_text("Map", settings->map, "/b");
    assign_well(settings, "Watcher", "Journal", "/var/log/journal");
    assign_well(settings, "Watcher", "Journal", "");
    check_text("Journal", settings->journal, "");
    assign_well(settings, "Watcher", "LogFile", "-");
    check_text("LogFile", settings->log_file, "-");
    assign_well(settings, "Watcher", "CatchUpTimeout", "no");
    check_unsigned("CatchUpTimeout", settings->catch_up_usec, 0);
    assign_well(settings, "Watcher", "CatchUpSocket", "/run/a");
    assign_well(settings, "Watcher", "CatchUpSocket", "/run/b");
    check_text("CatchUpSocket", settings->catch_up_socket, "/run/b");
    assign_well(settings, "Watcher", "Debug", "yes");
    assign_well(settings, "Watcher", "Write", "no");
    assign_well(settings, "Watcher", "Reprocess", "yes");
    check_true("switches", settings->debug && !settings->write && settings->reprocess);
}

static bool is_local(const struct settings *settings, const char *text)
{
    struct addr addr;

    check_int(text, addr_parse(text, strlen(text), &addr), 0);
    return networks_contain(settings->local_networks, &addr, NULL);
}

static void test_lists_collect(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = new_settings();

    /* What is assigned takes the place of the default, and adds to what was assigned. */
    assign_well(settings, "Watcher", "LocalNetworks", "192.0.2.0/24");
    check_true("the default is gone", !settings->local_from_postconf);
    assign_well(settings, "Watcher", "LocalNetworks", "198.51.100.0/24 postconf");
    check_true("both", is_local(settings, "192.0.2.1") && is_local(settings, "198.51.100.1"));
    check_true("asked for", settings->local_from_postconf);
    assign_well(settings, "Watcher", "LocalNetworks", "");
    check_true("emptied", !is_local(settings, "192.0.2.1") && !settings->local_from_postconf);
    assign_well(settings, "Watcher", "LocalNetworks", "203.0.113.0/24");
    check_true("from there on", is_local(settings, "203.0.113.1"));

    assign_well(settings, "Watcher", "NeverGrant", "100.64.0.0/10");
    assign_well(settings, "Watcher", "NeverGrant", "2001:db8::/32");
    check_unsigned("NeverGrant", networks_count(settings->never_grant), 2);
    assign_well(settings, "Watcher", "NeverGrant", "");
    check_unsigned("NeverGrant", networks_count(settings->never_grant), 0);

    add_rule(settings, "Rule a");
    add_rule(settings, "Rule a");
    check_true("Match", rule_match(rules_at(settings->rules, 0), 1) != NULL);
    assign_well(settings, "Rule a", "Match", "");
    check_true("Match", rule_match(rules_at(settings->rules, 0), 0) == NULL);
}

static void test_refused(void **state)
{
    static const struct {
        const char *section, *key, *value, *says; /* the complaint holds these words */
    } cases[] = {
        { "", "Grace", "1h", "Watcher" },
        { "watcher", "Grace", "1h", "Watcher" },
        { "Rule", "Enabled", "yes", "Rule" },
        { "Rule ", "Enabled", "yes", "Rule" },
        { "Rule a b", "Enabled", "yes", "a b" },
        { "Rule a/b", "Enabled", "yes", "a/b" },
        { "Daemon", "Grace", "1h", "Daemon" },
        { "Watcher", "grace", "1h", "Grace=" },
        { "Watcher", "Graze", "1h", "Graze" },
        { "Watcher", "Match", MATCH, "Match" },
        { "Rule a", "Map", "/x", "Map" },
        { "Watcher", "Logout", "x", "Logout" },
        { "Watcher", "Require", "A=b", "Require" },
        { "Watcher", "Grace", "", "Grace" },
        { "Watcher", "Grace", "soon", "soon" },
        { "Watcher", "Grace", "0", "1s" },
        { "Watcher", "MaxEntries", "0", "16000000" },
        { "Watcher", "MaxEntries", "many", "many" },
        { "Watcher", "IPv6Prefix", "129", "128" },
        { "Watcher", "IPv6Prefix", "0", "128" },
        { "Watcher", "Map", "map.tdb", "absolute" },
        { "Watcher", "Map", "", "absolute" },
        { "Watcher", "Debug", "maybe", "yes or no" },
        { "Watcher", "LocalNetworks", "192.0.2.1/24", "192.0.2.1/24" },
        { "Watcher", "NeverGrant", "postconf", "postconf" },
        { "Rule a", "Enabled", "perhaps", "yes or no" },
        { "Rule a", "Match", "dovecot.service", "dovecot.service" },
        { "Rule a", "Login", "(", "(" },
        { "Rule a", "Login", "(?<host>x)", "host" },
        { "Rule a", "Trust", "blindly", "forgeable" },
        { "Rule a", "Grace", "never", "never" },
        { "Watcher", "MaxSession", "0", "1s" },
        { "Watcher", "CatchUpTimeout", "1min", "10s" },
        { "Watcher", "CatchUpSocket", "", "path" },
        { "Watcher", "CatchUpSocket", "catch-up", "path" },
        { "Watcher", "CatchUpSocket",
          "/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/"
          "123456789/123456789/1234567",
          "107 bytes" },
        { "Rule a", "MaxSession", "always", "always" },
        { "Rule a", "Require", "pop@*", "FIELD=value" },
        { "Rule a", "Peer", "pop@", "FIELD=PATTERN" },
        { "Rule a", "Peer", "_SYSTEMD_UNIT=x", "addr" },
        { "Rule a", "Peer", "_SYSTEMD_UNIT=(?<addr>", "byte" },
        { "Rule a", "Logout", "(", "byte" },
        { "Rule a", "Connect", "(?<port>x)", "port" },
        { "Rule a", "Fail", "[", "byte" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(settings_freep) struct settings *settings = new_settings();
        char error[SETTINGS_ERROR_MAX];

        check_int(cases[i].value,
                  assign(settings, cases[i].section, cases[i].key, cases[i].value, error), -EINVAL);
        check_true(cases[i].value, memchr(error, '\0', sizeof(error)));
        if (!strstr(error, cases[i].says))
            fail_msg("[%s] %s=%s: \"%s\" does not say \"%s\"", cases[i].section, cases[i].key,
                     cases[i].value, error, cases[i].says);
    }
}

/* However long the value, the complaint about it fits and ends. */
static void test_long_values(void **state)
{
    static const char *const keys[] = { "Grace", "MaxEntries", "Map", "Debug", "LocalNetworks" };
    _cleanup_(settings_freep) struct settings *settings = new_settings();
    static char value[100000];
    char error[SETTINGS_ERROR_MAX];

    memset(value, 'x', sizeof(value) - 1);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        check_int(keys[i], assign(settings, "Watcher", keys[i], value, error), -EINVAL);
        check_true(keys[i], memchr(error, '\0', sizeof(error)));
        check_true(keys[i], strstr(error, keys[i]));
    }
    check_int("section", assign(settings, value, "Grace", "1h", error), -EINVAL);
    check_int("key", assign(settings, "Watcher", value, "1h", error), -EINVAL);
    check_int("pattern", assign(settings, "Rule a", "Login", value, error), -EINVAL);
    check_int("match", assign(settings, "Rule a", "Match", value, error), -EINVAL);
}

static void test_finish(void **state)
{
    char error[SETTINGS_ERROR_MAX] = "";
    _cleanup_(settings_freep) struct settings *settings = new_settings();

    check_int("no rule", settings_finish(settings, error), -EINVAL);
    check_true("no rule", error[0]);
    add_rule(settings, "Rule a");
    assign_well(settings, "Rule a", "Enabled", "no");
    check_int("no enabled rule", settings_finish(settings, error), -EINVAL);
    assign_well(settings, "Rule half", "Enabled", "yes");
    assign_well(settings, "Rule half", "Match", MATCH);
    error[0] = '\0';
    check_int("a rule that is not whole", settings_finish(settings, error), -EINVAL);
    check_true(error, strstr(error, "half") || strstr(error, "Login"));
    assign_well(settings, "Rule half", "Login", LOGIN);
    finish(settings);
    assign_well(settings, "Rule half", "Match", "");
    assign_well(settings, "Rule half", "Match", "SYSLOG_IDENTIFIER=pop");
    check_int("a rule that trusts anybody", settings_finish(settings, error), -EINVAL);
    assign_well(settings, "Rule half", "Trust", "forgeable");
    finish(settings);
}

static void test_grace(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = new_settings();

    add_rule(settings, "Rule a");
    add_rule(settings, "Rule b");
    add_rule(settings, "Rule c");
    assign_well(settings, "Rule b", "Grace", "2h");
    assign_well(settings, "Rule c", "Grace", "9h");
    assign_well(settings, "Rule c", "Enabled", "no");
    assign_well(settings, "Watcher", "Grace", "1h"); /* after the rules, and counts for them */
    finish(settings);
    check_unsigned("a", rule_grace_usec(rules_at(settings->rules, 0)), USEC_PER_HOUR);
    check_unsigned("b", rule_grace_usec(rules_at(settings->rules, 1)), 2 * USEC_PER_HOUR);
    check_unsigned("longest", settings_longest_usec(settings), 2 * USEC_PER_HOUR);
}

/* The longest that a login can count for: a session's limit with the grace after it. */
static void test_max_session(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = new_settings();

    add_rule(settings, "Rule a");
    add_rule(settings, "Rule b");
    add_rule(settings, "Rule c");
    assign_well(settings, "Rule b", "Logout", "x");
    assign_well(settings, "Rule b", "MaxSession", "3h");
    assign_well(settings, "Rule c", "MaxSession", "9d");
    assign_well(settings, "Watcher", "MaxSession", "12h");
    assign_well(settings, "Watcher", "Grace", "1h");
    finish(settings);
    check_unsigned("a", rule_max_session_usec(rules_at(settings->rules, 0)), 12 * USEC_PER_HOUR);
    check_unsigned("b", rule_max_session_usec(rules_at(settings->rules, 1)), 3 * USEC_PER_HOUR);
    check_unsigned("longest", settings_longest_usec(settings), 4 * USEC_PER_HOUR);
}

/* An empty assignment leaves nothing local, not even loopback; it is no such thing where postconf
 * has nothing to say. */
static void test_nothing_is_local(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = new_settings();

    check_true("default", !settings_nothing_is_local(settings));
    assign_well(settings, "Watcher", "LocalNetworks", "");
    check_true("empty", settings_nothing_is_local(settings));
    assign_well(settings, "Watcher", "LocalNetworks", "192.0.2.0/24");
    check_true("one", !settings_nothing_is_local(settings));
    assign_well(settings, "Watcher", "LocalNetworks", "");
    check_true("empty again", settings_nothing_is_local(settings));
    assign_well(settings, "Watcher", "LocalNetworks", "postconf");
    check_true("postconf", !settings_nothing_is_local(settings));
}

static void test_rule_lists(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = new_settings();
    const struct rule *rule;
    const char *field;

    add_rule(settings, "Rule a");
    rule = rules_at(settings->rules, 0);
    for (unsigned kind = 0; kind < _EVENT_KIND_MAX; kind++) {
        const char *key = event_kind_keys[kind];

        assign_well(settings, "Rule a", key, "");
        check_true(key, !rule_pattern(rule, (enum event_kind)kind, 0));
        assign_well(settings, "Rule a", key, "^one (?<addr>x)");
        assign_well(settings, "Rule a", key, "^two (?<addr>x)");
        check_text(key, pattern_text(rule_pattern(rule, (enum event_kind)kind, 1)),
                   "^two (?<addr>x)");
        check_true(key, !rule_pattern(rule, (enum event_kind)kind, 2));
    }
    assign_well(settings, "Rule a", "Require", "_UID=0");
    assign_well(settings, "Rule a", "Require", "_SYSTEMD_UNIT=pop@*");
    check_true("Require", rule_require(rule, 1) && !rule_require(rule, 2));
    assign_well(settings, "Rule a", "Require", "");
    check_true("Require", !rule_require(rule, 0));
    assign_well(settings, "Rule a", "Peer", "_SYSTEMD_UNIT=(?<addr>x)");
    assign_well(settings, "Rule a", "Peer", "_EXE=(?<addr>y)");
    check_text("Peer", pattern_text(rule_peer(rule, &field)), "(?<addr>y)");
    check_text("Peer", field, "_EXE");
    assign_well(settings, "Rule a", "Peer", "");
    check_true("Peer", !rule_peer(rule, &field));
}

/* A complaint that comes only when the rule is whole names the line of the pattern all the same. */
static void test_fault_has_origin(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = new_settings();
    char error[SETTINGS_ERROR_MAX] = "";
    const struct rule *rule;

    assign_at(settings, "/f:1", "Match", MATCH);
    assign_at(settings, "/f:2", "Login", "(?<addr>old)");
    assign_at(settings, "/f:3", "Login", "");
    assign_at(settings, "/f:4", "Login", LOGIN);
    assign_at(settings, "/f:5", "Login", "^hello (?<user>.*)$");
    rule = rules_at(settings->rules, 0);
    check_text("rule", settings_rule_origin(settings, rule), "/f:1");
    check_text("first", settings_find_rule_key(settings, rule, "Login", 0)->origin, "/f:4");
    check_text("second", settings_find_rule_key(settings, rule, "Login", 1)->origin, "/f:5");
    check_true("no third", !settings_find_rule_key(settings, rule, "Login", 2));
    check_true("not assigned", !settings_find_rule_key(settings, rule, "Fail", 0));
    check_int("no address", settings_finish(settings, error), -EINVAL);
    check_true(error, strncmp(error, "/f:5: ", 6) == 0 && strstr(error, "Login"));
    assign_at(settings, "/f:6", "Login", "");
    assign_at(settings, "/f:7", "Login", LOGIN);
    assign_at(settings, "/f:8", "Fail", "x");
    check_int("no Connect=", settings_finish(settings, error), -EINVAL);
    check_true(error, strncmp(error, "/f:1: ", 6) == 0 && strstr(error, "Connect"));
}

static char *dump(const struct settings *settings)
{
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);

    assert_non_null(file);
    settings_dump(settings, file);
    assert_int_equal(fclose(file), 0);
    return text;
}

static int assign_item(const struct config_item *item, void *userdata)
{
    assign_well(userdata, item->section, item->key, item->value);
    return 0;
}

/* Without comments, which tell where things come from. */
static void strip_comments(char *text)
{
    char *to = text;

    for (char *line; (line = strsep(&text, "\n"));) {
        size_t len = strlen(line);

        if (line[0] == '#')
            continue;
        memmove(to, line, len);
        to[len] = '\n';
        to += len + 1;
    }
    to[-1] = '\0';
}

/* The dump is a configuration that means the same. */
static void test_dump(void **state)
{
    static const char *const wanted[] = {
        "# /etc/test.conf:12\nGrace=1h\n",
        "# default\nMaxEntries=100000\n",
        "# /etc/test.conf:12\nLocalNetworks=192.0.2.0/24 !192.0.2.1\n",
        "# /etc/test.conf:12\nLocalNetworks=postconf\n",
        "[Rule a]\n",
        "# /etc/test.conf:12\nMatch=" MATCH "\n",
        "# /etc/test.conf:12\nLogin=" LOGIN "\n",
        "# default\nEnabled=yes\n",
        "[Rule b]\n",
        "# /etc/test.conf:12\nRequire=_SYSTEMD_UNIT=pop@*\n",
        "# /etc/test.conf:12\nPeer=_SYSTEMD_UNIT=-(?<addr>\\S+):\n",
        "# /etc/test.conf:12\nConnect=^from (?<addr>\\S+)$\n",
        "# /etc/test.conf:12\nFail=^no$\n",
        "# /etc/test.conf:12\nLogout=^out$\n",
        "MaxSession=12h\n",
    };
    _cleanup_(settings_freep) struct settings *settings = new_settings(), *again = new_settings();
    unsigned line;
    const char *reason;

    assign_well(settings, "Watcher", "Grace", "2h");
    assign_well(settings, "Watcher", "Grace", "1h");
    assign_well(settings, "Watcher", "LocalNetworks", "192.0.2.0/24 !192.0.2.1");
    assign_well(settings, "Watcher", "LocalNetworks", "postconf");
    add_rule(settings, "Rule a");
    add_rule(settings, "Rule b");
    assign_well(settings, "Rule b", "Grace", "5min");
    assign_well(settings, "Rule b", "Require", "_SYSTEMD_UNIT=pop@*");
    assign_well(settings, "Rule b", "Peer", "_SYSTEMD_UNIT=-(?<addr>\\S+):");
    assign_well(settings, "Rule b", "Connect", "^from (?<addr>\\S+)$");
    assign_well(settings, "Rule b", "Fail", "^no$");
    assign_well(settings, "Rule b", "Logout", "^out$");
    assign_well(settings, "Rule b", "MaxSession", "12h");
    finish(settings);

    _cleanup_(freep) char *first = dump(settings);

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!strstr(first, wanted[i]))
            fail_msg("the dump lacks \"%s\":\n%s", wanted[i], first);
    check_true("nothing that does not count", !strstr(first, "Grace=2h"));
    check_int("read again", config_parse(first, strlen(first), assign_item, again, &line, &reason),
              0);
    finish(again);

    _cleanup_(freep) char *second = dump(again);

    strip_comments(first);
    strip_comments(second);
    check_text("dumped again", second, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_last_wins),
        cmocka_unit_test(test_lists_collect), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long_values),   cmocka_unit_test(test_finish),
        cmocka_unit_test(test_grace),         cmocka_unit_test(test_dump),
        cmocka_unit_test(test_max_session),   cmocka_unit_test(test_nothing_is_local),
        cmocka_unit_test(test_rule_lists),    cmocka_unit_test(test_fault_has_origin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
