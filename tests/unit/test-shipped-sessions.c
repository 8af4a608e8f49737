/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules in conf.d/ and the table together: what journals of real servers, and one line after
 * another, do to those who are allowed. */

#include "check.h"
#include "recorded-journal.h"
#include "shipped-rules.h"
#include "shipped-world.h"

#define MINUTE UINT64_C(60000000)

static void test_journals(void **state)
{
    static const struct recorded_journal journals[] = {
        { "courier", { "50-courier.conf" }, 61, 60, { NULL } },
        { "cyrus", { "50-cyrus.conf" }, 80, 77, { NULL } },
        { "dovecot", { "50-dovecot.conf" }, 34, 34, { NULL } },
        /* Logged after the restart that ended them. */
        { "dovecot-anyuser",
          { "50-dovecot.conf" },
          76,
          68,
          { "imap(alice)<443><zVnBEtpgqZDAAAIK>: ", "pop3(carol)<447><LmzFE9pgAefAAAIK>: " } },
        { "dovecot-loginject", { "50-dovecot.conf" }, 8, 0, { NULL } },
        { "dovecot-proxy", { "50-dovecot.conf" }, 26, 26, { NULL } },
        { "dovecot22", { "50-dovecot.conf" }, 25, 24, { NULL } },
        { "dovecot24", { "50-dovecot.conf" }, 32, 32, { NULL } },
        { "popa3d", { "50-popa3d.conf" }, 26, 26, { NULL } },
        { "solid-pop3d", { "50-solid-pop3d.conf" }, 26, 23, { NULL } },
    };

    for (size_t i = 0; i < sizeof(journals) / sizeof(journals[0]); i++)
        check_recorded_journal(&journals[i]);
}

struct step {
    const char *unit, *identifier, *uid, *pid, *message;
    int change;       /* enum change_kind; NOTHING if the line means nothing */
    const char *addr; /* of the change; NULL where that has none */
    size_t open;      /* sessions afterwards */
};

#define NOTHING (-1)

static void run_steps(const char *rules_file, const struct step *steps, size_t count)
{
    struct world world;

    open_world(&world, (const char *const[]){ rules_file, NULL });
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        const struct shipped_line line = { step->unit, step->identifier, step->uid, step->pid,
                                           step->message };
        struct event event;
        struct change change;
        char addr[ADDR_TEXT_MAX];
        enum rules_verdict verdict = judge_shipped(world.settings, &line, &event);
        bool applied;

        world.now_usec += MINUTE;
        event.time_usec = world.now_usec;
        applied = apply_verdict(&world, verdict, &event, &change);
        check_int(step->message, applied ? (int)change.kind : NOTHING, step->change);
        if (step->addr) {
            addr_format(&change.addr, addr);
            check_text(step->message, addr, step->addr);
        }
        check_unsigned(step->message, table_session_count(world.table), step->open);
    }
    close_world(&world);
}

#define RUN_STEPS(rules_file, steps)                                                               \
    run_steps((rules_file), (steps), sizeof(steps) / sizeof((steps)[0]))

#define DOVECOT "dovecot.service", "dovecot", "0", "58"
#define TAIL    ", method=PLAIN, rip=192.0.2.10, lip=192.0.2.1, mpid=7, session="

