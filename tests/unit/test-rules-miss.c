/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why an entry was missed: each stage that can stop a rule, and what is shown of it. */

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "core/cleanup.h"
#include "fake-entry.h"
#include "program/config-files.h"
#include "random.h"
#include "temp-dir.h"
#include "tools/rules/miss.h"

static const char rules[] =
    "[Rule dovecot]\n"
    "Match=_SYSTEMD_UNIT=dovecot.service _SYSTEMD_UNIT=dovecot-proxy.service _UID=0\n"
    "Login=^(?:imap|pop3)-login: (?:Info: )?Login: user=<(?<user>.*)>, \\\n"
    "  method=[^<>, ]+, rip=(?<addr>[0-9A-Fa-f.:]+)(?:, [^<>]*)?$\n"
    "[Rule popa3d]\n"
    "Match=SYSLOG_IDENTIFIER=popa3d\n"
    "Require=_SYSTEMD_UNIT=popa3d@*.service\n"
    "Peer=_SYSTEMD_UNIT=-(?<addr>[0-9.]+):\\d+\\.service$\n"
    "Login=^Authentication passed for (?<user>.*)$\n"
    "[Rule uw]\n"
    "Enabled=no\n"
    "Match=SYSLOG_IDENTIFIER=uw _SYSTEMD_UNIT=uw.service\n"
    "Login=^Login user=(?<user>\\S+) host=\\[(?<addr>[0-9.]+)\\]$\n"
    "[Rule slow]\n"
    "Match=_SYSTEMD_UNIT=slow.service\n"
    "Login=^(?:a+)+(?<addr>b)$\n";

#define NEW_LINE                                                                                   \
    "imap-login: Logged in: user=<a@example.org>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1"

#define OLD_LINE "imap-login: Login: user=<a>, method=PLAIN, rip=192.0.2.66, lip=192.0.2.1"

struct fields {
    const char *unit, *uid, *identifier, *message;
};

static struct settings *read_rules(void)
{
    struct settings *settings = NULL;
    const char *path = temp_path("rules.conf");
    char error[CONFIG_FILES_ERROR_MAX] = "";
    FILE *file = fopen(path, "we");

    check_true(path, file && fputs(rules, file) >= 0 && fclose(file) == 0);
    check_int("settings", settings_new(&settings), 0);
    if (config_files_read(path, settings, error) < 0)
        fail_msg("%s", error);
    return settings;
}

static struct entry make_entry(const struct fields *fields, struct fake_field ret[static 5])
{
    const char *const names[] = { "_SYSTEMD_UNIT", "_UID", "SYSLOG_IDENTIFIER", "MESSAGE" };
    const char *const values[] = { fields->unit, fields->uid, fields->identifier, fields->message };
    size_t count = 0;

    for (size_t i = 0; i < 4; i++)
        if (values[i])
            ret[count++] = (struct fake_field){ names[i], values[i], strlen(values[i]), 0 };
    ret[count] = (struct fake_field){ 0 };
    return fake_entry(ret, 1);
}

static void remove_all(char *text, const char *part)
{
    for (char *at = strstr(text, part); at; at = strstr(at, part))
        memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
}

/* Looks into an entry that no rule takes, and prints it without the file's name and without the
 * indentation that all lines have. */
static char *look(const struct settings *settings, const struct fields *fields, struct miss *ret)
{
    struct fake_field fake[5];
    struct entry entry = make_entry(fields, fake);
    struct event event;
    const struct rule *rule = NULL;
    enum rules_verdict verdict = rules_judge(settings->rules, &entry, &event, &rule);
    char *printed = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&printed, &len);

    check_true(fields->message, verdict != RULES_EVENT);
    check_int(fields->message, miss_find(settings, &entry, verdict, rule, ret), 0);
    miss_print(stream, settings, ret, &entry);
    check_int("stream", fclose(stream), 0);
    remove_all(printed, temp_path("rules.conf"));
    if (strncmp(printed, "         ", 9) == 0)
        memmove(printed, printed + 9, strlen(printed + 9) + 1);
    for (char *line = strchr(printed, '\n'); line; line = strchr(line + 1, '\n'))
        if (line[1])
            memmove(line + 1, line + 10, strlen(line + 10) + 1);
    return printed;
}

