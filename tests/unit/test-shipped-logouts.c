/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules in conf.d/ on single lines that end sessions, and on lines that look as if they did:
 * whoever can choose a name, a folder's name or a password must not end a stranger's session. */

#include <stdio.h>

#include "check.h"
#include "core/text.h"
#include "random.h"
#include "shipped-rules.h"

#define DOVECOT "dovecot.service", "dovecot", "0"
#define IMAPD   "courier-imap.service", "imapd", "0"
#define POP3D   "courier-pop.service", "pop3d", "0"
#define CYRUS   "cyrus-imapd.service", "cyrus/imap", "106"
#define POPA3D  "popa3d.service", "popa3d", "1001"
#define SOLID   "inetd.service", "solid-pop3d", "1001"

static struct settings *load_rules(void)
{
    static const char *const files[] = { "50-courier.conf",     "50-cyrus.conf",
                                         "50-dovecot.conf",     "50-popa3d.conf",
                                         "50-solid-pop3d.conf", NULL };

    return load_shipped_rules(files);
}

/* A session of "4711" is that of the process, which the line does not name. */
static const struct {
    const char *unit, *identifier, *uid, *message, *user, *session;
} logouts[] = {
    /* Dovecot: 2.4 and late 2.3, early 2.3, logging to standard error */
    { DOVECOT, "imap(alice)<464><nNms/tlgvcI>: Disconnected: Logged out in=8 out=480", "alice",
      "nNms/tlgvcI" },
    { DOVECOT, "pop3(alice)<464><nNms/tlgvcI>: Disconnected: Logged out top=0/0, retr=0/0", "alice",
      "nNms/tlgvcI" },
    { DOVECOT, "imap(alice)<464><nNms/tlgvcI>: Disconnected: User kicked in=8 out=480", "alice",
      "nNms/tlgvcI" },
    { DOVECOT, "imap(alice)<464><nNms/tlgvcI>: Server shutting down. in=8 out=480", "alice",
      "nNms/tlgvcI" },
    { DOVECOT, "imap(alice)<464><nNms/tlgvcI>: Logged out in=8 out=480", "alice", "nNms/tlgvcI" },
    { DOVECOT,
      "imap(alice)<464><nNms/tlgvcI>: Connection closed (IDLE running for 0.001 + waiting input "
      "for 0.001 secs, 2 B in + 10 B out, state=wait-input) in=8 out=480",
      "alice", "nNms/tlgvcI" },
    { DOVECOT, "imap(alice)<464><nNms/tlgvcI>: Disconnected for inactivity in=8 out=480", "alice",
      "nNms/tlgvcI" },
    { DOVECOT, "imap-hibernate(alice)<464><nNms/tlgvcI>: Connection closed in=8 out=480", "alice",
      "nNms/tlgvcI" },
    { DOVECOT,
      "Aug 30 00:11:05 imap(alice)<464><nNms/tlgvcI>: Info: Disconnected: Logged out in=8 out=480",
      "alice", "nNms/tlgvcI" },
    { DOVECOT,
      "imap(dave)<471><522vFN>: Fatal: master: service(imap): child 471 killed with signal 9",
      "dave", "522vFN" },
    { DOVECOT,
      "imap(dave)<471><522vFN>: Fatal: master: service(imap): child 471 returned error 83 (Out of "
      "memory)",
      "dave", "522vFN" },
    /* names that look like the end of another session, or of a line */
    { DOVECOT, "imap(eve>, method=PLAIN, rip=6.6.6.6, lip=1)<1><s>: Logged out in=8 out=480",
      "eve>, method=PLAIN, rip=6.6.6.6, lip=1", "s" },
    { DOVECOT,
      "imap(x)<1><victim>: Disconnected: Logged out in=1 out=1)<464><own>: Disconnected: Logged "
      "out in=8 out=480",
      "x)<1><victim>: Disconnected: Logged out in=1 out=1", "own" },
    { DOVECOT, "imap(x)<1><victim)<464><own>: Connection closed in=8 out=480", "x)<1><victim",
      "own" },
    { DOVECOT, "imap(x): Disconnected: y)<464><own>: Disconnected: Logged out in=8 out=480",
      "x): Disconnected: y", "own" },
    /* an id that a front end passed on */
    { DOVECOT, "imap(bob)<428><sess>,rip=6.6.6.6>: Disconnected: Logged out in=8 out=480", "bob",
      "sess>,rip=6.6.6.6" },
    /* 2.2 names the user alone */
    { DOVECOT, "imap(alice): Logged out in=8 out=418", "alice", "" },
    { DOVECOT, "pop3(alice): Disconnected: Logged out top=0/0, retr=0/0, del=0/0, size=0", "alice",
      "" },
    { DOVECOT,
      "imap(bob): Connection closed: read(size=8176) failed: Connection reset by peer (SELECT "
      "finished 1.251 secs ago) in=16 out=653",
      "bob", "" },
    { DOVECOT, "imap(support@gameserver.services): Disconnected: Logged out in=120 out=757",
      "support@gameserver.services", "" },
    /* as a proxy */
    { DOVECOT,
      "imap-login: proxy(carl,127.0.0.1:10143): Disconnected by server: user=<carl>, "
      "method=PLAIN, rip=192.0.2.10, lip=127.0.0.1, session=<x>",
      "", "x" },
    { DOVECOT,
      "pop3-login: proxy(carl): disconnecting 192.0.2.10 (Disconnected by client): user=<carl>, "
      "method=PLAIN, rip=192.0.2.10, lip=127.0.0.1, TLS, session=<x>",
      "", "x" },
    { DOVECOT,
      "imap-login: proxy(x): Started proxying to <h> (0.1 secs): user=<e>, method=P, "
      "rip=6.6.6.6,10.0.0.2:143): Disconnected by server (0s idle, in=1, out=1): user=<e>, "
      "method=P, rip=6.6.6.6, session=<victim>, method=PLAIN, rip=192.0.2.66, lip=127.0.0.1, "
      "session=<own>",
      "", "own" },
    /* Courier */
    { POP3D,
      "LOGOUT, user=U, ip=[::ffff:192.0.2.195], port=[56089], top=0, retr=0, rcvd=12, sent=39, "
      "time=0, stls=1",
      "U", "::ffff:192.0.2.195], port=[56089" },
    { IMAPD,
      "DISCONNECTED, user=U, ip=[2001:db8::10], port=[56089], headers=0, body=0, rcvd=12, sent=39, "
      "time=0, starttls=1",
      "U", "2001:db8::10], port=[56089" },
    { IMAPD,
      "TIMEOUT, user=x, ip=[6.6.6.6], port=[1], headers=0, body=0, ip=[::ffff:192.0.2.10], "
      "port=[2], headers=0, body=0, rcvd=0, sent=52, time=1801",
      "x, ip=[6.6.6.6], port=[1], headers=0, body=0", "::ffff:192.0.2.10], port=[2" },
    { IMAPD,
      "NOTICE: Disconnected during shutdown by signal, user=alice, ip=[::ffff:192.0.2.10], "
      "port=[42043], headers=0, body=0, rcvd=26, sent=336, time=1",
      "alice", "::ffff:192.0.2.10], port=[42043" },
    /* Cyrus */
    { CYRUS, "USAGE x user: 1.0 sys: 1.0 user: 0.000000 sys: 0.003844", "x user: 1.0 sys: 1.0",
      "4711" },
    { CYRUS, "idle for too long, closing connection", "", "4711" },
    { CYRUS, "Connection reset by peer, closing connection", "", "4711" },
    { CYRUS, "graceful shutdown initiated by unexpected process 1 (/usr/lib/systemd/systemd)", "",
      "4711" },
    { CYRUS, "user.bob: Logins must be at least 1 minute apart", "", "4711" },
    { CYRUS, "user.bob: Logins must be at least 5 minutes apart", "", "4711" },
    { CYRUS, "example.org!user.two words: Logins must be at least 5 minutes apart", "", "4711" },
    /* popa3d */
    { POPA3D, "0 (0) deleted, 12 (3456) left", "", "4711" },
    { POPA3D, "Premature disconnect", "", "4711" },
    { POPA3D, "Connection timed out", "", "4711" },
    /* Solid POP3 */
    { SOLID, "session ended for user x - 6.6.6.6 - 192.0.2.10", "", "4711" },
    { SOLID, "session ended for mapped user x", "", "4711" },
    { SOLID, "autologout time elapsed for user carl - host.example.net (2001:db8::10)", "",
      "4711" },
    { SOLID, "autologout time elapsed - 192.0.2.10", "", "4711" },
    { SOLID, "read: Connection reset by peer", "", "4711" },
    { SOLID, "root login not allowed - 192.0.2.10", "", "4711" },
};

