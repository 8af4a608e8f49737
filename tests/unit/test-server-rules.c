/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules for servers that few still use: whole journals where there are some, and else lines
 * from public logs, from the servers' source, and from patterns that others have used. */

#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "fake-entry.h"
#include "shipped-rules.h"
#include "shipped.h"

static void test_journals(void **state)
{
    static const struct shipped_journal journals[] = {
        /* 49 more of each were to daemons, which do not say where they came from. */
        { "mailutils", { "50-mailutils.conf" }, 20, 20 },
        /* 32 logins and logouts are those of the server behind the proxy. */
        { "perdition", { "50-perdition.conf", "50-dovecot.conf" }, 78, 64 },
        { "uw-imap", { "50-uw-imap.conf" }, 60, 60 },
    };

    for (size_t i = 0; i < sizeof(journals) / sizeof(journals[0]); i++)
        check_shipped_journal(&journals[i]);
}

/* --- single lines --- */

static const char *const files[] = {
    "50-cucipop.conf",   "50-dovecot.conf",   "50-dovecot-old.conf", "50-gnu-pop3d.conf",
    "50-mailutils.conf", "50-perdition.conf", "50-qpopper.conf",     "50-teapop.conf",
    "50-uw-imap.conf",   "50-vm-pop3d.conf",  "50-vpopmail.conf",    NULL,
};

struct line {
    const char *unit, *identifier, *priority, *message;
    const char *addr, *user; /* NULL: nobody logged in */
};

static enum rules_verdict judge(const struct settings *settings, const struct line *line,
                                struct event *ret)
{
    const struct fake_field fields[] = {
        { "_SYSTEMD_UNIT", line->unit, strlen(line->unit), 0 },
        FAKE_TEXT("_SYSTEMD_INVOCATION_ID", "0123456789abcdef0123456789abcdef"),
        FAKE_TEXT("_PID", "812"),
        FAKE_TEXT("_UID", "0"),
        { "SYSLOG_IDENTIFIER", line->identifier, strlen(line->identifier), 0 },
        { "PRIORITY", line->priority, strlen(line->priority), 0 },
        { "MESSAGE", line->message, strlen(line->message), 0 },
        { NULL, NULL, 0, 0 },
    };
    struct entry entry = fake_entry(fields, 1);
    const struct rule *by;

    return rules_judge(settings->rules, &entry, ret, &by);
}

static void check_line(const struct settings *settings, const struct line *line)
{
    struct event event;
    char addr[ADDR_TEXT_MAX];
    enum rules_verdict verdict = judge(settings, line, &event);

    if (!line->addr) {
        check_true(line->message, verdict != RULES_EVENT || event.kind != EVENT_LOGIN);
        return;
    }
    check_int(line->message, verdict, RULES_EVENT);
    check_int(line->message, event.kind, EVENT_LOGIN);
    check_true(line->message, event.has_addr);
    addr_format(&event.addr, addr);
    check_text(line->message, addr, line->addr);
    check_text(line->message, event.user, line->user);
}

/* A line that means something means nothing as a part of another one. */
static void check_anchors(const struct settings *settings, const struct line *line)
{
    static const char *const around[][2] = {
        { "x ", "" }, { "x\n", "" }, { "\n", "" }, { "", " x" }, { "", "\n" },
    };
    char message[1024];

    for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
        struct line other = *line;
        struct event event;

        snprintf(message, sizeof(message), "%s%s%s", around[i][0], line->message, around[i][1]);
        other.message = message;
        check_true(message, judge(settings, &other, &event) != RULES_EVENT);
    }
}

static void check_lines(const struct line *lines, size_t n)
{
    _cleanup_(settings_freep) struct settings *settings = load_shipped_rules(files);

    for (size_t i = 0; i < n; i++) {
        check_line(settings, &lines[i]);
        if (lines[i].addr)
            check_anchors(settings, &lines[i]);
    }
}

#define CHECK_LINES(lines) check_lines((lines), sizeof(lines) / sizeof((lines)[0]))
#define NOBODY             NULL, NULL

#define UW_POP  "inetd.service", "ipop3d", "6"
#define UW_IMAP "xinetd.service", "imapd", "6"

