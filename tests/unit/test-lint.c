/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/config.h"
#include "core/lint.h"
#include "core/settings.h"

/* Findings, each as "rule KEY[index]+offset E|W word;", where the word is one that its text has. */
struct transcript {
    char text[1024];
    size_t len;
    unsigned stop_at; /* counts down */
};

static int assign(const struct config_item *item, void *userdata)
{
    char error[SETTINGS_ERROR_MAX] = "";
    int r = settings_assign(userdata, item->section, item->key, item->value, "test", error);

    if (r < 0)
        fail_msg("line %u: %s", item->line, error);
    return r;
}

static struct settings *load(const char *text)
{
    struct settings *settings;
    unsigned line = 0;
    const char *reason = NULL;

    check_int("settings", settings_new(&settings), 0);
    if (config_parse(text, strlen(text), assign, settings, &line, &reason) != 0)
        fail_msg("%s", text);
    return settings;
}

static const char *name_finding(const char *text)
{
    static const struct {
        const char *part, *name;
    } names[] = {
        { "any local user", "trust" },     { "belongs to a user", "users-unit" },
        { "have no ", "kernel" },          { "wants another", "contradiction" },
        { "never reached", "shadow" },     { "does not begin", "anchor" },
        { "the server's own", "local" },   { "another address", "ambiguity" },
        { "repetition of", "repetition" }, { "too complicated", "undecided" },
        { "beyond what", "beyond" },       { "no group \"addr\"", "no-addr" },
        { "has no Match=", "no-match" },   { "has no Login=", "no-login" },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strstr(text, names[i].part))
            return names[i].name;
    return text;
}

static int write_down(const struct lint_finding *finding, void *userdata)
{
    struct transcript *transcript = userdata;

    transcript->len += (size_t)snprintf(
        transcript->text + transcript->len, sizeof(transcript->text) - transcript->len,
        "%s %s[%zu]+%zu %s %s;", rule_name(finding->rule), finding->key ? finding->key : "-",
        finding->index, finding->offset, finding->severity == LINT_ERROR ? "E" : "W",
        name_finding(finding->text));
    assert_true(transcript->len < sizeof(transcript->text));
    return --transcript->stop_at == 0 ? -EDOM : 0;
}

#define UNIT  "Match=_SYSTEMD_UNIT=a.service _UID=0\n"
#define LOGIN "Login=^in (?<addr>[0-9.]+)$\n"

static void check_findings(const char *text, const char *findings)
{
    _cleanup_(settings_freep) struct settings *settings = load(text);
    struct transcript transcript = { .len = 0 };

    check_int(text, lint_rules(settings->rules, write_down, &transcript), 0);
    check_text(text, transcript.text, findings);
}