static void test_stages(void **state)
{
    static const struct {
        struct fields fields;
        enum miss_stage stage;
        const char *printed; /* without the indentation */
    } cases[] = {
        { { "dovecot.service", "0", NULL, NEW_LINE },
          MISS_PATTERN,
          "rule dovecot (:3:43) stopped here: Login= stopped at column 16 of the message\n"
          "  message: imap-login: Logged in: user=<a@example.org>, method=PLAIN, rip=192.0.2.1...\n"
          "                       ~~~^ column 16\n"
          "  pattern: ^(?:imap|pop3)-login: (?:Info: )?Login: user=<(?<user>.*)>, method=[^<>,...\n"
          "                                            ~~~^ expected 'i', found 'g'\n" },
        /* far into a long line, where the pattern's line is continued */
        { { "dovecot.service", "0", NULL,
            "imap-login: Login: user=<someone.with.a.long.name@example.org>, method=PLAIN, "
            "rip=host.example.org, lip=192.0.2.1" },
          MISS_PATTERN,
          "rule dovecot (:4:32) stopped here: Login= stopped at column 83 of the message\n"
          "  message: ...a.long.name@example.org>, method=PLAIN, rip=host.example.org, "
          "lip=192.0....\n"
          "                                                          ^ column 83\n"
          "  pattern: ...<(?<user>.*)>, method=[^<>, ]+, rip=(?<addr>[0-9A-Fa-f.:]+)(?:, "
          "[^<>]*)?...\n"
          "                                                          ^~~~~~~~~~~~~~ expected "
          "'[0-9A-Fa-f.:]+', found 'h'\n" },
        { { "dovecot.service", "0", NULL, "imap-login: Login: user=<bob" },
          MISS_PATTERN,
          "rule dovecot (:3:64) stopped here: Login= stopped at column 26 of the message\n"
          "  message: imap-login: Login: user=<bob\n"
          "                                    ^ column 26\n"
          "  pattern: ...)-login: (?:Info: )?Login: user=<(?<user>.*)>, method=[^<>, ]+, "
          "rip=(?<a...\n"
          "                                                          ^ expected '>', not found in "
          "what follows the wildcard before it\n" },
        /* a forger's entry */
        { { "session-3.scope", "1000", NULL, OLD_LINE },
          MISS_UNIT,
          "rule dovecot (:2) stopped here: unit not trusted: _SYSTEMD_UNIT=session-3.scope, "
          "wanted _SYSTEMD_UNIT=dovecot.service (or 1 other)\n" },
        { { NULL, "0", NULL, OLD_LINE },
          MISS_UNIT,
          "rule dovecot (:2) stopped here: unit not trusted: no _SYSTEMD_UNIT=, wanted "
          "_SYSTEMD_UNIT=dovecot.service (or 1 other)\n" },
        { { "dovecot.service", "1000", NULL, OLD_LINE },
          MISS_FIELD,
          "rule dovecot (:2) stopped here: field differs: _UID=1000, wanted _UID=0\n" },
        { { "dovecot.service", "0", NULL,
            "imap-login: Login: user=<a>, method=PLAIN, rip=1234, lip=192.0.2.1" },
          MISS_ADDRESS,
          "rule dovecot (:3:7) stopped here: Login= took \"1234\" for the address, which is not "
          "an address\n" },
        { { "popa3d@0-192.0.2.1:110-192.0.2.2:99.service", "0", "popa3d", "Authentication failed" },
          MISS_PATTERN,
          "rule popa3d (:9:23) stopped here: Login= stopped at column 16 of the message\n"
          "  message: Authentication failed\n"
          "                          ^ column 16\n"
          "  pattern: ^Authentication passed for (?<user>.*)$\n"
          "                           ^ expected 'p', found 'f'\n" },
        { { "popa3d@0-192.0.2.1:110-x:99.service", "0", "popa3d", "Authentication passed for bob" },
          MISS_PATTERN,
          "rule popa3d (:8:41) stopped here: Peer= stopped at column 23 of _SYSTEMD_UNIT\n"
          "  _SYSTEMD_UNIT: popa3d@0-192.0.2.1:110-x:99.service\n"
          "                                       ^ column 23\n"
          "           Peer: -(?<addr>[0-9.]+):\\d+\\.service$\n"
          "                                      ^~ expected '\\.', found '-'\n" },
        { { "popa3d@0-192.0.2.1:110-1.2:99.service", "0", "popa3d",
            "Authentication passed for bob" },
          MISS_ADDRESS,
          "rule popa3d (:8:20) stopped here: Peer= took \"1.2\" for the address, which is not an "
          "address\n" },
        { { "session-4.scope", "0", "popa3d", "Authentication passed for bob" },
          MISS_REQUIRE,
          "rule popa3d (:6) stopped here: Require= does not hold: _SYSTEMD_UNIT=session-4.scope, "
          "wanted _SYSTEMD_UNIT=popa3d@*.service\n" },
        { { "session-9.scope", "0", "other", "Login user=bob host=[192.0.2.1]" },
          MISS_UNIT,
          "rule uw (:11), disabled, stopped here: unit not trusted: "
          "_SYSTEMD_UNIT=session-9.scope, wanted _SYSTEMD_UNIT=uw.service\n" },
        { { "uw.service", "0", "uw", "Login user=bob host=[192.0.2.1]" },
          MISS_DISABLED,
          "rule uw (:11), disabled, stopped here: would take it, but is disabled (Enabled=)\n" },
        { { "slow.service", "0", NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacb" },
          MISS_LIMIT,
          "rule slow (:16:23) stopped here: Login= ran into the limit of steps\n"
          "  message: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacb\n"
          "                                                      ^ column 44\n"
          "  pattern: ^(?:a+)+(?<addr>b)$\n"
          "                           ^ expected 'b', found 'c'\n" },
        { { "dovecot.service", "0", NULL, NULL },
          MISS_LENGTH,
          "rule dovecot (:2) stopped here: the message is missing, or longer than 8192 bytes\n" },
    };
    _cleanup_(settings_freep) struct settings *settings = read_rules();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct miss miss;
        _cleanup_(freep) char *printed = look(settings, &cases[i].fields, &miss);
        const char *what = cases[i].fields.message ? cases[i].fields.message : "no message";

        check_text(what, printed, cases[i].printed);
        check_unsigned(what, miss.count, 1);
        check_int(what, miss.rule[0].stage, cases[i].stage);
        miss_clear(&miss);
    }
}