static void test_uw(void **state)
{
    static const struct line lines[] = {
        /* public logs, of several versions */
        { UW_POP, "Login user=shke host=momentum.chem.duke.edu [152.3.169.5] nmsgs=144/144",
          "152.3.169.5", "shke" },
        { UW_IMAP, "Authenticated user=djcecile host=login2.phy.duke.edu [152.3.182.75]",
          "152.3.182.75", "djcecile" },
        { UW_POP, "Auth user=luser3 host=2-4-4.domain.pt [13.16.2.18] nmsgs=0/0", "13.16.2.18",
          "luser3" },
        { UW_POP, "Login user=tony host=[202.32.124.66] nmsgs=5/5", "202.32.124.66", "tony" },
        /* formats in the source of 2007f */
        { UW_POP, "APOP user=tony host=[2001:db8::10] nmsgs=5/5", "2001:db8::10", "tony" },
        { UW_POP, "Login user=tony host=[::ffff:192.0.2.10] no mailbox", "192.0.2.10", "tony" },
        /* a pattern for Solaris */
        { UW_POP, "[ID 210418 mail.info] Login user=tony host=[192.0.2.10] nmsgs=5/5", "192.0.2.10",
          "tony" },
        /* names that hold lines */
        { UW_POP, "Login user=x host=[6.6.6.6] nmsgs=0/0 host=[192.0.2.10] nmsgs=0/0", "192.0.2.10",
          "x host=[6.6.6.6] nmsgs=0/0" },
        { UW_IMAP, "Login user=x\nLogin user=eve host=[6.6.6.6] host=a.example [192.0.2.10]",
          "192.0.2.10", "x?Login user=eve host=[6.6.6.6]" },
        /* no address, or one that was cut with the client's long name */
        { UW_POP, "Login user=tony host=YahooBB218.bbtec.net", NOBODY },
        { UW_POP, "Login user=eve host=[6.6.6.6] host=YahooBB218.bbtec.net [192.0.2", NOBODY },
        { UW_POP, "Login user=eve host=[6.6.6.6] host=UNKNOWN", NOBODY },
        { UW_POP, "Login user=eve host=6.6.6.6]", NOBODY },
        { UW_IMAP, "Login user=eve host=[6.6.6.6]\n", NOBODY },
        /* failures and others that begin alike, from public logs and the source */
        { UW_IMAP, "Login failed user=AryaBhatta auth=AryaBhatta host=a.example [152.3.182.74]",
          NOBODY },
        { UW_POP, "Login failure user=luser44 host=4-0-0.domain.pt [13.16.12.1]", NOBODY },
        { UW_IMAP,
          "Login excessive login failures user=user auth=user host=a.example "
          "[198.52.115.74]",
          NOBODY },
        { UW_IMAP, "Login disabled user=test auth=test host=localhost [127.0.0.1]", NOBODY },
        { UW_IMAP, "Login SYSTEM BREAK-IN ATTEMPT user=x auth=x host=[6.6.6.6]", NOBODY },
        { UW_IMAP, "Failed uwmaster override of user=pro1  host=r22.j.de [127.0.55.22]", NOBODY },
        { UW_IMAP, "Login anonymous=user=x host=[6.6.6.6] host=[6.6.6.6]", NOBODY },
        { UW_IMAP, "Admin Login user=alice host=[192.0.2.10]", NOBODY },
        { UW_IMAP, "Preauthenticated user=alice host=[192.0.2.10]", NOBODY },
        { UW_POP, "IMAP login to host=Login user=eve host=[6.6.6.6] host=[192.0.2.10]", NOBODY },
        { UW_POP, "Logout user=Login user=eve host=[6.6.6.6] host=[192.0.2.10]", NOBODY },
        /* what a stranger's IMAP server says through ipop3d, in its own words */
        { "inetd.service", "ipop3d", "5", "Login user=eve host=[6.6.6.6] nmsgs=0/0", NOBODY },
        { "inetd.service", "ipop3d", "7", "Login user=eve host=[6.6.6.6] nmsgs=0/0", NOBODY },
        /* from elsewhere */
        { "drv-u1.service", "imapd", "6", "Login user=eve host=[6.6.6.6]", NOBODY },
        { "user@1001.service", "imapd", "6", "Login user=eve host=[6.6.6.6]", NOBODY },
        { "courier-imap.service", "imapd", "6", "Login user=eve host=[6.6.6.6]", NOBODY },
        { "inetd.service", "telnetd", "6", "Login user=eve host=[6.6.6.6]", NOBODY },
    };

    CHECK_LINES(lines);
}

#define PERDITION "perdition.service", "perdition.imap4", "5"
#define BEFORE                                                                                     \
    "Auth: ::ffff:192.0.2.10:48785->::ffff:127.0.0.1:110 client-secure=plaintext "                 \
    "authorisation_id=NONE authentication_id=\""
#define BEHIND "\" server=\"127.0.0.1:10110\" protocol=POP3 server-secure=plaintext status=\""