static void test_fields(void **state)
{
    static const struct {
        const char *text, *findings;
    } cases[] = {
        { "[Rule r]\n" UNIT LOGIN, "" },
        { "[Rule r]\nEnabled=no\n" UNIT LOGIN, "" },
        { "[Rule r]\nMatch=SYSLOG_IDENTIFIER=a\n" LOGIN, "r Match[0]+0 E trust;" },
        { "[Rule r]\nMatch=_UID=0\n" LOGIN, "r Match[0]+0 E trust;" },
        { "[Rule r]\nEnabled=no\nMatch=_UID=0\n" LOGIN, "r Match[0]+0 E trust;" },
        { "[Rule r]\nTrust=forgeable\nMatch=_UID=0\n" LOGIN, "r Match[0]+0 W trust;" },
        { "[Rule r]\n" UNIT "Match=_UID=0\n" LOGIN, "r Match[1]+0 E trust;" },
        { "[Rule r]\nMatch=_UID=0\nRequire=_SYSTEMD_UNIT=a@*.service\n" LOGIN, "" },
        { "[Rule r]\nMatch=_SYSTEMD_UNIT=user@1000.service\n" LOGIN, "r Match[0]+0 W users-unit;" },
        { "[Rule r]\nMatch=_UID=0  _SYSTEMD_UNIT=a.service _SYSTEMD_UNIT=session-3.scope\n" LOGIN,
          "r Match[0]+32 W users-unit;" },
        { "[Rule r]\nMatch=_TRANSPORT=kernel _SYSTEMD_UNIT=a.service\n" LOGIN,
          "r Match[0]+18 W kernel;" },
        { "[Rule r]\nMatch=_TRANSPORT=kernel _TRANSPORT=syslog _SYSTEMD_UNIT=a.service\n" LOGIN,
          "" },
        { "[Rule r]\n" UNIT "Require=_SYSTEMD_UNIT=b@*.service\n" LOGIN,
          "r Match[0]+0 W contradiction;" },
        { "[Rule r]\nMatch=_UID=0 _SYSTEMD_UNIT=a.service _SYSTEMD_UNIT=b@1.service\n"
          "Require=_SYSTEMD_UNIT=b@*.service\n" LOGIN,
          "" },
        { "[Rule r]\n" UNIT "Require=_GID=1\nRequire=_COMM=a _GID=2\n" LOGIN,
          "r Require[0]+0 W contradiction;r Require[1]+8 W contradiction;" },
        { "[Rule r]\n" UNIT "Require=_GID=1 _GID=2\nRequire=_GID=[2-3]\n" LOGIN, "" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_findings(cases[i].text, cases[i].findings);
}

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *findings;
    } cases[] = {
        { "Login=in (?<addr>[0-9.]+)$", "r Login[0]+0 W anchor;" },
        { "Login=^in (?<addr>[0-9.]+)|on (?<user>.)$", "r Login[0]+0 W anchor;" },
        { "Login=(?:^in (?<addr>[0-9.]+)|^on)$", "" },
        { "Login=(?:^in )?(?<addr>[0-9.]+)$", "r Login[0]+0 W anchor;" },
        { "Login=(?!x)^(?i)in (?<addr>[0-9.]+)$", "" },
        { "Login=\\A(?:in|on) (?<addr>[0-9.]+)\\z", "" },
        { "Login=^in .*rip=(?<addr>[0-9.]+)", "r Login[0]+4 W ambiguity;" },
        { "Login=^in .*rip=(?<addr>[0-9.]+)$", "" },
        { "Login=^in", "r Login[0]+0 E no-addr;" },
        { "Login=^in lip=(?<addr>[0-9.]+)$", "r Login[0]+8 W local;" },
        { "Login=^in LIP=\\[(?<addr>[0-9.]+)\\]$", "r Login[0]+10 W local;" },
        { "Login=^in clip=(?<addr>[0-9.]+)$", "" },
        { "Login=^connected to (?<addr>[0-9.]+)$", "r Login[0]+14 W local;" },
        { "Login=^in [0-9.]+:\\d+->(?<addr>[0-9.]+)$", "r Login[0]+17 W local;" },
        { "Login=^in -> (?<addr>[0-9.]+)$", "r Login[0]+7 W local;" },
        { "Login=^rip=(?<addr>[0-9.]+)$", "" },
        { "Login=^(?:a+)+ (?<addr>[0-9.]+)$", "r Login[0]+1 W repetition;" },
        { "Login=^(?:a*b?)* (?<addr>[0-9.]+)$", "r Login[0]+1 W repetition;" },
        { "Login=^(?:x|.*,)* (?<addr>[0-9.]+)$", "r Login[0]+1 W repetition;" },
        { "Login=^(?:[^,]*,)* (?<addr>[0-9.]+)$", "" },
        { "Login=^(?:a++)+ (?<addr>[0-9.]+)$", "" },
        { "Login=^(?:(?!a+).)* (?<addr>[0-9.]+)$", "" },
        { "Login=^(?:\\d+\\.){3} (?<addr>[0-9.]+)$", "" },
        { "Login=^(?<user>.)(?P=user) (?<addr>[0-9.]+)$", "r Login[0]+11 W beyond;" },
        { "Login=^(?:(?:a{1,40}b){1,40}c){1,12} (?<addr>[0-9.]+)$", "r Login[0]+0 W undecided;" },
        { LOGIN "Login=in (?<addr>[0-9.]+)$", "r Login[1]+0 W anchor;" },
        { LOGIN LOGIN, "r Login[1]+0 W shadow;" },
        /* an end that comes too soon lets nobody in */
        { LOGIN "Logout=out (?<user>.*)", "" },
        { LOGIN "Connect=on .*from (?<addr>[0-9.]+)\nFail=no", "r Connect[0]+0 W anchor;"
                                                               "r Connect[0]+3 W ambiguity;" },
        { "Login=^in\nPeer=_SYSTEMD_UNIT=lip=(?<addr>[0-9.]+)$", "r Peer[0]+18 W local;" },
        { "Login=^in\nPeer=_SYSTEMD_UNIT=@(?<addr>[0-9.]+):", "" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];

        snprintf(text, sizeof(text), "[Rule r]\n" UNIT "%s\n", cases[i].pattern);
        check_findings(text, cases[i].findings);
    }
}

