/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `pbs-rules check`: each kind of finding, at the line and column of the file where its text
 * stands. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "core/cleanup.h"
#include "program/config-files.h"
#include "temp-dir.h"
#include "tools/rules/check.h"

static const char *write_file(const char *name, const char *text)
{
    const char *path = temp_path(name);
    _cleanup_(fclosep) FILE *file = fopen(path, "we");

    check_true(path, file && fputs(text, file) >= 0);
    return path;
}

/* What is printed of a file, without its path. */
static char *check_file(const char *name, const char *text)
{
    _cleanup_(settings_freep) struct settings *settings = NULL;
    _cleanup_(findings_freep) struct findings *findings = NULL;
    const char *path = write_file(name, text);
    char error[CONFIG_FILES_ERROR_MAX] = "", *printed = NULL, *to;
    size_t len = 0;
    FILE *stream = open_memstream(&printed, &len);

    check_true("stream", stream);
    check_int("settings", settings_new(&settings), 0);
    if (config_files_read(path, settings, error) < 0)
        check_print_error(error, stream);
    else {
        check_int(text, findings_collect(settings, &findings), 0);
        findings_print(findings, stream);
    }
    check_int("stream", fclose(stream), 0);
    to = printed;
    for (const char *from = printed; *from;) {
        if (strncmp(from, path, strlen(path)) == 0)
            from += strlen(path);
        else
            *to++ = *from++;
    }
    *to = 0;
    return printed;
}

static const char wrong[] = "[Rule a]\n"
                            "Trust=forgeable\n"
                            "Match=SYSLOG_IDENTIFIER=foo\n"
                            "Login=Login: .*rip=(?<addr>[0-9.]+)\n"
                            "[Rule b]\n"
                            "Enabled=no\n"
                            "Match=_SYSTEMD_UNIT=user@1000.service \\\n"
                            "   _SYSTEMD_UNIT=x.service _UID=0\n"
                            "Match=_TRANSPORT=kernel _SYSTEMD_UNIT=y.service\n"
                            "Require=_UID=1*\n"
                            "Login=^user \\\n"
                            "    (?:a+)+ connected to (?<addr>[0-9.]+)$\n"
                            "[Rule c]\n"
                            "Match=_SYSTEMD_UNIT=q.service\n"
                            "  Login =  ^x (?<addr>.)$\n"
                            "[Rule d]\n"
                            "Match=_SYSTEMD_UNIT=q.service _UID=0\n"
                            "Login=^x (?<addr>.)$\n"
                            "Login=^y\n"
                            "[Rule e]\n"
                            "Match=_UID=0\n"
                            "Login=^y (?<addr>.)$\n"
                            "[Rule f]\n"
                            "Match=_SYSTEMD_UNIT=f.service\n"
                            "Logout=^z (?<addr>.)$\n"
                            "Login=^z (?<addr>.)$\n"
                            "[Rule g]\n"
                            "Match=_SYSTEMD_UNIT=f.service\n"
                            "Login=^g (?<addr>.)$\n"
                            "Logout=^z (?<addr>.)$\n";

static void test_findings(void **state)
{
    static const char *const places[] = {
        ":3:7: warning: rule \"a\": Match=: only fields that every program sets",
        ":4:7: warning: rule \"a\": Login=: does not begin with",
        ":4:14: warning: rule \"a\": Login=: what this takes may contain another address",
        ":7:7: warning: rule \"b\": Match=: user@1000.service belongs to a user",
        ":8:28: warning: rule \"b\": Match=: never holds: a Require= wants another _UID=",
        ":9:25: warning: rule \"b\": Match=: never holds: entries with _TRANSPORT=kernel",
        ":12:5: warning: rule \"b\": Login=: a repetition of a repetition",
        ":12:26: warning: rule \"b\": Login=: the address behind \"to \"",
        ":18:7: warning: rule \"d\": Login=: is never reached: rule \"c\"",
        ":19:7: error: rule \"d\": Login=: the pattern has no group \"addr\"",
        ":21:7: error: rule \"e\": Match=: no unit that is trusted",
        ":25:8: warning: rule \"f\": Logout=: is never reached: rule \"f\" has the same pattern",
        ":30:8: warning: rule \"g\": Logout=: is never reached: rule \"f\" has the same pattern",
    };
    _cleanup_(freep) char *printed = check_file("wrong.conf", wrong);
    const char *line = printed;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strncmp(line, places[i], strlen(places[i])) != 0)
            fail_msg("want \"%s\", got \"%s\"", places[i], line);
        line = strchr(line, '\n') + 1;
    }
    check_text("no more", line, "");
}