static void test_logouts(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = load_rules();

    for (size_t i = 0; i < sizeof(logouts) / sizeof(logouts[0]); i++) {
        const struct shipped_line line = { logouts[i].unit, logouts[i].identifier, logouts[i].uid,
                                           "4711", logouts[i].message };
        struct event event;

        check_int(line.message, judge_shipped(settings, &line, &event), RULES_EVENT);
        check_int(line.message, event.kind, EVENT_LOGOUT);
        check_text(line.message, event.user, logouts[i].user);
        check_text(line.message, event.session, logouts[i].session);
    }
}

static const struct {
    const char *unit, *identifier, *uid, *message;
} look_alikes[] = {
    /* Dovecot: nobody had logged in */
    { DOVECOT, "imap-login: Disconnected: Aborted login by logging out (auth failed, 1 attempts in "
               "2 secs): user=<alice>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1, session=<x>" },
    { DOVECOT, "imap-login: Disconnected: Inactivity (no auth attempts in 180 secs): user=<>, "
               "rip=192.0.2.10, lip=192.0.2.1, session=<x>" },
    { DOVECOT, "imap-login: Login aborted: Logged out (auth failed, 1 attempts in 10 secs) "
               "(auth_failed): user=<alice>, method=PLAIN, rip=192.0.2.10, session=<x>" },
    { DOVECOT, "imap-login: proxy(carl,127.0.0.1:10143): Login failed: user=<carl>, method=PLAIN, "
               "rip=192.0.2.10, lip=127.0.0.1, session=<x>" },
    { DOVECOT, "pop3-login: proxy(dora,127.0.0.1:10110): Disconnected: Shutting down (internal "
               "failure, 1 successful auths): user=<dora>, method=PLAIN, rip=2001:db8::10, "
               "lip=::1, session=<x>" },
    /* names in lines of those */
    { DOVECOT, "imap-login: Disconnected: Aborted login (auth failed): user=<imap(x)<1><victim>: "
               "Disconnected: Logged out>, method=PLAIN, rip=192.0.2.10, session=<own>" },
    { DOVECOT, "imap-login: Disconnected: Aborted login (auth failed): user=<x): Disconnected by "
               "server: user=<y>, method=P, rip=6.6.6.6, session=<victim>>, method=PLAIN, "
               "rip=192.0.2.10, lip=192.0.2.1" },
    { DOVECOT, "auth: static(imap(x)<1><victim>: Disconnected: ,192.0.2.10,<s>): Password "
               "mismatch" },
    { DOVECOT, "imap-login: proxy(x): Disconnected by server: user=<y>, method=P, rip=6.6.6.6, "
               "session=<victim>,10.0.0.2:143): Disconnected by server: user=<z>, method=P, "
               "rip=6.6.6.6, session=<victim>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1" },
    /* sessions that go on: their folders and commands have any name */
    { DOVECOT, "imap(445): Warning: Killed with signal 15 (by pid=449 uid=0 code=kill)" },
    { DOVECOT, "imap(eve)<464><own>: mailbox create: box=x)<1><victim>: Disconnected: Logged out "
               "in=8 out=480" },
    { DOVECOT, "imap(eve)<464><own>: Error: x)<1><victim>: Disconnected: y" },
    { DOVECOT, "imap(eve)<464><own>: Error: x)<1><victim>: Fatal: master: service(imap): child 1 "
               "killed with signal 9" },
    { DOVECOT, "imap(eve)<464><own>: Disconnected: Connection closed (X)<1><victim>: finished 1 "
               "secs ago) in=8 out=480" },
    { DOVECOT, "imap(eve): mailbox create: box=x): Logged out in=8 out=480" },
    { DOVECOT, "imap(victim): Logged out in=8 out=480): Logged out in=8 out=480" },
    { DOVECOT, "imap(victim): Disconnected: x)<464><own>: mailbox create: box=y" },
    { DOVECOT, "imap: Error: imap(victim): Logged out in=8 out=480" },
    { DOVECOT, "managesieve(alice)<464><nNms/tlgvcI>: Disconnected: Logged out bytes=59/566" },
    { DOVECOT, "lmtp(1)<464><nNms/tlgvcI>: Disconnected: Logged out" },
    /* Courier: before the login, old lines that do not name the session, failures */
    { IMAPD, "LOGOUT, ip=[::ffff:192.0.2.10], port=[1060], rcvd=12, sent=39" },
    { POP3D, "Disconnected, ip=[::ffff:192.0.2.10]" },
    { POP3D, "LOGOUT, user=aron, ip=[::ffff:213.114.116.145], top=0, retr=0" },
    { POP3D, "TIMEOUT, user=user55, ip=[::ffff:10.0.0.133], top=0, retr=0" },
    { POP3D, "LOGOUT, user=x, ip=[6.6.6.6], port=[1], top=0, retr=0, ip=[::ffff:192.0.2.10], "
             "top=0, retr=0" },
    { POP3D, "LOGIN FAILED, user=LOGOUT, user=x, ip=[6.6.6.6], port=[1], ip=[::ffff:192.0.2.10], "
             "port=[2]" },
    { POP3D, "INFO: LOGOUT, user=x, ip=[6.6.6.6], port=[1], top=0, retr=0" },
    { POP3D, "LOGOUT, user=x, ip=[6.6.6.6], port=[1], top=0, retr=0\n" },
    /* Cyrus */
    { CYRUS, "seen_db: user eve USAGE alice user: 0.1 sys: 0.1" },
    { CYRUS, "counts: retr=<0> top=<0> dele=<0>" },
    { CYRUS, "badlogin: [192.0.2.10] plaintext (USAGE x user: 1.0 sys: 1.0) invalid user" },
    { CYRUS, "badlogin: [192.0.2.10] plaintext (x, closing connection" },
    { CYRUS, "open: user eve opened x: Logins must be at least 1 minute apart" },
    { "cyrus-imapd.service", "cyrus/lmtp", "106", "USAGE alice user: 0.1 sys: 0.1" },
    /* popa3d */
    { POPA3D, "0 messages (0 bytes) loaded" },
    { POPA3D, "pam_unix(popa3d:auth): bad username [Premature disconnect]" },
    /* Solid POP3: without a login */
    { SOLID, "session ended - 192.0.2.10" },
    { SOLID, "autologout time elapsed for user  - 192.0.2.10" },
    { SOLID, "Stats: alice 0 0 0 0" },
    { SOLID, "authentication failed: no such user: session ended for user x - 192.0.2.10" },
};