static void test_perdition(void **state)
{
    static const struct line lines[] = {
        { PERDITION, BEFORE "carl" BEHIND "ok\"", "192.0.2.10", "carl" },
        { PERDITION,
          "Auth: 2001:db8::10:48785->2001:db8::1:993 client-secure=ssl authorisation_id=\"bob\" "
          "authentication_id=\"carl\" server=\"imap:993\" protocol=IMAP4S server-secure=starttls "
          "status=\"ok\"",
          "2001:db8::10", "carl" },
        /* the source of 1.x */
        { PERDITION,
          "Auth: 192.0.2.10->198.51.100.1 user=\"id1\" server=\"host1.example\" port=\"110\" "
          "status=\"ok\"",
          "192.0.2.10", "id1" },
        /* names that hold lines */
        { PERDITION, BEFORE "x" BEHIND "ok\"" BEHIND "ok\"", "192.0.2.10",
          "x\" server=\"127.0.0.1:10110\" protocol=POP3 server-secure=plaintext status=\"ok\"" },
        { PERDITION, BEFORE "x" BEHIND "ok\"" BEHIND "failed: Re-Authentication Failure\"",
          NOBODY },
        { PERDITION, BEFORE "x\ny" BEHIND "ok\"", "192.0.2.10", "x?y" },
        { PERDITION,
          "Auth: 192.0.2.10->198.51.100.1 user=\"x\ny\" server=\"h\" port=\"110\" "
          "status=\"ok\"",
          "192.0.2.10", "x?y" },
        { PERDITION, BEFORE "x" BEHIND "ok\"\n" BEHIND "failed: Re-Authentication Failure\"",
          NOBODY },
        { PERDITION, BEFORE "x\nAuth: 6.6.6.6:1->127.0.0.1:110" BEHIND "failed: x\"", NOBODY },
        { PERDITION,
          "Auth: 192.0.2.10->198.51.100.1 user=\"x\" server=\"h\" port=\"1\" status=\"ok\" "
          "server=\"h\" port=\"110\" status=\"failed: Re-Authentication Failure\"",
          NOBODY },
        /* failures, from public logs; 0.x does not say which it was */
        { PERDITION,
          "Auth: 192.168.8.100:2274->193.48.191.9:993 client-secure=ssl authorisation_id=NONE "
          "authentication_id=\"carles\" server=\"imap.biotoul.fr:993\" protocol=IMAP4S "
          "server-secure=ssl status=\"failed: Re-Authentication Failure\"",
          NOBODY },
        { PERDITION, "Auth: 10.0.0.1->12.1.1.1 user=\"id1\" server=\"h.example\" port=\"110\"",
          NOBODY },
        { PERDITION, "Fail reauthentication for user id1", NOBODY },
        { PERDITION, "Connect:  6.6.6.6:1->127.0.0.1:110", NOBODY },
        /* not for reading mail; not his own line; from elsewhere */
        { PERDITION,
          "Auth: 192.0.2.10:1->192.0.2.1:4190 client-secure=ssl authorisation_id=NONE "
          "authentication_id=\"x\" server=\"h:4190\" protocol=MANAGESIEVE server-secure=ssl "
          "status=\"ok\"",
          NOBODY },
        { PERDITION, "x " BEFORE "carl" BEHIND "ok\"", NOBODY },
        { PERDITION, BEFORE "carl" BEHIND "ok\"\n", NOBODY },
        { "drv-q1.service", "perdition.imap4", "5", BEFORE "carl" BEHIND "ok\"", NOBODY },
        { "perdition.service", "dovecot", "5", BEFORE "carl" BEHIND "ok\"", NOBODY },
    };

    CHECK_LINES(lines);
}

#define QPOPPER "xinetd.service", "in.qpopper", "5"

/* A failed login whose line was cut where the name says that it succeeded. */
static void test_cut_lines(void **state)
{
    static const struct {
        struct line line; /* with the name's place for a message */
        size_t whole;     /* bytes of the longest line that is believed */
    } cases[] = {
        { { PERDITION, BEFORE "%s" BEHIND "ok\"", NOBODY }, 462 },
        { { PERDITION,
            "Auth: 192.0.2.10->192.0.2.1 user=\"%s\" server=\"h\" port=\"1\" status=\"ok\"",
            NOBODY },
          462 },
        { { QPOPPER, "(v4.0.5) POP login by user \"%s\" at (a.example) 192.0.2.10", NOBODY }, 511 },
        { { QPOPPER, "(v4.0.5) POP login by user %s at (a.example) 192.0.2.10", NOBODY }, 511 },
        { { QPOPPER, "Stats: %s 0 0 0 0 a.example 192.0.2.10", NOBODY }, 511 },
    };
    _cleanup_(settings_freep) struct settings *settings = load_shipped_rules(files);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t len = cases[i].whole; len <= cases[i].whole + 1; len++) {
            const char *place = strstr(cases[i].line.message, "%s");
            char message[1024];
            struct line line = cases[i].line;
            struct event event;

            snprintf(message, sizeof(message), "%.*s%0*d%s", (int)(place - line.message),
                     line.message, (int)(len - strlen(line.message) + 2), 0, place + 2);
            line.message = message;
            check_unsigned(message, strlen(message), len);
            check_int(message, judge(settings, &line, &event),
                      len == cases[i].whole ? RULES_EVENT : RULES_NOTHING);
        }
    }
}