/* A pattern that does not compile is shown where PCRE2 stopped. */
static void test_errors(void **state)
{
    static const struct {
        const char *text, *printed;
    } cases[] = {
        { "[Rule a]\nMatch=_SYSTEMD_UNIT=a.service\nLogin=^a \\\n  b(c\n", ":4:6: error: Login=" },
        { "[Rule a]\nLogin=^(?<host>x)$\n", ":2:11: error: Login=" },
        { "[Rule a]\nLogout=^[(?<x>](?<addr>y)|\\(?<z>|(?P<x>z)$\n", ":2:38: error: Logout=" },
        { "[Rule a]\nPeer=_PID=(?'host'x)\n", ":2:14: error: Peer=" },
        { "[Rule a]\nPeer=_PID=x[a\n", ":2:14: error: Peer=" },
        { "[Rule a]\nGrace=never\n", ":2: error: Grace=" },
        { "[Rule a]\nnonsense\n", ":2: error: neither [Section]" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(freep) char *printed = check_file("error.conf", cases[i].text);

        if (strncmp(printed, cases[i].printed, strlen(cases[i].printed)) != 0)
            fail_msg("want \"%s\", got \"%s\"", cases[i].printed, printed);
    }
    {
        _cleanup_(freep) char *printed = NULL;
        size_t len = 0;
        FILE *stream = open_memstream(&printed, &len);

        check_print_error("no\x1bthing", stream);
        check_int("stream", fclose(stream), 0);
        check_text("no place", printed, "error: no?thing\n");
    }
}

/* A file that has changed since it was read: the line is all that is known. */
static void test_changed(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = NULL;
    _cleanup_(findings_freep) struct findings *findings = NULL;
    char error[CONFIG_FILES_ERROR_MAX] = "";
    const char *path = write_file("changed.conf", wrong);

    check_int("settings", settings_new(&settings), 0);
    check_int("read", config_files_read(path, settings, error), 0);
    (void)write_file("changed.conf", "\n");
    check_int("changed", findings_collect(settings, &findings), 0);
    check_true("findings", findings_count(findings) > 0);
    for (size_t i = 0; i < findings_count(findings); i++) {
        check_unsigned("column", findings_at(findings, i)->column, 0);
        check_true("line", findings_at(findings, i)->line > 0);
    }
}

/* The rules that are installed have no findings, all of them. */
static void test_shipped(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = NULL;
    _cleanup_(findings_freep) struct findings *findings = NULL;
    char error[CONFIG_FILES_ERROR_MAX] = "", *printed = NULL;
    const char *path = write_file("main.conf", "");
    char directory[PATH_MAX];
    size_t len = 0;
    FILE *stream;

    snprintf(directory, sizeof(directory), "%.*s/conf.d", (int)(strrchr(path, '/') - path), path);
    check_int("link", symlink(SOURCE_DIR "/conf.d", directory), 0);
    check_int("settings", settings_new(&settings), 0);
    if (config_files_read(path, settings, error) < 0)
        fail_msg("%s", error);
    check_true("rules", rules_count(settings->rules) >= 2);
    check_int("check", findings_collect(settings, &findings), 0);
    stream = open_memstream(&printed, &len);
    findings_print(findings, stream);
    check_int("stream", fclose(stream), 0);
    check_text("shipped rules", printed, "");
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_findings, temp_dir_setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_errors, temp_dir_setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_changed, temp_dir_setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_shipped, temp_dir_setup, temp_dir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
