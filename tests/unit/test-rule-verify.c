/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which rules are whole, and which of their patterns is blamed if they are not. */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/rule.h"

#define UNIT    "_SYSTEMD_UNIT=pop.service"
#define ADDR    "(?<addr>x)"
#define USER    "(?<user>x)"
#define ID      "(?<session>x)"
#define NEITHER "x"

/* Lines of a rule, "Key=value", as far as they are there. */
struct lines {
    const char *line[8];
};

static void add_line(struct rule *rule, const char *line)
{
    const char *value = strchr(line, '=') + 1;
    char error[RULE_ERROR_MAX] = "";
    int r = -EINVAL;

    if (strncmp(line, "Match=", 6) == 0)
        r = rule_add_match(rule, value, error);
    else if (strncmp(line, "Require=", 8) == 0)
        r = rule_add_require(rule, value, error);
    else if (strncmp(line, "Peer=", 5) == 0)
        r = rule_set_peer(rule, value, error);
    else if (strcmp(line, "Trust=forgeable") == 0) {
        rule_set_forgeable(rule, true);
        r = 0;
    }
    for (unsigned kind = 0; kind < _EVENT_KIND_MAX; kind++) {
        const char *key = event_kind_keys[kind];

        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == '=')
            r = rule_add_pattern(rule, (enum event_kind)kind, value, error);
    }
    if (r != 0)
        fail_msg("%s: %s", line, error);
}

/* Verifies a rule of these lines. `says` NULL: it is whole; or else the complaint holds it, and is
 * about that pattern. */
static void check_rule(const struct lines *lines, const char *says, enum event_kind kind,
                       size_t pattern)
{
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = NULL;
    char error[RULE_ERROR_MAX] = "", what[512] = "";
    enum event_kind got_kind = EVENT_FAIL;
    size_t got_pattern = 99;

    check_int("rule", rules_get(rules, "x", &rule), 0);
    for (size_t i = 0; i < 8 && lines->line[i]; i++) {
        add_line(rule, lines->line[i]);
        snprintf(what + strlen(what), sizeof(what) - strlen(what), "%s; ", lines->line[i]);
    }
    check_int(what, rule_verify(rule, &got_kind, &got_pattern, error), says ? -EINVAL : 0);
    if (!says)
        return;
    check_true(what, memchr(error, 0, sizeof(error)));
    if (!strstr(error, says) || !strstr(error, "\"x\""))
        fail_msg("%s: \"%s\" does not say \"%s\"", what, error, says);
    check_int(what, got_kind, kind);
    check_unsigned(what, got_pattern, pattern);
}