static void test_look_alikes(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = load_rules();

    for (size_t i = 0; i < sizeof(look_alikes) / sizeof(look_alikes[0]); i++) {
        const struct shipped_line line = { look_alikes[i].unit, look_alikes[i].identifier,
                                           look_alikes[i].uid, NULL, look_alikes[i].message };
        struct event event = { .kind = EVENT_FAIL };

        if (judge_shipped(settings, &line, &event) != RULES_NOTHING)
            check_int(line.message, event.kind, EVENT_FAIL);
    }
}

/* --- names at random --- */

/* Where a client decides about the text, which is marked by a newline, and what the line may end.
 */
static const struct {
    const char *unit, *identifier, *uid, *shape, *session; /* NULL: none at all */
} shapes[] = {
    { DOVECOT, "imap(\n)<464><own>: Disconnected: Logged out in=8 out=480", "own" },
    { DOVECOT, "pop3(\n)<464><own>: Disconnected: Connection closed top=0/0, retr=0/0", "own" },
    { DOVECOT, "imap(\n)<464><own>: Connection closed (No commands sent) in=0 out=416", "own" },
    { DOVECOT, "imap(\n)<464><own>: Fatal: master: service(imap): child 464 killed with signal 9",
      "own" },
    { DOVECOT, "imap(\n): Logged out in=8 out=418", "" },
    { DOVECOT, "pop3(\n): Disconnected: Logged out top=0/0, retr=0/0, del=0/0, size=0", "" },
    { DOVECOT,
      "imap-login: proxy(carl,127.0.0.1:10143): Disconnected by server (0s idle, in=211, out=601): "
      "user=<\n>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1, TLS, session=<own>",
      "own" },
    { DOVECOT, "imap(eve)<464><own>: Error: \n", NULL },
    { DOVECOT, "imap(eve)<464><own>: mailbox create: box=\n", NULL },
    { DOVECOT, "imap(eve): mailbox rename: box=\n", NULL },
    { DOVECOT,
      "imap-login: Disconnected: Aborted login by logging out (auth failed, 1 attempts in 2 secs): "
      "user=<\n>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1, session=<own>",
      NULL },
    { DOVECOT, "auth: static(\n,192.0.2.10,<own>): Password mismatch", NULL },
    { POP3D,
      "LOGOUT, user=\n, ip=[::ffff:192.0.2.10], port=[2], top=0, retr=0, rcvd=6, sent=30, time=0, "
      "stls=1",
      "::ffff:192.0.2.10], port=[2" },
    { IMAPD, "LOGIN FAILED, user=\n, ip=[::ffff:192.0.2.10], port=[2]", NULL },
    { POP3D, "LOGOUT, user=\n, ip=[::ffff:192.0.2.10], top=0, retr=0", NULL },
    { CYRUS, "USAGE \n user: 0.000000 sys: 0.003844", "4711" },
    { CYRUS, "badlogin: [192.0.2.10] plaintext (\n) invalid user", NULL },
    { SOLID, "authentication failed: no such user: \n - 192.0.2.10", NULL },
};