/* What a rule's LineMax= hides has been told to the caller by the rules themselves. */
static void test_cut(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = read_rules();
    const struct fields fields = { "dovecot.service", "0", NULL, NEW_LINE };
    struct fake_field fake[5];
    struct entry entry = make_entry(&fields, fake);
    struct miss miss;

    check_int("cut", miss_find(settings, &entry, RULES_CUT, rules_at(settings->rules, 2), &miss),
              0);
    check_unsigned("rules", miss.count, 2);
    check_text("nearest", rule_name(miss.rule[0].rule), "uw");
    check_int("nearest", miss.rule[0].stage, MISS_CUT);
    check_text("next", rule_name(miss.rule[1].rule), "dovecot");
    miss_clear(&miss);
}

/* Of the rules that speak for an entry, those come first whose pattern got furthest. */
static void test_nearest(void **state)
{
    static const char *const patterns[] = { "^a(?<addr>x)", "^abc(?<addr>x)", "^(?<addr>x)",
                                            "^ab(?<addr>x)" };
    _cleanup_(settings_freep) struct settings *settings = NULL;
    struct miss miss;
    char got[64] = "";

    check_int("settings", settings_new(&settings), 0);
    for (size_t i = 0; i < 4; i++) {
        char section[16], error[SETTINGS_ERROR_MAX];

        snprintf(section, sizeof(section), "Rule r%zu", i);
        check_int(section, settings_assign(settings, section, "Match", "_UID=0", "x", error), 0);
        check_int(section, settings_assign(settings, section, "Login", patterns[i], "x", error), 0);
    }
    temp_path("rules.conf");
    free(look(settings, &(struct fields){ "a.service", "0", NULL, "abcd" }, &miss));
    for (size_t i = 0; i < miss.count; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ", rule_name(miss.rule[i].rule));
    check_text("the nearest three", got, "r1 r3 r0 ");
    miss_clear(&miss);
}

/* Nothing that a message or a field holds reaches the terminal as it is, or breaks the lines. */
static void test_hostile(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = read_rules();

    for (unsigned i = 0; i < 2000; i++) {
        char message[400], unit[64];
        size_t len = random_below(sizeof(message) - 40), unit_len = 1 + random_below(40);
        struct miss miss;

        random_bytes(message, sizeof(message));
        memcpy(message, NEW_LINE, random_below(strlen(NEW_LINE)));
        message[len] = 0;
        random_bytes(unit, sizeof(unit));
        unit[unit_len] = 0;
        {
            const struct fields fields = { random_below(2) ? "dovecot.service" : unit, "0", NULL,
                                           message };
            _cleanup_(freep) char *printed = look(settings, &fields, &miss);
            size_t width = 0;

            for (const char *p = printed; *p; p++) {
                width = *p == '\n' ? 0 : width + 1;
                check_true("printable", *p == '\n' || (unsigned char)*p >= ' ');
                check_true("no escapes", *p != 0x7f);
                check_true("width", width <= 300);
            }
        }
        miss_clear(&miss);
    }
}

static void test_own(void **state)
{
    _cleanup_(networks_freep) struct networks *own = networks_new(), *real = NULL;
    _cleanup_(settings_freep) struct settings *settings = read_rules();
    struct event event = { .kind = EVENT_LOGIN,
                           .has_addr = true,
                           .rule = rules_at(settings->rules, 0) };
    char text[MISS_TEXT_MAX] = "";

    check_int("this host", miss_read_own(&real), 0);
    check_int("address", addr_parse("127.0.0.1", 9, &event.addr), 0);
    check_true("loopback is nobody's own", !miss_warns_of_own(real, &event, text));

    check_int("network", networks_add(own, "192.0.2.1", 9), 0);
    check_int("address", addr_parse("192.0.2.1", 9, &event.addr), 0);
    check_true("own", miss_warns_of_own(own, &event, text));
    check_true("own", strstr(text, "192.0.2.1 is one of this host's own") != NULL);
    check_true("own", strstr(text, "dovecot") != NULL);
    event.kind = EVENT_CONNECT;
    check_true("a connection", !miss_warns_of_own(own, &event, text));
    event.kind = EVENT_LOGIN;
    check_int("address", addr_parse("192.0.2.2", 9, &event.addr), 0);
    check_true("a client", !miss_warns_of_own(own, &event, text));
    event.has_addr = false;
    check_int("address", addr_parse("192.0.2.1", 9, &event.addr), 0);
    check_true("no address", !miss_warns_of_own(own, &event, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stages, temp_dir_setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_cut, temp_dir_setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_nearest, temp_dir_setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_hostile, temp_dir_setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(test_own, temp_dir_setup, temp_dir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
