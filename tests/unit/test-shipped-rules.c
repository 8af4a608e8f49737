/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules in conf.d/, as they are installed, on what real servers wrote: whole journals with the
 * forged entries that were put into them, and lines that look like logins and are none. */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/config.h"
#include "core/settings.h"
#include "core/text.h"
#include "export-file.h"
#include "fake-entry.h"

static int assign(const struct config_item *item, void *userdata)
{
    char error[SETTINGS_ERROR_MAX] = "";
    int r = settings_assign(userdata, item->section, item->key, item->value, "test", error);

    if (r < 0)
        fail_msg("line %u: %s", item->line, error);
    return r;
}

static void load_file(struct settings *settings, const char *name)
{
    char path[512];
    size_t len;
    unsigned line = 0;
    const char *reason = NULL;

    snprintf(path, sizeof(path), "%s/conf.d/%s", SOURCE_DIR, name);

    _cleanup_(freep) char *text = read_whole_file(path, &len);

    if (config_parse(text, len, assign, settings, &line, &reason) != 0)
        fail_msg("%s:%u: %s", path, line, reason);
}

static struct settings *load_rules(void)
{
    struct settings *settings;
    char error[SETTINGS_ERROR_MAX] = "";

    check_int("settings", settings_new(&settings), 0);
    load_file(settings, "50-courier.conf");
    load_file(settings, "50-dovecot.conf");
    if (settings_finish(settings, error) != 0)
        fail_msg("shipped rules: %s", error);
    return settings;
}

/* --- whole journals --- */

/* One line of an .expect file: "login TAB address TAB user TAB MESSAGE". */
struct expected {
    char *addr, *user, *message;
    size_t message_len;
};

/* Undoes the two escapes of these files, in place; returns the length. */
static size_t unescape(char *text)
{
    char *to = text;

    for (char *from = text; *from; to++) {
        bool tab = strncmp(from, "\\x09", 4) == 0, newline = strncmp(from, "\\x0a", 4) == 0;

        *to = tab ? '\t' : newline ? '\n' : *from;
        from += tab || newline ? 4 : 1;
    }
    *to = '\0';
    return (size_t)(to - text);
}

/* The next login in the text, which is cut into pieces as it is read; false at the end. */
static bool next_expected(char **text, struct expected *ret)
{
    char *line;

    while ((line = strsep(text, "\n")) && *line) {
        const char *kind = strsep(&line, "\t");

        if (strcmp(kind, "login") != 0)
            continue;
        ret->addr = strsep(&line, "\t");
        ret->user = strsep(&line, "\t");
        ret->message = line;
        check_true("expected line", ret->message != NULL);
        unescape(ret->user);
        ret->message_len = unescape(ret->message);
        return true;
    }
    return false;
}

static void check_event(const struct event *event, const struct expected *want, const char *rule)
{
    char addr[ADDR_TEXT_MAX], user[USER_MAX + 1];

    addr_format(&event->addr, addr);
    text_sanitise(want->user, strlen(want->user), user, sizeof(user));
    check_text(want->message, addr, want->addr);
    check_text(want->message, event->user, user);
    check_text(want->message, rule_name(event->rule), rule);
}

static void check_journal(const struct settings *settings, const char *name, const char *rule,
                          unsigned want_logins)
{
    char path[512];
    struct export_file file;
    size_t len;
    unsigned logins = 0;

    snprintf(path, sizeof(path), "%s/tests/journals/%s.expect", SOURCE_DIR, name);

    _cleanup_(freep) char *expect = read_whole_file(path, &len);
    char *rest = expect;

    snprintf(path, sizeof(path), "%s/tests/journals/%s.export", SOURCE_DIR, name);
    export_open(&file, path);
    while (export_next(&file)) {
        struct entry entry = fake_entry(file.fields, 1);
        struct event event;
        const struct rule *by = NULL;
        struct expected want = { .message_len = 0 };
        const void *message = "";
        size_t message_len = 0;
        enum rules_verdict verdict = rules_judge(settings->rules, &entry, &event, &by);

        (void)entry.get(&entry, "MESSAGE", &message, &message_len);
        if (verdict != RULES_LOGIN) {
            if (verdict != RULES_NOTHING)
                fail_msg("%s: verdict %d on: %.*s", name, verdict, (int)message_len,
                         (const char *)message);
            continue;
        }
        if (!next_expected(&rest, &want))
            fail_msg("%s: a login too many: %.*s", name, (int)message_len, (const char *)message);
        check_bytes(name, message, message_len, want.message, want.message_len);
        check_event(&event, &want, rule);
        logins++;
    }
    export_close(&file);

    struct expected missed;

    if (next_expected(&rest, &missed))
        fail_msg("%s: missed: %s", name, missed.message);
    check_unsigned(name, logins, want_logins);
}

