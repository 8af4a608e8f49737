/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules in conf.d/ on single lines, from the servers' documentation, sources, bug reports and
 * the test data of log parsers: logins, and what looks like one and is none. */

#include "check.h"
#include "shipped-rules.h"

static struct settings *load_rules(void)
{
    static const char *const files[] = { "50-courier.conf",     "50-cyrus.conf",
                                         "50-dovecot.conf",     "50-popa3d.conf",
                                         "50-solid-pop3d.conf", NULL };

    return load_shipped_rules(files);
}

#define DOVECOT "dovecot.service", "dovecot"
#define IMAPD   "courier-imap.service", "imapd"
#define POP3D   "courier-pop.service", "pop3d"

#define CYRUS "cyrus-imapd.service", "cyrus/imap"
#define SOLID "inetd.service", "solid-pop3d"

static enum rules_verdict judge(const struct settings *settings, const char *unit,
                                const char *identifier, const char *uid, const char *message,
                                struct event *ret)
{
    const struct shipped_line line = { unit, identifier, uid, NULL, message };

    return judge_shipped(settings, &line, ret);
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
    /* Cyrus: the name of a host that has one, old versions, other prefixes, and names that look
     * like the rest */
    { CYRUS, "login: [172.16.48.101] andrew plaintext User logged in", "172.16.48.101", "andrew" },
    { "cyrus-imapd.service", "sloti30t15/imap",
      "login: frontend1.nyi.internal [10.202.2.160] robntest plaintext User logged in "
      "SESSIONID=<sloti30t15-4101108-1450760746-1-6931901653674999381>",
      "10.202.2.160", "robntest" },
    { "cyrus.service", "pop3", "login: host.example.net[192.0.2.10] alice APOP User logged in",
      "192.0.2.10", "alice" },
    { CYRUS, "login: host.example.net[192.0.2.10] alice plaintext", "192.0.2.10", "alice" },
    { CYRUS, "login: [2001:db8::10] [6.6.6.6] eve plaintext+TLS User logged in SESSIONID=<x>",
      "2001:db8::10", "[6.6.6.6] eve" },
    { CYRUS,
      "login: [192.0.2.10] login: [6.6.6.6] x plaintext User logged in SESSIONID=<x> PLAIN User "
      "logged in SESSIONID=<y>",
      "192.0.2.10", "login: [6.6.6.6] x plaintext User logged in SESSIONID=<x>" },
    /* Solid POP3: what its source can log besides, and names that look like the rest */
    { SOLID, "user alice authenticated through APOP - 192.0.2.10", "192.0.2.10", "alice" },
    { SOLID, "mapped user alice authenticated - host.example.net (2001:db8::10)", "2001:db8::10",
      "alice" },
    { SOLID, "user x authenticated - h (6.6.6.6) authenticated - 192.0.2.10", "192.0.2.10",
      "x authenticated - h (6.6.6.6)" },
    { "spop3d@4-::1:110-2001:db8::10:4000.service", "spop3d",
      "user alice authenticated - 2001:db8::10", "2001:db8::10", "alice" },
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
            RULES_EVENT);
        check_int(logins[i].message, event.kind, EVENT_LOGIN);
        addr_format(&event.addr, addr);
        check_text(logins[i].message, addr, logins[i].addr);
        check_text(logins[i].message, event.user, logins[i].user);
    }
}