static void test_whole(void **state)
{
    static const struct lines cases[] = {
        { { "Match=" UNIT, "Login=" ADDR } },
        { { "Match=" UNIT, "Match=_SYSTEMD_UNIT=b.service _UID=0", "Login=" ADDR } },
        { { "Match=" UNIT, "Login=" ADDR, "Logout=" NEITHER } }, /* by the process */
        { { "Match=" UNIT, "Login=" ADDR ID, "Logout=" ID } },
        { { "Match=" UNIT, "Login=" ADDR, "Login=" ADDR ID, "Logout=" ID } },
        { { "Match=" UNIT, "Login=" ADDR ID, "Logout=" USER } },
        { { "Match=" UNIT, "Connect=" ADDR, "Login=" USER } },
        { { "Match=" UNIT, "Connect=" ADDR, "Fail=" NEITHER, "Login=" USER, "Logout=" NEITHER } },
        { { "Match=" UNIT, "Connect=" ADDR ID, "Fail=" ID, "Login=" USER ID, "Logout=" ID } },
        { { "Match=" UNIT, "Connect=" ADDR ID, "Login=" ADDR, "Logout=" ID } },
        { { "Match=" UNIT, "Login=" USER, "Peer=_SYSTEMD_UNIT=" ADDR } },
        { { "Match=" UNIT, "Connect=" NEITHER, "Login=" USER, "Peer=_SYSTEMD_UNIT=" ADDR } },
        { { "Match=SYSLOG_IDENTIFIER=x", "Login=" ADDR, "Require=_SYSTEMD_UNIT=pop@*.service" } },
        { { "Match=SYSLOG_IDENTIFIER=x", "Login=" ADDR, "Require=_UID=0",
            "Require=_SYSTEMD_UNIT=pop@*.service _SYSTEMD_UNIT=imap@*" } },
        { { "Match=SYSLOG_IDENTIFIER=x", "Login=" ADDR, "Trust=forgeable" } },
        { { "Match=SYSLOG_IDENTIFIER=x", "Login=" USER, "Peer=UNIT=" ADDR, "Trust=forgeable" } },
        { { "Match=" UNIT, "Match=SYSLOG_IDENTIFIER=x", "Login=" ADDR,
            "Require=_SYSTEMD_UNIT=pop*" } },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_rule(&cases[i], NULL, _EVENT_KIND_MAX, 0);
}

/* Faults of the rule, not of one pattern. */
static void test_rule_faults(void **state)
{
    static const struct {
        struct lines lines;
        const char *says;
    } cases[] = {
        { { { NULL } }, "no Match=" },
        { { { "Login=" ADDR } }, "no Match=" },
        { { { "Login=" ADDR, "Require=" UNIT } }, "no Match=" },
        { { { "Login=" ADDR, "Trust=forgeable" } }, "no Match=" },
        { { { "Match=" UNIT } }, "no Login=" },
        { { { "Match=" UNIT, "Connect=" ADDR, "Logout=x" } }, "no Login=" },
        { { { "Match=" UNIT, "Login=" ADDR, "Fail=x" } }, "Connect=" },
        { { { "Match=" UNIT, "Login=" ADDR, "Logout=" ID } }, "session" },
        { { { "Match=SYSLOG_IDENTIFIER=x", "Login=" ADDR } }, "Trust=forgeable" },
        { { { "Match=_UID=0 _COMM=log", "Login=" ADDR } }, "Trust=forgeable" },
        { { { "Match=UNIT=pop.service", "Login=" ADDR } }, "Trust=forgeable" },
        { { { "Match=_SYSTEMD_USER_UNIT=x", "Login=" ADDR } }, "Trust=forgeable" },
        { { { "Match=_SYSTEMD_UNIT=", "Login=" ADDR } }, "Trust=forgeable" },
        { { { "Match=" UNIT, "Match=SYSLOG_IDENTIFIER=x", "Login=" ADDR } }, "Trust=forgeable" },
        { { { "Match=SYSLOG_IDENTIFIER=x", "Match=" UNIT, "Login=" ADDR } }, "Trust=forgeable" },
        { { { "Match=_UID=0", "Require=_SYSTEMD_UNIT=*", "Login=" ADDR } }, "Trust=forgeable" },
        { { { "Match=_UID=0", "Require=_SYSTEMD_UNIT=user@*", "Login=" ADDR } },
          "Trust=forgeable" },
        { { { "Match=_UID=0", "Require=UNIT=pop@*", "Login=" ADDR } }, "Trust=forgeable" },
        { { { "Match=_UID=0", "Require=_SYSTEMD_UNIT=pop@* _SYSTEMD_UNIT=*", "Login=" ADDR } },
          "Trust=forgeable" },
        { { { "Match=" UNIT, "Peer=UNIT=" ADDR, "Login=x" } }, "Peer=" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_rule(&cases[i].lines, cases[i].says, _EVENT_KIND_MAX, 0);
}

static void test_pattern_faults(void **state)
{
    static const struct {
        struct lines lines;
        const char *says;
        enum event_kind kind;
        size_t pattern;
    } cases[] = {
        { { { "Match=" UNIT, "Login=" USER } }, "addr", EVENT_LOGIN, 0 },
        { { { "Match=" UNIT, "Login=" ADDR, "Login=" ADDR, "Login=x" } }, "addr", EVENT_LOGIN, 2 },
        { { { "Match=" UNIT, "Connect=" ADDR, "Connect=x", "Login=x" } },
          "addr",
          EVENT_CONNECT,
          1 },
        { { { "Match=" UNIT, "Connect=" ADDR ID, "Connect=" ADDR, "Login=" ID } },
          "session",
          EVENT_CONNECT,
          1 },
        { { { "Match=" UNIT, "Connect=" ADDR ID, "Login=" ID, "Login=x" } },
          "session",
          EVENT_LOGIN,
          1 },
        { { { "Match=" UNIT, "Login=" ADDR ID, "Logout=" ID, "Logout=x" } },
          "session",
          EVENT_LOGOUT,
          1 },
        { { { "Match=" UNIT, "Connect=" ADDR ID, "Login=" ID, "Fail=x" } },
          "session",
          EVENT_FAIL,
          0 },
        { { { "Match=" UNIT, "Connect=" ADDR, "Login=x", "Fail=" ID } },
          "session",
          EVENT_LOGIN,
          0 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_rule(&cases[i].lines, cases[i].says, cases[i].kind, cases[i].pattern);
}

static void test_peer_refused(void **state)
{
    static const char *const cases[] = { "x",         "=" ADDR, "unit=" ADDR,
                                         "A B=" ADDR, "UNIT=x", "UNIT=" USER,
                                         "UNIT=(",    "UNIT=",  "UNIT =" ADDR };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = NULL;
    const char *field = NULL;

    check_int("rule", rules_get(rules, "x", &rule), 0);
    add_line(rule, "Peer=_SYSTEMD_UNIT=" ADDR);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char error[RULE_ERROR_MAX] = "";

        check_int(cases[i], rule_set_peer(rule, cases[i], error), -EINVAL);
        check_true(cases[i], error[0] && memchr(error, 0, sizeof(error)));
        check_true("as it was", rule_peer(rule, &field) != NULL);
        check_text("as it was", field, "_SYSTEMD_UNIT");
    }
    add_line(rule, "Peer=");
    check_true("none", !rule_peer(rule, &field));
    check_text("none", field, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_rule_faults),
        cmocka_unit_test(test_pattern_faults),
        cmocka_unit_test(test_peer_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