static const char *const pieces[] = {
    "x",
    " ",
    ">",
    "<",
    "(",
    ")",
    ")<1><victim>",
    ")<1><victim",
    ": Disconnected: ",
    "): Disconnected: y",
    ": Logged out in=8 out=480",
    "): Logged out ",
    "Disconnected by server: ",
    "user=<",
    ", session=<victim>",
    ", method=PLAIN, rip=6.6.6.6",
    "imap(victim",
    "imap-login: proxy(",
    "Fatal: master: service(imap): child 1 ",
    ", ip=[6.6.6.6], port=[1]",
    ", top=0, retr=0",
    "LOGOUT, user=",
    " user: 1.0 sys: 1.0",
    ", closing connection",
};

/* The shape with a name in it. */
static void fill_shape(const char *shape, const char *name, char *ret, size_t size)
{
    size_t before = strcspn(shape, "\n");

    snprintf(ret, size, "%.*s%s%s", (int)before, shape, name, shape + before + 1);
}

static void make_name(char *ret, size_t size)
{
    size_t used = 0;

    for (uint64_t left = 1 + random_below(8); left > 0 && used < size; left--)
        used += (size_t)snprintf(ret + used, size - used, "%s",
                                 pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))]);
}

static void test_names(void **state)
{
    _cleanup_(settings_freep) struct settings *settings = load_rules();
    unsigned ended = 0;

    for (unsigned i = 0; i < 20000; i++) {
        size_t k = i % (sizeof(shapes) / sizeof(shapes[0]));
        char name[200], user[USER_MAX + 1], message[600];
        const struct shipped_line line = { shapes[k].unit, shapes[k].identifier, shapes[k].uid,
                                           "4711", message };
        struct event event = { .kind = EVENT_FAIL };

        make_name(name, sizeof(name));
        fill_shape(shapes[k].shape, name, message, sizeof(message));
        if (judge_shipped(settings, &line, &event) != RULES_EVENT || event.kind == EVENT_FAIL)
            continue;
        check_int(message, event.kind, EVENT_LOGOUT);
        check_text(message, event.session, shapes[k].session);
        (void)text_sanitise(name, strlen(name), user, sizeof(user));
        if (event.user[0])
            check_text(message, event.user, user);
        ended++;
    }
    check_true("some lines end sessions", ended > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logouts),
        cmocka_unit_test(test_look_alikes),
        cmocka_unit_test_setup(test_names, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