static void test_journals(void **state)
{
    static const struct {
        const char *name, *rule;
        unsigned logins;
    } cases[] = {
        { "courier", "courier", 61 },          { "dovecot", "dovecot", 34 },
        { "dovecot22", "dovecot", 25 },        { "dovecot24", "dovecot", 32 },
        { "dovecot-anyuser", "dovecot", 76 },  { "dovecot-proxy", "dovecot", 26 },
        { "dovecot-loginject", "dovecot", 8 },
    };
    _cleanup_(settings_freep) struct settings *settings = load_rules();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_journal(settings, cases[i].name, cases[i].rule, cases[i].logins);
}

/* --- single lines, from the servers' documentation, bug reports and the test data of log parsers
 * --- */

#define DOVECOT "dovecot.service", "dovecot"
#define IMAPD   "courier-imap.service", "imapd"
#define POP3D   "courier-pop.service", "pop3d"

static enum rules_verdict judge(const struct settings *settings, const char *unit,
                                const char *identifier, const char *uid, const char *message,
                                struct event *ret)
{
    /* Each case is a process of its own: none is to suffer from the one before. */
    static unsigned processes;
    char pid[16];
    int pid_len = snprintf(pid, sizeof(pid), "%u", ++processes);
    const struct fake_field fields[] = { { "_SYSTEMD_UNIT", unit, strlen(unit), 0 },
                                         { "_PID", pid, (size_t)pid_len, 0 },
                                         { "SYSLOG_IDENTIFIER", identifier, strlen(identifier), 0 },
                                         { "_UID", uid, strlen(uid), 0 },
                                         { "MESSAGE", message, strlen(message), 0 },
                                         { NULL, NULL, 0, 0 } };
    struct entry entry = fake_entry(fields, 1);
    const struct rule *by;

    return rules_judge(settings->rules, &entry, ret, &by);
}

static const struct {
    const char *unit, *identifier, *message, *addr, *user;
} logins[] = {
    /* Dovecot: 2.0 had no session, elements are the administrator's choice */
    { DOVECOT,
      "imap-login: Login: user=<alice>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1, mpid=7",
      "192.0.2.10", "alice" },
    { DOVECOT, "pop3-login: Login: user=<alice>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1",
      "192.0.2.10", "alice" },
    { DOVECOT,
      "imap-login: Login: user=<support@gameserver.services>, method=PLAIN, rip=185.101.93.86, "
      "lip=185.101.93.86, mpid=27548, TLS, TLSv1.2 with cipher ECDHE-RSA-AES128-GCM-SHA256 "
      "(128/128 bits)",
      "185.101.93.86", "support@gameserver.services" },
    { DOVECOT,
      "imap-login: Logged in: user=<alice@example.com>, method=PLAIN, rip=203.0.113.5, TLS",
      "203.0.113.5", "alice@example.com" },
    { DOVECOT,
      "imap-login: Logged in: user=<info@shop.gr>, method=PLAIN, rip=3.3.3.3, lip=9.9.9.9, "
      "mpid=3, TLS, session=<c>",
      "3.3.3.3", "info@shop.gr" },
    { DOVECOT,
      "imap-login: Login: user=<alice>, method=CRAM-MD5, rip=192.0.2.10, lip=192.0.2.1, TSL",
      "192.0.2.10", "alice" },
    { DOVECOT,
      "imap-login: Login: user=<alice>, method=PLAIN, rip=::ffff:70.228.46.25, "
      "lip=::ffff:1.2.3.5, TLS",
      "70.228.46.25", "alice" },
    { DOVECOT,
      "Aug 30 00:11:05 imap-login: Info: Login: user=<alice>, method=PLAIN, rip=192.0.2.10, "
      "lip=192.0.2.1",
      "192.0.2.10", "alice" },
    { DOVECOT,
      "imap-login: proxy(carl): started proxying to host:143: user=<carl>, method=PLAIN, "
      "rip=192.0.2.10, lip=192.0.2.1, TLS, session=<x>",
      "192.0.2.10", "carl" },
    { DOVECOT,
      "pop3-login: Login: user=<x>, method=PLAIN, rip=6.6.6.6, lip=1, y=<>, method=PLAIN, "
      "rip=192.0.2.10, lip=192.0.2.1, session=<s>",
      "192.0.2.10", "x>, method=PLAIN, rip=6.6.6.6, lip=1, y=<" },
    /* Courier: without port, and with the flags of 2023 */
    { POP3D, "LOGIN, user=aron, ip=[::ffff:213.114.116.145]", "213.114.116.145", "aron" },
    { POP3D, "LOGIN, user=april@mailserver.com, ip=[::ffff:192.0.2.10], port=[1060]", "192.0.2.10",
      "april@mailserver.com" },
    { POP3D, "LOGIN, user=alice, ip=[2001:db8::10], port=[1060], stls=1", "2001:db8::10", "alice" },
    { IMAPD, "LOGIN, user=alice, ip=[::ffff:192.0.2.10], port=[1060], protocol=IMAP, starttls=1",
      "192.0.2.10", "alice" },
};