#define ON_SOCKET(peer) "mailutils-imap4d@3-192.0.2.1:143-" peer ":60445.service", "imap4d", "6"

static void test_mailutils(void **state)
{
    static const struct line lines[] = {
        { ON_SOCKET("192.0.2.10"), "user `alice' logged in (source: system)", "192.0.2.10",
          "alice" },
        { ON_SOCKET("2001:db8::10"), "user `alice' logged in (source: system)", "2001:db8::10",
          "alice" },
        { "mailutils-pop3d@0-::1:110-2001:db8::10:60445.service", "pop3d", "6",
          "user `alice' logged in with mailbox `/var/mail/alice' (1 message)", "2001:db8::10",
          "alice" },
        /* systemd may put more before the addresses */
        { "mailutils-pop3d@7-4242_1-127.0.0.1:110-127.0.0.9:60445.service", "pop3d", "6",
          "user `alice' logged in with mailbox `/var/mail/alice' (10 messages)", "127.0.0.9",
          "alice" },
        /* failures */
        { ON_SOCKET("192.0.2.10"), "user `eve' logged in (source: system)' nonexistent", NOBODY },
        { ON_SOCKET("192.0.2.10"), "user `x' nonexistent\nuser `eve' logged in (source: system)",
          NOBODY },
        { ON_SOCKET("192.0.2.10"), "user `x' nonexistent\nuser `eve' logged in (source: system)'",
          NOBODY },
        { ON_SOCKET("192.0.2.10"),
          "user `eve' logged in with mailbox `x' (0 messages)': authentication failed", NOBODY },
        { ON_SOCKET("192.0.2.10"),
          "user `x' logged in with mailbox `y' nonexistent\nuser `z' (0 messages)", NOBODY },
        { ON_SOCKET("192.0.2.10"), "user `eve': authentication failed", NOBODY },
        { ON_SOCKET("192.0.2.10"), "login failed: user `eve' logged in (source: system)", NOBODY },
        { ON_SOCKET("192.0.2.10"), "possible probe of account `user `x' logged in (source: y)'",
          NOBODY },
        /* a unit that has no address, and others' */
        { "mailutils-imap4d.service", "imap4d", "6", "user `alice' logged in (source: system)",
          NOBODY },
        { "mailutils-imap4d@x.service", "imap4d", "6", "user `alice' logged in (source: system)",
          NOBODY },
        { "drv@3-192.0.2.1:143-6.6.6.6:60445.service", "imap4d", "6",
          "user `alice' logged in (source: system)", NOBODY },
        { "user@1001.service", "imap4d", "6", "user `alice' logged in (source: system)", NOBODY },
    };

    CHECK_LINES(lines);
}