static void test_dovecot(void **state)
{
    static const struct step steps[] = {
        { DOVECOT, "imap-login: Login: user=<alice>" TAIL "<A>", CHANGE_ALLOW, "192.0.2.10", 1 },
        /* the same line again is the same session */
        { DOVECOT, "imap-login: Login: user=<alice>" TAIL "<A>", CHANGE_EXTEND, "192.0.2.10", 1 },
        { DOVECOT, "imap-login: Login: user=<alice>" TAIL "<B>", CHANGE_EXTEND, "192.0.2.10", 2 },
        /* a failed login of the same user, from the same address, is no logout */
        { DOVECOT,
          "imap-login: Disconnected: Aborted login by logging out (auth failed, 1 attempts in 2 "
          "secs): user=<alice>" TAIL "<C>",
          NOTHING, NULL, 2 },
        { DOVECOT, "imap-login: Login aborted: Logged out (auth failed): user=<alice>" TAIL "<A>",
          NOTHING, NULL, 2 },
        /* a session that nobody has seen begin */
        { DOVECOT, "imap(alice)<9><Z>: Disconnected: Logged out in=8 out=480", CHANGE_UNKNOWN, NULL,
          2 },
        /* names and folders that point at a stranger's session */
        { DOVECOT,
          "imap(x)<7><A>: Disconnected: Logged out)<8><E>: Disconnected: Logged out in=8 out=480",
          CHANGE_UNKNOWN, NULL, 2 },
        { DOVECOT, "imap(eve)<8><E>: mailbox create: box=x)<7><A>: Disconnected: Logged out in=8",
          NOTHING, NULL, 2 },
        { DOVECOT, "imap(alice)<7><A>: Disconnected: Logged out in=8 out=480", CHANGE_LOGOUT,
          "192.0.2.10", 1 },
        /* twice ends nothing twice */
        { DOVECOT, "imap(alice)<7><A>: Disconnected: Logged out in=8 out=480", CHANGE_UNKNOWN, NULL,
          1 },
        { DOVECOT, "imap(alice)<7><B>: Disconnected: Logged out in=8 out=480", CHANGE_LOGOUT,
          "192.0.2.10", 0 },
    };
    static const struct step old_steps[] = {
        { DOVECOT, "imap-login: Login: user=<alice>" TAIL "<A>", CHANGE_ALLOW, "192.0.2.10", 1 },
        { DOVECOT, "imap-login: Login: user=<alice>" TAIL "<B>", CHANGE_EXTEND, "192.0.2.10", 2 },
        { DOVECOT, "imap-login: Login: user=<bob>" TAIL "<C>", CHANGE_EXTEND, "192.0.2.10", 3 },
        { DOVECOT, "imap(eve): Logged out in=8 out=418", CHANGE_UNKNOWN, NULL, 3 },
        { DOVECOT, "imap(alice): Logged out in=8): Logged out in=8 out=418", NOTHING, NULL, 3 },
        { DOVECOT, "imap(alice): Logged out in=8 out=418", CHANGE_LOGOUT, "192.0.2.10", 1 },
        { DOVECOT, "imap(alice): Logged out in=8 out=418", CHANGE_UNKNOWN, NULL, 1 },
        /* without session=, a login counts by itself */
        { DOVECOT, "imap-login: Login: user=<carl>, method=PLAIN, rip=192.0.2.11, lip=192.0.2.1",
          CHANGE_ALLOW, "192.0.2.11", 1 },
    };

    RUN_STEPS("50-dovecot.conf", steps);
    RUN_STEPS("50-dovecot.conf", old_steps);
}

#define POP3D "courier-pop.service", "pop3d", "0", "59"