static void test_logins(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = load_rules();

    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
        struct event event;
        char addr[ADDR_TEXT_MAX];

        check_int(
            logins[i].message,
            judge(settings, logins[i].unit, logins[i].identifier, "0", logins[i].message, &event),
            RULES_LOGIN);
        addr_format(&event.addr, addr);
        check_text(logins[i].message, addr, logins[i].addr);
        check_text(logins[i].message, event.user, logins[i].user);
    }
}

static const struct {
    const char *unit, *identifier, *message;
} look_alikes[] = {
    /* Dovecot: failures, and the ends of sessions */
    { DOVECOT, "imap-login: Login aborted: Connection closed (auth failed, 3 attempts in 16 secs) "
               "(auth_failed): user=<test>, method=PLAIN, rip=192.0.2.241, lip=203.0.113.104, TLS, "
               "session=<9ZHq02g3J8S60fan>" },
    { DOVECOT, "imap-login: Login aborted: Logged out (auth failed, 1 attempts in 10 secs) "
               "(auth_failed): user=<user@domain>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1" },
    { DOVECOT, "imap-login: Login aborted: Connection closed: read(size=653) failed: Connection "
               "reset by peer (no auth attempts in 1 secs) (no_auth_attempts): user=<>, "
               "rip=192.0.2.6, lip=192.0.2.1, TLS: read(size=653) failed: Connection reset by "
               "peer, session=<qMLsbvY8PLSkXGoP>" },
    { DOVECOT,
      "imap-login: Login failed: user=<alice>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1" },
    { DOVECOT,
      "imap-login: Disconnected (auth failed, 1 attempts in 9 secs): "
      "user=<administrator@example.com>, method=PLAIN, rip=192.0.2.3, lip=192.168.1.2, "
      "TLS: Disconnected, TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)" },
    { DOVECOT, "imap-login: Disconnected: Aborted login by logging out (auth failed, 1 attempts in "
               "2 secs): user=<alice>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1, session=<x>" },
    { DOVECOT, "pop3-login: Aborted login (1 authentication attempts): user=<username>, "
               "method=PLAIN, rip=::ffff:1.2.3.4, lip=::ffff:1.2.3.5, secured" },
    { DOVECOT, "pop3-login: Aborted login (tried to use disabled plaintext auth): "
               "rip=190.210.136.21, lip=113.212.99.193" },
    { DOVECOT, "pop3-login: Disconnected: rip=1.2.3.4, lip=1.2.3.5" },
    { DOVECOT, "imap-login: Info: Aborted login (auth failed, 1 attempts): "
               "user=<martin@waschbuesch.de>, method=CRAM-MD5, rip=80.187.101.33, "
               "lip=80.254.129.240, TLS" },
    { DOVECOT, "imap(alice)<464><nNms/tlgvcI>: Disconnected: Logged out in=8 out=480" },
    { DOVECOT, "imap(eve>, method=PLAIN, rip=6.6.6.6, lip=1)<1><s>: Logged out in=8 out=480" },
    { DOVECOT, "auth: static(eve,192.0.2.10,<s>): Password mismatch" },
    /* hostile names that failed: whole success texts in the middle of other lines */
    { DOVECOT, "imap-login: Disconnected: Aborted login by logging out (auth failed, 1 attempts in "
               "2 secs): user=<imap-login: Login: user=<eve>, method=PLAIN, rip=6.6.6.6, lip=1, "
               "session=<x>>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1, session=<y>" },
    { DOVECOT, "imap-login: Disconnected: Aborted login (auth failed): user=<x\nimap-login: Login: "
               "user=<eve>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1" },
    { DOVECOT, "imap-login: Error: proxy(x): Started proxying to <h> (0.1 secs): user=<eve>, "
               "method=PLAIN, rip=6.6.6.6, lip=1.1.1.1: Login failed" },
    { DOVECOT, "auth: imap-login: Login: user=<eve>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1" },
    { DOVECOT, "imap: Error: Login: user=<eve>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1" },
    { DOVECOT, "Started dovecot.service - /usr/bin/logger imap-login: Login: user=<eve>, "
               "method=PLAIN, rip=6.6.6.6, lip=1.1.1.1." },
    { DOVECOT, "imap-login: login: user=<eve>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1" },
    { DOVECOT, "imap-login: Login: user=<eve>, method=PLAIN, rip=, lip=1.1.1.1" },
    { DOVECOT, "imap-login: Login: user=<eve>, method=PLAIN, lip=1.1.1.1" },
    /* servers that are not for reading mail */
    { DOVECOT, "managesieve-login: Login: user=<eve>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1" },
    { DOVECOT, "managesieve-login: Login aborted: Logged out (auth failed, 1 attempts in 10 secs) "
               "(auth_failed): user=<user@domain>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1" },
    { DOVECOT, "submission-login: Login: user=<eve>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1" },
    /* proxy: the password is refused by the server behind */
    { DOVECOT, "imap-login: proxy(carl,127.0.0.1:10143): Disconnected by server: user=<carl>, "
               "method=PLAIN, rip=192.0.2.10, lip=127.0.0.1, session=<x>" },
    { DOVECOT, "imap-login: Disconnected: Connection closed (proxy dest auth failed): user=<carl>, "
               "method=PLAIN, rip=192.0.2.10, lip=127.0.0.1, session=<x>" },
    /* proxy: names that make a line about a refused password, or about the end, look like success
     */
    { DOVECOT,
      "imap-login: proxy(x): started proxying to y: user=<e): Login failed to 10.0.0.2:143: "
      "Authentication failed.: user=<x): started proxying to y: user=<e>, method=PLAIN, "
      "rip=192.0.2.66, lip=127.0.0.1, session=<x>" },
    { DOVECOT, "imap-login: proxy(x): started proxying to y: user=<e>, method=P, rip=6.6.6.6, z): "
               "disconnecting 192.0.2.68 (Disconnected by client: Logged out)" },
    { DOVECOT,
      "imap-login: proxy(x): Started proxying to <h> (0.1 secs): user=<e,10.0.0.2:143): "
      "Login failed: user=<x): Started proxying to <h> (0.1 secs): user=<e>, method=PLAIN, "
      "rip=192.0.2.66, lip=127.0.0.1, session=<x>" },
    { DOVECOT, "imap-login: proxy(x): Started proxying to <h> (0.1 secs): user=<e>, method=P, "
               "rip=6.6.6.6,10.0.0.2:143): Disconnected by server (0s idle, in=1, out=1): "
               "user=<e>, method=PLAIN, rip=192.0.2.66, lip=127.0.0.1, session=<x>" },
    /* Courier */
    { IMAPD, "LOGIN FAILED, user=user@domain.tld, ip=[::ffff:198.51.100.33]" },
    { IMAPD, "LOGIN FAILED, method=PLAIN, ip=[::ffff:192.0.2.4]" },
    { POP3D, "LOGIN FAILED, user=USER@EXAMPLE.org, ip=[::ffff:1.2.3.4]" },
    { IMAPD, "LOGIN FAILED, user=LOGIN, user=x, ip=[6.6.6.6], port=[99], ip=[::ffff:192.0.2.10], "
             "port=[38311]" },
    { POP3D, "LOGOUT, user=aron, ip=[::ffff:213.114.116.145], top=0, retr=0" },
    { POP3D, "LOGOUT, user=U, ip=[::ffff:192.0.2.195], port=[56089], top=0, retr=0, rcvd=12, "
             "sent=39, time=0, stls=1" },
    { IMAPD, "LOGOUT, user=kr, ip=[::ffff:130.242.128.50], headers=0, body=0" },
    { IMAPD, "LOGOUT, ip=[::ffff:192.0.2.10], port=[1060], rcvd=12, sent=39" },
    { POP3D, "TIMEOUT, user=user55, ip=[::ffff:10.0.0.133], top=0, retr=0" },
    { POP3D, "DISCONNECTED, user=user4, ip=[::ffff:10.0.0.133], top=0, retr=0" },
    { POP3D, "Disconnected, ip=[::ffff:192.0.2.10]" },
    { IMAPD, "Connection, ip=[::ffff:192.0.2.10], port=[1060]" },
    { IMAPD, "ID, user=eve, ip=[::ffff:192.0.2.10], LOGIN, user=eve, ip=[6.6.6.6], port=[1]" },
    { IMAPD, "INFO: LOGIN, user=eve, ip=[6.6.6.6], port=[1], protocol=IMAP" },
    { IMAPD, "xLOGIN, user=eve, ip=[6.6.6.6], port=[1], protocol=IMAP" },
    { IMAPD, "LOGIN, user=eve, ip=[6.6.6.6], port=[1], protocol=IMAP\n" },
    { IMAPD, "LOGIN, user=eve, ip=[6.6.6.6], headers=0, body=0, rcvd=1, sent=1, time=1" },
    { IMAPD, "LOGIN, user=eve, ip=[], port=[1]" },
    /* each server's text belongs to that server alone */
    { DOVECOT, "LOGIN, user=eve, ip=[6.6.6.6], port=[1], protocol=IMAP" },
    { IMAPD, "imap-login: Login: user=<eve>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1" },
    /* other servers with the same identifiers */
    { IMAPD, "Login user=eve host=[6.6.6.6]" },
    { POP3D, "user `eve' logged in with mailbox `/var/mail/eve' (0 messages)" },
};