static void test_qpopper(void **state)
{
    static const struct line lines[] = {
        /* a public log of 4.0.9, built for debugging */
        { QPOPPER,
          "(v4.0.9) POP login by user \"nick\" at (yw-out-2526.google.com) 74.125.46.35 "
          "[pop_log.c:244]",
          "74.125.46.35", "nick" },
        /* the formats of patterns that others have used */
        { QPOPPER, "(v4.0.5) POP login by user \"alice\" at (192.0.2.10) 192.0.2.10", "192.0.2.10",
          "alice" },
        { QPOPPER, "(v4.0.5) POP login by user alice at (a.example) 192.0.2.10", "192.0.2.10",
          "alice" },
        { "inetd.service", "popper", "5", "Stats: alice 0 0 12 3456 a.example 192.0.2.10",
          "192.0.2.10", "alice" },
        { "inetd.service", "qpopper", "5", "Stats: alice 0 0 12 3456 192.0.2.10", "192.0.2.10",
          "alice" },
        { QPOPPER, "Stats: alice 0 0 12 3456 a.example 192.0.2.10 [pop_updt.c:296]", "192.0.2.10",
          "alice" },
        /* names that hold lines */
        { QPOPPER,
          "(v4.0.5) POP login by user \"eve\" at (x) 6.6.6.6 \"eve\" at (a.example) 192.0.2.10",
          "192.0.2.10", "eve\" at (x) 6.6.6.6 \"eve" },
        { QPOPPER,
          "(v4.0.5) POP login by user \"eve\" at (evil.example) 6.6.6.6 at a.example "
          "(192.0.2.10): -ERR [AUTH] Password supplied for \"(v4.0.5) POP login by user \"eve\" at "
          "(evil.example) 6.6.6.6\" is incorrect.",
          NOBODY },
        { QPOPPER,
          "(v4.0.5) POP login by user \"eve\" at (evil.example) 6.6.6.6 [pop_log.c:244] at "
          "a.example "
          "(192.0.2.10): -ERR POP EOF or I/O Error [popper.c:828]",
          NOBODY },
        { QPOPPER,
          "(v4.0.5) POP login by user eve at (x) 6.6.6.6 at a.example (192.0.2.10): -ERR [x]",
          NOBODY },
        { QPOPPER,
          "(v4.0.5) POP login by user \"eve at a.example (192.0.2.10): -ERR Unknown command: \"x\" "
          "at "
          "(y) 6.6.6.6",
          NOBODY },
        { QPOPPER, "Stats: eve 0 0 0 0 6.6.6.6 0 0 0 0 a.example 192.0.2.10", NOBODY },
        { QPOPPER, "Stats: eve 0 0 0 0 6.6.6.6 at a.example (192.0.2.10): -ERR x [popper.c:828]",
          NOBODY },
        { QPOPPER, "(v4.0.5) POP login by user a b at (a.example) 192.0.2.10", NOBODY },
        { QPOPPER, "Stats: alice 0 0 12 3456", NOBODY },
        /* others of that log */
        { QPOPPER,
          "(v4.0.9) Servicing request from \"yw-out-2526.google.com\" at 74.125.46.32 "
          "[pop_init.c:1408]",
          NOBODY },
        { QPOPPER,
          "(null) at yw-out-2526.google.com (74.125.46.32): -ERR POP EOF or I/O Error "
          "[popper.c:828]",
          NOBODY },
        { QPOPPER,
          "[AUTH] Failed attempted login to alice from host (a.example) 192.0.2.10 [pop_pass.c:1]",
          NOBODY },
        /* from elsewhere */
        { "drv-q.service", "in.qpopper", "5", "(v4.0.5) POP login by user \"eve\" at (x) 6.6.6.6",
          NOBODY },
        { "postfix.service", "in.qpopper", "5", "(v4.0.5) POP login by user \"eve\" at (x) 6.6.6.6",
          NOBODY },
    };

    CHECK_LINES(lines);
}

#define VCHKPW "svscan.service", "vpopmail", "5"

static void test_vpopmail(void **state)
{
    static const struct line lines[] = {
        /* public logs; 5.4 */
        { VCHKPW, "vchkpw-pop3: (PLAIN) login success user@my_domain:1.2.3.4", "1.2.3.4",
          "user@my_domain" },
        { VCHKPW, "vchkpw-pop3s: (PLAIN) login success user@my_domain:1.2.3.4", "1.2.3.4",
          "user@my_domain" },
        { VCHKPW, "vchkpw-imaps: (PLAIN) login success user@my_domain:1.2.3.4", "1.2.3.4",
          "user@my_domain" },
        /* the source of 5.4 and of versions before */
        { VCHKPW, "vchkpw-imap: (CRAM-MD5) login success a@b.example:::ffff:192.0.2.10",
          "192.0.2.10", "a@b.example" },
        { VCHKPW, "vchkpw-pop3: (APOP) login success a@b.example:2001:db8::10", "2001:db8::10",
          "a@b.example" },
        { VCHKPW, "vchkpw-pop3: system password login success alice:192.0.2.10", "192.0.2.10",
          "alice" },
        { VCHKPW, "vchkpw: login success a@b.example:192.0.2.10", "192.0.2.10", "a@b.example" },
        /* a pattern that others have used */
        { VCHKPW, "vchkpw: login [alice] from 192.0.2.10", "192.0.2.10", "alice" },
        /* logins to send, and from here */
        { VCHKPW, "vchkpw-smtp: (CRAM-MD5) login success user@my_domain:1.2.3.4", NOBODY },
        { VCHKPW, "vchkpw-smtps: (PLAIN) login success user@my_domain:1.2.3.4", NOBODY },
        { VCHKPW, "vchkpw-submission: (PLAIN) login success user@my_domain:1.2.3.4", NOBODY },
        { VCHKPW, "vchkpw-26: (PLAIN) login success user@my_domain:1.2.3.4", NOBODY },
        { VCHKPW, "vchkpw-webmail: (PLAIN) login success user@my_domain:127.0.0.1", NOBODY },
        /* failures, some with the password in them */
        { VCHKPW, "vchkpw-pop3: password fail user1@xxxx.com:192.168.2.1", NOBODY },
        { VCHKPW,
          "vchkpw-pop3: password fail (pass: 'vchkpw-pop3: (PLAIN) login success eve@x:6.6.6.6') "
          "a@b.example:192.0.2.10",
          NOBODY },
        { VCHKPW, "vchkpw-pop3: vpopmail user not found (PLAIN) login success x@:208.210.222.68",
          NOBODY },
        { VCHKPW, "vchkpw-pop3: null password given oneone1:121.243.18.134", NOBODY },
        { VCHKPW, "vchkpw-pop3: invalid user/domain characters x:6.6.6.6:192.0.2.10", NOBODY },
        /* names that cannot be */
        { VCHKPW, "vchkpw-pop3: (PLAIN) login success eve@x:6.6.6.6 y:192.0.2.10", NOBODY },
        { VCHKPW, "vchkpw-pop3: (PLAIN) login success eve x@y:192.0.2.10", NOBODY },
        { VCHKPW, "vchkpw-pop3: system password login success x y:192.0.2.10", NOBODY },
        { VCHKPW, "vchkpw-pop3: system password login success x:6.6.6.6:192.0.2.10", NOBODY },
        { VCHKPW, "vchkpw: login success x y@b.example:192.0.2.10", NOBODY },
        { VCHKPW, "vchkpw: login [eve] from 6.6.6.6] from 192.0.2.10", NOBODY },
        { VCHKPW, "vchkpw: login [eve] from 192.0.2.10\n", NOBODY },
        /* from elsewhere */
        { "user@1001.service", "vpopmail", "5", "vchkpw-pop3: (PLAIN) login success eve@x:6.6.6.6",
          NOBODY },
        { "svscan.service", "qmail", "5", "vchkpw-pop3: (PLAIN) login success eve@x:6.6.6.6",
          NOBODY },
    };

    CHECK_LINES(lines);
}