static void test_courier(void **state)
{
    static const struct step steps[] = {
        { POP3D, "LOGIN, user=alice, ip=[::ffff:192.0.2.10], port=[1]", CHANGE_ALLOW, "192.0.2.10",
          1 },
        { POP3D, "LOGIN, user=alice, ip=[::ffff:192.0.2.10], port=[2]", CHANGE_EXTEND, "192.0.2.10",
          2 },
        { POP3D, "LOGIN FAILED, user=alice, ip=[::ffff:192.0.2.10], port=[1]", NOTHING, NULL, 2 },
        { POP3D, "LOGOUT, ip=[::ffff:192.0.2.10], port=[1], rcvd=12, sent=39", NOTHING, NULL, 2 },
        { POP3D, "Disconnected, ip=[::ffff:192.0.2.10], port=[1]", NOTHING, NULL, 2 },
        { POP3D,
          "LOGOUT, user=x, ip=[::ffff:192.0.2.10], port=[1], top=0, ip=[::ffff:192.0.2.66], "
          "port=[3], top=0, retr=0",
          CHANGE_UNKNOWN, NULL, 2 },
        { POP3D, "LOGOUT, user=alice, ip=[::ffff:192.0.2.10], port=[1], top=0, retr=0",
          CHANGE_LOGOUT, "192.0.2.10", 1 },
        { POP3D, "LOGOUT, user=alice, ip=[::ffff:192.0.2.10], port=[1], top=0, retr=0",
          CHANGE_UNKNOWN, NULL, 1 },
        { POP3D, "TIMEOUT, user=alice, ip=[::ffff:192.0.2.10], port=[2], top=0, retr=0",
          CHANGE_LOGOUT, "192.0.2.10", 0 },
        /* old versions log no port: a login counts by itself */
        { POP3D, "LOGIN, user=aron, ip=[::ffff:192.0.2.11]", CHANGE_ALLOW, "192.0.2.11", 0 },
        { POP3D, "LOGOUT, user=aron, ip=[::ffff:192.0.2.11], top=0, retr=0", NOTHING, NULL, 0 },
    };

    RUN_STEPS("50-courier.conf", steps);
}

#define CYRUS "cyrus-imapd.service", "cyrus/imap", "106"

static void test_cyrus(void **state)
{
    static const struct step steps[] = {
        { CYRUS, "1", "login: [192.0.2.10] alice plaintext User logged in", CHANGE_ALLOW,
          "192.0.2.10", 1 },
        { CYRUS, "2", "login: [192.0.2.11] bob plaintext User logged in", CHANGE_ALLOW,
          "192.0.2.11", 2 },
        { CYRUS, "2", "badlogin: [192.0.2.11] plaintext (USAGE bob user: 1 sys: 1) invalid user",
          NOTHING, NULL, 2 },
        { CYRUS, "3", "USAGE alice user: 0.1 sys: 0.1", CHANGE_UNKNOWN, NULL, 2 },
        { CYRUS, "1", "USAGE alice user: 0.1 sys: 0.1", CHANGE_LOGOUT, "192.0.2.10", 1 },
        { CYRUS, "1", "USAGE alice user: 0.1 sys: 0.1", CHANGE_UNKNOWN, NULL, 1 },
        /* bob has gone without a word: his process serves somebody else */
        { CYRUS, "2", "login: [192.0.2.12] carl plaintext User logged in", CHANGE_ALLOW,
          "192.0.2.12", 1 },
        { CYRUS, "2", "idle for too long, closing connection", CHANGE_LOGOUT, "192.0.2.12", 0 },
    };

    RUN_STEPS("50-cyrus.conf", steps);
}

#define POPA3D "popa3d.service", "popa3d"
#define INETD  "inetd.service", "popa3d"
#define SOCKET "popa3d@7-127.0.0.1:110-192.0.2.13:4000.service", "popa3d"