static const struct {
    const char *unit, *identifier, *message;
} look_alikes[] = {
    /* Dovecot: a name never holds the end of a line */
    { DOVECOT, "imap-login: Login: user=<al\nice>, method=PLAIN, rip=6.6.6.6, lip=192.0.2.1" },
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
    /* Courier */
    { IMAPD, "LOGIN FAILED, user=user@domain.tld, ip=[::ffff:198.51.100.33]" },
    { IMAPD, "LOGIN FAILED, method=PLAIN, ip=[::ffff:192.0.2.4]" },
    { POP3D, "LOGIN FAILED, user=USER@EXAMPLE.org, ip=[::ffff:1.2.3.4]" },
    { IMAPD, "LOGIN FAILED, user=LOGIN, user=x, ip=[6.6.6.6], port=[99], ip=[::ffff:192.0.2.10], "
             "port=[38311]" },
    { POP3D, "LOGOUT, user=aron, ip=[::ffff:213.114.116.145], top=0, retr=0" },
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
    /* nobody asked for a password */
    { DOVECOT,
      "imap-login: Login: user=<anonymous>, method=ANONYMOUS, rip=192.0.2.10, lip=1.1.1.1" },
    { DOVECOT, "imap-login: proxy(anonymous): started proxying to host:143: user=<anonymous>, "
               "method=ANONYMOUS, rip=192.0.2.10, lip=192.0.2.1, TLS, session=<x>" },
    { CYRUS, "login: [192.0.2.10] anonymous me" },
    { CYRUS, "login: [192.0.2.10] anonymous eve plaintext User logged in SESSIONID=<x>" },
    /* Cyrus */
    { CYRUS, "badlogin: local-somehost[1.2.3.4] OTP [SASL(-13): authentication failure: External "
             "SSF not good enough]" },
    { CYRUS, "badlogin: [127.0.0.20] plaintext (login: [6.6.6.6] eve plaintext User logged in "
             "SESSIONID=<x>) invalid user" },
    { CYRUS, "login: evil[6.6.6.6] x [192.0.2.10] eve plaintext User logged in now" },
    { CYRUS, "login: a b [6.6.6.6] eve plaintext User logged in SESSIONID=<x>" },
    { CYRUS, "xlogin: [6.6.6.6] eve plaintext User logged in SESSIONID=<x>" },
    { "cyrus-imapd.service", "cyrus/sieve", "login: [6.6.6.6] eve PLAIN User logged in" },
    { "cyrus-imapd.service", "cyrus/lmtp", "login: [6.6.6.6] eve PLAIN User logged in" },
    { "cyrus-imapd.service", "pimap", "login: [6.6.6.6] eve PLAIN User logged in" },
    /* Solid POP3 */
    { SOLID, "authentication failed: no such user: user eve authenticated - 6.6.6.6 - 192.0.2.10" },
    { SOLID, "authentication failed for user user x authenticated - 6.6.6.6" },
    { SOLID, "can't open or create file: /home/eve/user x authenticated - 6.6.6.6" },
    { SOLID, "user eve authenticated - 6.6.6.6 authenticated badly - 192.0.2.10" },
    { SOLID, "user eve authenticated - a b (6.6.6.6)" },
    { SOLID, "user eve authenticated - 6.6.6.6)" },
    /* popa3d: the address stands elsewhere */
    { "popa3d.service", "popa3d", "Authentication failed for carl -- [6.6.6.6]" },
    /* servers that share the unit */
    { "inetd.service", "in.identd", "user eve authenticated - 6.6.6.6" },
    { "inetd.service", "ftpd", "Authentication passed for eve" },
    /* other servers with the same identifiers */
    { IMAPD, "Login user=eve host=[6.6.6.6]" },
    { POP3D, "user `eve' logged in with mailbox `/var/mail/eve' (0 messages)" },
};

static void test_look_alikes(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = load_rules();

    for (size_t i = 0; i < sizeof(look_alikes) / sizeof(look_alikes[0]); i++) {
        struct event event = { .kind = EVENT_FAIL };
        enum rules_verdict verdict = judge(settings, look_alikes[i].unit, look_alikes[i].identifier,
                                           "0", look_alikes[i].message, &event);

        /* A server may tell that somebody was turned away, which is no login either. */
        if (verdict != RULES_NOTHING)
            check_int(look_alikes[i].message, verdict == RULES_EVENT && event.kind == EVENT_FAIL,
                      true);
    }
}