static void test_shadows(void **state)
{
    static const struct {
        const char *first, *second, *findings;
    } cases[] = {
        { UNIT LOGIN, UNIT LOGIN, "s Login[0]+0 W shadow;" },
        { UNIT LOGIN, UNIT "Login=^on (?<addr>[0-9.]+)$\n", "" },
        { UNIT LOGIN, "Match=_SYSTEMD_UNIT=b.service\n" LOGIN, "" },
        { UNIT "Enabled=no\n" LOGIN, UNIT LOGIN, "" },
        /* the earlier one takes more */
        { "Match=_SYSTEMD_UNIT=a.service _SYSTEMD_UNIT=b.service\n" LOGIN, UNIT LOGIN,
          "s Login[0]+0 W shadow;" },
        { "Match=_SYSTEMD_UNIT=b.service\n" UNIT LOGIN, UNIT LOGIN, "s Login[0]+0 W shadow;" },
        /* or less */
        { UNIT LOGIN, "Match=_SYSTEMD_UNIT=a.service\n" LOGIN, "" },
        { UNIT LOGIN, "Match=_SYSTEMD_UNIT=a.service _SYSTEMD_UNIT=b.service _UID=0\n" LOGIN, "" },
        { UNIT "Require=_GID=1\n" LOGIN, UNIT LOGIN, "" },
        { UNIT LOGIN, UNIT "Require=_GID=1\n" LOGIN, "s Login[0]+0 W shadow;" },
        { UNIT "Require=_GID=1\n" LOGIN, UNIT "Require=_GID=1\n" LOGIN, "s Login[0]+0 W shadow;" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];

        snprintf(text, sizeof(text), "[Rule r]\n%s[Rule s]\n%s", cases[i].first, cases[i].second);
        check_findings(text, cases[i].findings);
    }
}

static void test_whole(void **state)
{
    check_findings("[Rule r]\nGrace=1min\n", "r -[0]+0 E no-match;");
    check_findings("[Rule r]\n" UNIT, "r -[0]+0 E no-login;");
    check_findings("", "");
}

static void test_stop(void **state)
{
    _cleanup_(settings_freep) struct settings *settings =
        load("[Rule r]\n" UNIT "Login=x\nLogin=y\n[Rule s]\n");
    struct transcript transcript = { .stop_at = 2 };

    check_int("the function's error", lint_rules(settings->rules, write_down, &transcript), -EDOM);
    check_text("the function's error", transcript.text,
               "r Login[0]+0 E no-addr;r Login[0]+0 W anchor;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),  cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_shadows), cmocka_unit_test(test_whole),
        cmocka_unit_test(test_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
