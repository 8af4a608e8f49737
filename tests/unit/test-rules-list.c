/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "core/cleanup.h"
#include "tools/rules/list.h"

static void assign(struct settings *settings, const char *section, const char *key,
                   const char *value)
{
    char error[SETTINGS_ERROR_MAX] = "";

    if (settings_assign(settings, section, key, value, "/etc/x.conf:7", error) < 0)
        fail_msg("%s=%s: %s", key, value, error);
}

static struct settings *make_settings(void)
{
    struct settings *settings = NULL;

    check_int("settings", settings_new(&settings), 0);
    assign(settings, "Rule a", "Match", "_SYSTEMD_UNIT=a.service _UID=0");
    assign(settings, "Rule a", "Match", "SYSLOG_IDENTIFIER=it's_$HOME _UID=0");
    assign(settings, "Rule a", "Require", "_SYSTEMD_UNIT=a@*.service");
    assign(settings, "Rule a", "Login", "^a");
    assign(settings, "Rule a", "Login", "^b");
    assign(settings, "Rule a", "Logout", "^c");
    assign(settings, "Rule b-2", "Enabled", "no");
    assign(settings, "Rule b-2", "Match", "_COMM=\x1b[31m\xff");
    return settings;
}

static void check_list(bool json, const char *want)
{
    _cleanup_(settings_freep) struct settings *settings = make_settings();
    _cleanup_(freep) char *printed = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&printed, &len);

    check_int("list", list_rules(settings, json, stream), 0);
    check_int("stream", fclose(stream), 0);
    check_text("list", printed, want);
}

static void test_text(void **state)
{
    check_list(false,
               "a (/etc/x.conf:7), enabled\n"
               "    journalctl _SYSTEMD_UNIT=a.service _UID=0 + 'SYSLOG_IDENTIFIER=it'\\''s_$HOME' "
               "_UID=0\n"
               "    # and of these only those with _SYSTEMD_UNIT=a@*.service\n"
               "b-2 (/etc/x.conf:7), disabled\n"
               "    journalctl '_COMM=?[31m?'\n");
}

static void test_json(void **state)
{
    check_list(true, "{\"rule\":\"a\",\"origin\":\"/etc/x.conf:7\",\"enabled\":true,"
                     "\"match\":[\"_SYSTEMD_UNIT=a.service _UID=0\","
                     "\"SYSLOG_IDENTIFIER=it's_$HOME _UID=0\"],"
                     "\"require\":[\"_SYSTEMD_UNIT=a@*.service\"],"
                     "\"login\":2,\"logout\":1,\"connect\":0,\"fail\":0,"
                     "\"journalctl\":\"journalctl _SYSTEMD_UNIT=a.service _UID=0 + "
                     "'SYSLOG_IDENTIFIER=it'\\\\''s_$HOME' _UID=0\"}\n"
                     "{\"rule\":\"b-2\",\"origin\":\"/etc/x.conf:7\",\"enabled\":false,"
                     "\"match\":[\"_COMM=?[31m?\"],\"require\":[],"
                     "\"login\":0,\"logout\":0,\"connect\":0,\"fail\":0,"
                     "\"journalctl\":\"journalctl '_COMM=?[31m?'\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