/* The right text from the wrong mouth. */
static void test_forgeries(void **state)
{
    static const char *const messages[] = {
        "imap-login: Login: user=<x>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1, mpid=1, session=<s>",
        "imap(x)<1><s>: Disconnected: Logged out in=8 out=480",
        "LOGIN, user=x, ip=[6.6.6.6], port=[99], protocol=IMAP",
        "LOGOUT, user=x, ip=[6.6.6.6], port=[99], top=0, retr=0, rcvd=6, sent=30, time=0",
        "login: [6.6.6.6] eve plaintext User logged in SESSIONID=<x>",
        "USAGE alice user: 0.1 sys: 0.1",
        "Session from 6.6.6.6",
        "connect from 6.6.6.6 (6.6.6.6)",
        "Authentication passed for alice",
        "0 (0) deleted, 0 (0) left",
        "user eve authenticated - 6.6.6.6",
        "session ended for user eve - 6.6.6.6",
    };
    static const struct {
        const char *unit, *identifier, *uid;
    } mouths[] = {
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
        { "drv-y1.service", "cyrus/imap", "106" },
        { "user@1001.service", "cyrus/imap", "1001" },
        { "cyrus-imapd.service", "eve", "106" },
        { "drv-p1.service", "popa3d", "0" },
        { "user@1001.service", "popa3d", "1001" },
        { "user@0-::1:110-6.6.6.6:1.service", "popa3d", "1001" },
        { "xpopa3d@0-::1:110-6.6.6.6:1.service", "popa3d", "1001" },
        { "popa3d@0-::1:110-6.6.6.6:1.scope", "popa3d", "1001" },
        { "inetd.service", "telnetd", "1001" },
        { "", "popa3d", "0" },
        { "drv-s1.service", "solid-pop3d", "0" },
        { "user@1001.service", "spop3d", "1001" },
        { "session-1.scope", "solid-pop3d", "1001" },
    };
    _cleanup_(settings_freep) struct settings *settings = load_rules();

    for (size_t i = 0; i < sizeof(mouths) / sizeof(mouths[0]); i++)
        for (size_t k = 0; k < sizeof(messages) / sizeof(messages[0]); k++) {
            struct event event;

            check_int(mouths[i].unit,
                      judge(settings, mouths[i].unit, mouths[i].identifier, mouths[i].uid,
                            messages[k], &event),
                      RULES_NOTHING);
        }
}

/* What systemd calls the service of a connection tells whose it is. */
static void test_peers(void **state)
{
    static const struct {
        const char *unit, *addr; /* NULL: another line must have told it */
    } cases[] = {
        { "popa3d@3-127.0.0.1:110-192.0.2.10:45678.service", "192.0.2.10" },
        { "popa3d@0-::1:110-2001:db8::10:60445.service", "2001:db8::10" },
        { "popa3d-sock@12-::1:110-::1:6.service", "::1" },
        { "popa3d@0-::ffff:127.0.0.1:110-::ffff:192.0.2.10:60445.service", "192.0.2.10" },
        /* systemd 258 adds the socket's cookie */
        { "popa3d@3-4711-127.0.0.1:110-192.0.2.10:45678.service", "192.0.2.10" },
        { "popa3d@3-4711-::1:110-2001:db8::10:60445.service", "2001:db8::10" },
        { "popa3d@3-1234-1000.service", NULL }, /* a socket in the file system */
        { "popa3d@alice.service", NULL },
        { "popa3d@0-::1:110-6.6.6.6.service", NULL },
        { "popa3d@6.6.6.6:110-.service", NULL },
        { "popa3d.service", NULL },
        { "inetd.service", NULL },
    };
    _cleanup_(settings_freep) struct settings *settings = load_rules();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct event event;
        char addr[ADDR_TEXT_MAX];

        check_int(cases[i].unit,
                  judge(settings, cases[i].unit, "popa3d", "1001",
                        "Authentication passed for alice", &event),
                  RULES_EVENT);
        check_int(cases[i].unit, event.kind, EVENT_LOGIN);
        check_text(cases[i].unit, event.user, "alice");
        check_int(cases[i].unit, event.has_addr, cases[i].addr != NULL);
        if (!cases[i].addr)
            continue;
        addr_format(&event.addr, addr);
        check_text(cases[i].unit, addr, cases[i].addr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logins),
        cmocka_unit_test(test_look_alikes),
        cmocka_unit_test(test_forgeries),
        cmocka_unit_test(test_peers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