static void test_popa3d(void **state)
{
    static const struct step steps[] = {
        { POPA3D, "0", "1", "Session from 192.0.2.10", CHANGE_CONNECT, "192.0.2.10", 0 },
        { POPA3D, "0", "2", "Session from 192.0.2.11", CHANGE_CONNECT, "192.0.2.11", 0 },
        { POPA3D, "1002", "2", "Authentication passed for bob", CHANGE_ALLOW, "192.0.2.11", 1 },
        { POPA3D, "1001", "1", "Authentication passed for alice", CHANGE_ALLOW, "192.0.2.10", 2 },
        { POPA3D, "1001", "1", "0 (0) deleted, 0 (0) left", CHANGE_LOGOUT, "192.0.2.10", 1 },
        /* a process that nobody has seen connect, and one that was turned away */
        { POPA3D, "1001", "3", "Authentication passed for alice", CHANGE_UNKNOWN, NULL, 1 },
        { POPA3D, "0", "1", "Session from 192.0.2.66", CHANGE_CONNECT, "192.0.2.66", 1 },
        { POPA3D, "106", "1", "Authentication failed for UNKNOWN USER", CHANGE_FAIL, "192.0.2.66",
          1 },
        { POPA3D, "1001", "1", "Authentication passed for alice", CHANGE_UNKNOWN, NULL, 1 },
        { POPA3D, "0", "1", "Session from 192.0.2.66", CHANGE_CONNECT, "192.0.2.66", 1 },
        { POPA3D, "106", "1", "Didn't attempt authentication", CHANGE_FAIL, "192.0.2.66", 1 },
        { POPA3D, "1002", "2", "Premature disconnect", CHANGE_LOGOUT, "192.0.2.11", 0 },
        /* tcpd, with a name that the client's own host gave */
        { INETD, "0", "1", "connect from x (6.6.6.6)@evil.example (2001:db8::10)", CHANGE_CONNECT,
          "2001:db8::10", 0 },
        { INETD, "1001", "1", "Authentication passed for alice", CHANGE_ALLOW, "2001:db8::10", 1 },
        { INETD, "1001", "1", "Connection timed out", CHANGE_LOGOUT, "2001:db8::10", 0 },
        { SOCKET, "1001", "1", "Authentication passed for alice", CHANGE_ALLOW, "192.0.2.13", 1 },
        { SOCKET, "1001", "1", "0 (0) deleted, 0 (0) left", CHANGE_LOGOUT, "192.0.2.13", 0 },
    };

    RUN_STEPS("50-popa3d.conf", steps);
}

#define SOLID "inetd.service", "solid-pop3d"

static void test_solid_pop3d(void **state)
{
    static const struct step steps[] = {
        { SOLID, "0", "1", "connect from 192.0.2.10", CHANGE_CONNECT, "192.0.2.10", 0 },
        { SOLID, "0", "1", "user alice authenticated - 192.0.2.10", CHANGE_ALLOW, "192.0.2.10", 1 },
        { SOLID, "1001", "2", "session ended for user alice - 192.0.2.10", CHANGE_UNKNOWN, NULL,
          1 },
        { SOLID, "1001", "1", "session ended for user alice - 192.0.2.10", CHANGE_LOGOUT,
          "192.0.2.10", 0 },
        { SOLID, "0", "1", "connect from 192.0.2.66", CHANGE_CONNECT, "192.0.2.66", 0 },
        { SOLID, "0", "1", "authentication failed: no such user: x - 6.6.6.6 - 192.0.2.66",
          CHANGE_FAIL, "192.0.2.66", 0 },
        { SOLID, "0", "1", "connect from 192.0.2.66", CHANGE_CONNECT, "192.0.2.66", 0 },
        { SOLID, "0", "1", "APOP authentication failed for user alice - 192.0.2.66", CHANGE_FAIL,
          "192.0.2.66", 0 },
        /* built to log the address on a line of its own */
        { SOLID, "0", "3", "connect from host.example.net (192.0.2.11)", CHANGE_CONNECT,
          "192.0.2.11", 0 },
        { SOLID, "0", "3", "user x authenticated - 6.6.6.6 authenticated", CHANGE_ALLOW,
          "192.0.2.11", 1 },
        { SOLID, "1001", "3", "session ended for user x", CHANGE_LOGOUT, "192.0.2.11", 0 },
        { SOLID, "0", "4", "user bob authenticated", CHANGE_UNKNOWN, NULL, 0 },
    };

    RUN_STEPS("50-solid-pop3d.conf", steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journals), cmocka_unit_test(test_dovecot),
        cmocka_unit_test(test_courier),  cmocka_unit_test(test_cyrus),
        cmocka_unit_test(test_popa3d),   cmocka_unit_test(test_solid_pop3d),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