static void test_look_alikes(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = load_rules();

    for (size_t i = 0; i < sizeof(look_alikes) / sizeof(look_alikes[0]); i++) {
        struct event event;

        check_int(look_alikes[i].message,
                  judge(settings, look_alikes[i].unit, look_alikes[i].identifier, "0",
                        look_alikes[i].message, &event),
                  RULES_NOTHING);
    }
}

/* The right text from the wrong mouth. */
static void test_forgeries(void **state)
{
    static const char dovecot[] =
        "imap-login: Login: user=<x>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1, mpid=1, session=<s>";
    static const char courier[] = "LOGIN, user=x, ip=[6.6.6.6], port=[99], protocol=IMAP";
    static const struct {
        const char *unit, *identifier, *uid;
    } cases[] = {
        { "session-3.scope", "dovecot", "0" },
        { "user@1001.service", "dovecot", "1001" },
        { "init.scope", "dovecot", "0" },
        { "drv-c1.service", "dovecot", "65534" },
        { "ssh.service", "imapd", "0" },
        { "cron.service", "dovecot", "0" },
        { "dovecot.service", "dovecot", "1001" },
        { "courier-imap.service", "imapd", "1001" },
        { "dovecot.servicex", "dovecot", "0" },
        { "xdovecot.service", "dovecot", "0" },
        { "", "dovecot", "0" },
    };
    _cleanup_(settings_freep) struct settings *settings = load_rules();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct event event;

        check_int(
            cases[i].unit,
            judge(settings, cases[i].unit, cases[i].identifier, cases[i].uid, dovecot, &event),
            RULES_NOTHING);
        check_int(
            cases[i].unit,
            judge(settings, cases[i].unit, cases[i].identifier, cases[i].uid, courier, &event),
            RULES_NOTHING);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journals),
        cmocka_unit_test(test_logins),
        cmocka_unit_test(test_look_alikes),
        cmocka_unit_test(test_forgeries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