#define CUCIPOP "inetd.service", "cucipop", "5"

static void test_cucipop(void **state)
{
    static const struct line lines[] = {
        /* a pattern that others have used */
        { CUCIPOP, "alice 192.0.2.10 3, 2 (4711), 1 (815)", "192.0.2.10", "alice" },
        { CUCIPOP, "authentication failure alice 192.0.2.10", NOBODY },
        { CUCIPOP, "authentication 6.6.6.6 3, 2 (4711), 1 (815)", NOBODY },
        { CUCIPOP, "lost alice 192.0.2.10 3, 2 (4711), 1 (815)", NOBODY },
        { CUCIPOP, "lost 6.6.6.6 3, 2 (4711), 1 (815)", NOBODY },
        { CUCIPOP, "eve 6.6.6.6 3, 2 (4711), 1 (815) 192.0.2.10 3, 2 (4711), 1 (815)", NOBODY },
        { CUCIPOP, "eve x 192.0.2.10 3, 2 (4711), 1 (815)", NOBODY },
        { CUCIPOP, "eve 192.0.2.10 3, 2 (4711), 1 (815)\n", NOBODY },
        { "drv-c.service", "cucipop", "5", "eve 6.6.6.6 3, 2 (4711), 1 (815)", NOBODY },
    };

    CHECK_LINES(lines);
}

#define VM_POP3D "vm-pop3d.service", "vm-pop3d", "6"

static void test_vm_pop3d(void **state)
{
    static const struct line lines[] = {
        /* a public log */
        { VM_POP3D, "User 'test@renoirboulanger.com' logged in from 69.159.235.26, nmsgs=3",
          "69.159.235.26", "test@renoirboulanger.com" },
        /* a pattern that others have used */
        { VM_POP3D, "User alice logged in from 192.0.2.10", "192.0.2.10", "alice" },
        { VM_POP3D, "User 'x' logged in from 6.6.6.6' logged in from 192.0.2.10, nmsgs=3", NOBODY },
        { VM_POP3D, "User 'a b' logged in from 192.0.2.10", NOBODY },
        { VM_POP3D, "User 'a b' logged in", NOBODY },
        { VM_POP3D, "pop3 user: User 'x' logged in from 6.6.6.6", NOBODY },
        { VM_POP3D, "Non-existent user: 'x' logged in", NOBODY },
        { VM_POP3D, "bytes: domain renoirboulanger.com 491 bytes", NOBODY },
        { VM_POP3D, "Session ended for user: 'x' logged in from 6.6.6.6", NOBODY },
        { "drv-v.service", "vm-pop3d", "6", "User 'x' logged in from 6.6.6.6", NOBODY },
    };

    CHECK_LINES(lines);
}

#define TEAPOP "teapop.service", "teapop", "6"

static void test_teapop(void **state)
{
    static const struct line lines[] = {
        /* a public log, with other addresses, and the formats in the source of 0.3 */
        { TEAPOP, "Successful login for user@domain [192.0.2.1] from a.example [192.0.2.10]",
          "192.0.2.10", "user@domain" },
        { "inetd.service", "teapop_ssl", "6",
          "Successful login for alice [192.0.2.1] from  [192.0.2.10]", "192.0.2.10", "alice" },
        { TEAPOP,
          "Successful login for x [6.6.6.6] from y [6.6.6.7] [192.0.2.1] from a.example "
          "[192.0.2.10]",
          "192.0.2.10", "x [6.6.6.6] from y [6.6.6.7]" },
        { TEAPOP, "Successful login for x\ny [192.0.2.1] from a.example [192.0.2.10]", "192.0.2.10",
          "x?y" },
        { TEAPOP, "Successful login for alice [192.0.2.1]", NOBODY },
        { TEAPOP, "Failed login for alice [192.0.2.1] from a.example [192.0.2.10]", NOBODY },
        { TEAPOP,
          "Failed login for Successful login for x [6.6.6.6] from y [6.6.6.7] [192.0.2.1] from "
          "a.example [192.0.2.10]",
          NOBODY },
        { TEAPOP,
          "Three failed login attempts from a.example [192.0.2.10] - Possible account probe",
          NOBODY },
        { "drv-t.service", "teapop", "6",
          "Successful login for x [192.0.2.1] from a.example [6.6.6.6]", NOBODY },
    };

    CHECK_LINES(lines);
}

#define DOVECOT "dovecot.service", "dovecot", "6"

static void test_old_dovecot(void **state)
{
    static const struct line lines[] = {
        /* only the shape is known, from the patterns of the Perl program */
        { DOVECOT, "imap-login: Login: alice [192.0.2.10]", "192.0.2.10", "alice" },
        { DOVECOT, "pop3-login: Login: bob@b.example [::ffff:192.0.2.10]", "192.0.2.10",
          "bob@b.example" },
        { DOVECOT, "imap-login: Mar 16 04:19:32 Info: Login: alice [2001:db8::10]", "2001:db8::10",
          "alice" },
        { DOVECOT, "imap-login: Login: x [6.6.6.6] [192.0.2.10]", NOBODY },
        { DOVECOT, "imap-login: Login: x[6.6.6.6] [192.0.2.10]", NOBODY },
        { DOVECOT, "imap-login: Login: user=<x [6.6.6.6]", NOBODY },
        { DOVECOT, "imap-login: Aborted login [192.0.2.10]", NOBODY },
        { DOVECOT, "imap-login: Disconnected [192.0.2.10]", NOBODY },
        { DOVECOT, "imap-login: Disconnected: Login: x [6.6.6.6]", NOBODY },
        { "drv-t.service", "dovecot", "6", "imap-login: Login: x [6.6.6.6]", NOBODY },
    };
    /* 1.1 and 1.2, which the rule for later ones takes; after the address, anything can follow */
    static const struct line later = {
        DOVECOT,
        "imap-login: Login: user=<alice>, method=PLAIN, rip=::ffff:192.0.2.10, "
        "lip=::ffff:192.0.2.1, TLS",
        "192.0.2.10",
        "alice",
    };
    _cleanup_(settings_freep) struct settings *settings = load_shipped_rules(files);

    CHECK_LINES(lines);
    check_line(settings, &later);
}

#define GNU "inetd.service", "gnu-pop3d", "6"

static void test_gnu_pop3d(void **state)
{
    static const struct line lines[] = {
        /* a pattern that others have used */
        { GNU, "User `alice' logged in with mailbox `/var/mail/alice' from 192.0.2.10",
          "192.0.2.10", "alice" },
        { GNU, "User alice logged in with mailbox /var/mail/alice from 192.0.2.10", "192.0.2.10",
          "alice" },
        { GNU, "User 'alice' logged in with mailbox '/var/mail/alice' from 192.0.2.10",
          "192.0.2.10", "alice" },
        { GNU, "User 'alice' logged in with mailbox '/var/mail/alice' (0 msgs)", NOBODY },
        { GNU, "User `x' logged in with mailbox `y' from 6.6.6.6' nonexistent", NOBODY },
        { GNU,
          "User `x' logged in with mailbox `y' from 6.6.6.6' logged in with mailbox `z' from "
          "192.0.2.10",
          NOBODY },
        { GNU, "User a b logged in with mailbox /var/mail/b from 6.6.6.6", NOBODY },
        { GNU, "Possible probe of account 'User x logged in with mailbox y from 6.6.6.6", NOBODY },
        { "drv-g.service", "gnu-pop3d", "6", "User x logged in with mailbox y from 6.6.6.6",
          NOBODY },
    };

    CHECK_LINES(lines);
}

/* Ends of sessions, and the two lines of vm-pop3d 1.1.6; the process ties them together. */
static void test_other_events(void **state)
{
    static const struct {
        struct line line;
        enum event_kind kind;
    } cases[] = {
        { { VM_POP3D, "Connect from 192.0.2.10", "192.0.2.10", "" }, EVENT_CONNECT },
        { { VM_POP3D, "User 'alice' logged in", NULL, "alice" }, EVENT_LOGIN },
        { { VM_POP3D, "User 'alice' of 'b.example' logged in", NULL, "alice" }, EVENT_LOGIN },
        { { VM_POP3D, "User alice logged in", NULL, "alice" }, EVENT_LOGIN },
        { { VM_POP3D, "Session ended for no user", NULL, "" }, EVENT_FAIL },
        { { VM_POP3D, "Session timed out for no user", NULL, "" }, EVENT_FAIL },
        { { VM_POP3D, "Socket closed", NULL, "" }, EVENT_FAIL },
        /* public logs, and the source */
        { { UW_POP, "Logout user=luser4 host=[14.6.8.10] nmsgs=0 ndele=0", NULL, "luser4" },
          EVENT_LOGOUT },
        { { UW_POP, "Autologout user=luser5 host=3-0-0.domain.pt [13.16.1.18]", NULL, "luser5" },
          EVENT_LOGOUT },
        { { UW_POP,
            "Command stream end of file while reading line user=luser234 host=9-9-9-domain.pt "
            "[13.16.4.5]",
            NULL, "luser234" },
          EVENT_LOGOUT },
        { { UW_IMAP, "Connection reset by peer, while reading line user=alice host=UNKNOWN", NULL,
            "alice" },
          EVENT_LOGOUT },
        { { UW_IMAP, "Killed (lost mailbox lock) user=alice host=[192.0.2.10]", NULL, "alice" },
          EVENT_LOGOUT },
        { { UW_IMAP, "Killed user=alice\nx host=[192.0.2.10]", NULL, "alice?x" }, EVENT_LOGOUT },
        { { UW_IMAP, "Hangup user=alice host=[192.0.2.10]", NULL, "alice" }, EVENT_LOGOUT },
        { { UW_POP, "Mailbox closed (x) user=alice host=[192.0.2.10]", NULL, "alice" },
          EVENT_LOGOUT },
        { { PERDITION,
            "Closing session: 192.0.2.10:1->192.0.2.1:110 authorisation_id=NONE "
            "authentication_id=\"a\nb\" received=6 sent=18",
            NULL, "a?b" },
          EVENT_LOGOUT },
        { { PERDITION, "Close: 11.1.1.2->13.3.3.4 user=\"us\ner2\" received=6 sent=0", NULL,
            "us?er2" },
          EVENT_LOGOUT },
        { { PERDITION, "Fatal error piping data. Exiting child.", NULL, "" }, EVENT_LOGOUT },
        { { ON_SOCKET("192.0.2.10"), "session terminating for user: alice", NULL, "alice" },
          EVENT_LOGOUT },
        { { ON_SOCKET("192.0.2.10"), "I/O error", NULL, "" }, EVENT_LOGOUT },
    };
    _cleanup_(settings_freep) struct settings *settings = load_shipped_rules(files);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct line *line = &cases[i].line;
        struct event event;

        check_int(line->message, judge(settings, line, &event), RULES_EVENT);
        check_int(line->message, event.kind, cases[i].kind);
        check_text(line->message, event.user, line->user);
        check_text(line->message, event.session, "812");
        if (cases[i].kind == EVENT_CONNECT || cases[i].kind == EVENT_LOGIN)
            check_int(line->message, event.has_addr, line->addr != NULL);
        check_anchors(settings, line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journals),    cmocka_unit_test(test_uw),
        cmocka_unit_test(test_perdition),   cmocka_unit_test(test_cut_lines),
        cmocka_unit_test(test_mailutils),   cmocka_unit_test(test_qpopper),
        cmocka_unit_test(test_vpopmail),    cmocka_unit_test(test_cucipop),
        cmocka_unit_test(test_vm_pop3d),    cmocka_unit_test(test_other_events),
        cmocka_unit_test(test_teapop),      cmocka_unit_test(test_gnu_pop3d),
        cmocka_unit_test(test_old_dovecot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
