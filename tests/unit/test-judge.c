/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What entries mean to rules that follow sessions, need a trusted field, or take the address from
 * one. */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/rule.h"
#include "fake-entry.h"

#define TIME 1234567

static struct rule *new_rule(struct rules *rules, const char *name, const char *match)
{
    struct rule *rule = NULL;
    char error[RULE_ERROR_MAX];

    check_int(name, rules_get(rules, name, &rule), 0);
    check_int(match, rule_add_match(rule, match, error), 0);
    return rule;
}

static void add(struct rule *rule, enum event_kind kind, const char *text)
{
    char error[RULE_ERROR_MAX] = "";

    if (rule_add_pattern(rule, kind, text, error) != 0)
        fail_msg("%s: %s", text, error);
}

/* One entry, of which a test changes what it is about. */
struct origin {
    const char *unit, *pid, *invocation, *boot, *identifier;
};

static const struct origin usual = { "pop.service", "812", "3f4d1c5a", "b007", "pop" };

static enum rules_verdict judge(const struct rules *rules, const struct origin *origin,
                                const char *message, struct event *ret,
                                const struct rule **ret_rule)
{
    const char *const names[] = { "_SYSTEMD_UNIT",          "_PID",
                                  "_SYSTEMD_INVOCATION_ID", "_BOOT_ID",
                                  "SYSLOG_IDENTIFIER",      "MESSAGE" };
    const char *const values[] = { origin->unit, origin->pid,        origin->invocation,
                                   origin->boot, origin->identifier, message };
    struct fake_field fields[7] = { 0 };
    struct entry entry = fake_entry(fields, TIME);
    size_t n = 0;

    for (size_t i = 0; i < 6; i++)
        if (values[i])
            fields[n++] = (struct fake_field){ names[i], values[i], strlen(values[i]), 0 };
    memset(ret, 0x5a, sizeof(*ret));
    *ret_rule = NULL;
    return rules_judge(rules, &entry, ret, ret_rule);
}

static void check_event(const char *what, const struct event *event, enum event_kind kind,
                        const char *addr, const char *user, const char *session)
{
    char text[ADDR_TEXT_MAX] = "-";

    check_int(what, event->kind, kind);
    if (event->has_addr)
        addr_format(&event->addr, text);
    check_text(what, text, addr);
    check_text(what, event->user, user);
    check_text(what, event->session, session);
    check_unsigned(what, event->time_usec, TIME);
}

static struct rules *two_line_rules(void)
{
    struct rules *rules = rules_new();
    struct rule *rule = new_rule(rules, "pop", "_SYSTEMD_UNIT=pop.service");

    add(rule, EVENT_CONNECT, "^from (?<addr>\\S+)$");
    add(rule, EVENT_FAIL, "^wrong (?<user>.*)$");
    add(rule, EVENT_LOGIN, "^in (?<user>.*) (?<addr>\\S+)$");
    add(rule, EVENT_LOGIN, "^in (?<user>.*)$");
    add(rule, EVENT_LOGOUT, "^out");
    return rules;
}

static void test_kinds(void **state)
{
    static const struct {
        const char *message;
        enum event_kind kind;
        unsigned pattern;
        const char *addr, *user;
    } cases[] = {
        { "from 192.0.2.10", EVENT_CONNECT, 0, "192.0.2.10", "" },
        { "wrong alice", EVENT_FAIL, 0, "-", "alice" },
        { "in alice 2001:db8::10", EVENT_LOGIN, 0, "2001:db8::10", "alice" },
        { "in alice", EVENT_LOGIN, 1, "-", "alice" },
        { "in alice nowhere", EVENT_LOGIN, 1, "-", "alice nowhere" },
        { "out", EVENT_LOGOUT, 0, "-", "" },
    };
    _cleanup_(rules_freep) struct rules *rules = two_line_rules();
    const struct rule *by;
    struct event event;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_int(cases[i].message, judge(rules, &usual, cases[i].message, &event, &by),
                  RULES_EVENT);
        check_event(cases[i].message, &event, cases[i].kind, cases[i].addr, cases[i].user, "812");
        check_unsigned(cases[i].message, event.pattern, cases[i].pattern);
        check_text(cases[i].message, event.unit, "pop.service");
        check_text(cases[i].message, event.invocation, "3f4d1c5a");
        check_true(cases[i].message, by == event.rule && by == rules_at(rules, 0));
    }
    check_int("an address is needed", judge(rules, &usual, "from nowhere", &event, &by),
              RULES_BAD_ADDRESS);
}

/* All of Login=, then Logout=, Connect= and Fail=; then the next rule. */
static void test_order(void **state)
{
    static const enum event_kind order[] = { EVENT_LOGIN, EVENT_LOGOUT, EVENT_CONNECT, EVENT_FAIL };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *first = new_rule(rules, "a", "_SYSTEMD_UNIT=pop.service");
    struct rule *second = new_rule(rules, "b", "_SYSTEMD_UNIT=pop.service");
    const struct rule *by;
    struct event event;

    for (size_t i = 4; i-- > 0;) {
        add(first, order[i], "(?<addr>192.0.2.1)");
        add(second, order[i], "(?<addr>192.0.2.1)");
    }
    for (size_t i = 0; i < 4; i++) {
        check_int("event", judge(rules, &usual, "192.0.2.1", &event, &by), RULES_EVENT);
        check_int("kind", event.kind, order[i]);
        check_true("rule", by == first);
        rule_clear_patterns(first, order[i]);
    }
    check_int("event", judge(rules, &usual, "192.0.2.1", &event, &by), RULES_EVENT);
    check_int("kind", event.kind, EVENT_LOGIN);
    check_true("rule", by == second && event.rule == second);
}

static void test_session_group(void **state)
{
    static const struct {
        const char *message, *session;
    } cases[] = {
        { "in <a/b c> 192.0.2.10", "a/b c" }, { "in <@r/i/s> 192.0.2.10", "@r/i/s" },
        { "in <> 192.0.2.10", "" },           { "in <j\xc3\xb6> 192.0.2.10", "" },
        { "in <a\x1b> 192.0.2.10", "" },      { "guest 192.0.2.10", "" }, /* and not the process */
    };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = new_rule(rules, "imap", "_SYSTEMD_UNIT=pop.service");
    char message[256], id[SESSION_MAX + 2];
    const struct rule *by;
    struct event event;

    add(rule, EVENT_LOGIN, "^in <(?<session>.*)> (?<addr>\\S+)$");
    add(rule, EVENT_LOGIN, "^guest (?<addr>\\S+)$");
    add(rule, EVENT_LOGOUT, "^out <(?<session>.*)>$");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_int(cases[i].message, judge(rules, &usual, cases[i].message, &event, &by),
                  RULES_EVENT);
        check_event(cases[i].message, &event, EVENT_LOGIN, "192.0.2.10", "", cases[i].session);
    }
    memset(id, 'x', sizeof(id));
    for (size_t len = SESSION_MAX; len <= SESSION_MAX + 1; len++) {
        snprintf(message, sizeof(message), "out <%.*s>", (int)len, id);
        check_int("long", judge(rules, &usual, message, &event, &by), RULES_EVENT);
        check_unsigned("long", strlen(event.session), len == SESSION_MAX ? len : 0);
    }
}

/* Only a logout that cannot say which session it ends is one of all that the user has; one that
 * says it badly is one of none. */
static void test_end_of_user(void **state)
{
    static const struct {
        const char *message;
        bool ends_user;
    } cases[] = {
        { "out alice", true },     { "out alice <s1>", false },
        { "out alice <>", false }, { "out alice <j\xc3\xb6>", false },
        { "out ", false },         { "in alice 192.0.2.10", false },
    };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = new_rule(rules, "imap", "_SYSTEMD_UNIT=pop.service");
    struct origin origin = usual;
    const struct rule *by;
    struct event event;

    add(rule, EVENT_LOGIN, "^in (?<user>\\S*) (?<addr>\\S+)(?: <(?<session>.*)>)?$");
    add(rule, EVENT_LOGOUT, "^out (?<user>\\S*)(?: <(?<session>.*)>)?$");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_int(cases[i].message, judge(rules, &usual, cases[i].message, &event, &by),
                  RULES_EVENT);
        check_int(cases[i].message, event.ends_user, cases[i].ends_user);
    }

    /* Where processes are sessions, one that is not known is none. */
    rule_clear_patterns(rule, EVENT_LOGIN);
    rule_clear_patterns(rule, EVENT_LOGOUT);
    add(rule, EVENT_LOGOUT, "^out (?<user>\\S*)$");
    origin.pid = NULL;
    check_int("no process", judge(rules, &origin, "out alice", &event, &by), RULES_EVENT);
    check_text("no process", event.session, "");
    check_true("no process", !event.ends_user);
}

/* N11: an id counts in its run of the unit only; where the run is not known, there is no session.
 */
static void test_origin(void **state)
{
    static const char long_unit[] =
        "0123456789012345678901234567890123456789012345678901234567890123"
        "0123456789012345678901234567890123456789012345678901234567890123"
        "0123456789012345678901234567890123456789012345678901234567890123"
        "0123456789012345678901234567890123456789012345678901234567890123";
    static const struct {
        const char *what;
        struct origin origin;
        const char *unit, *invocation, *session;
    } cases[] = {
        { "usual",
          { "u.service", "812", "3f4d1c5a", "b007", "pop" },
          "u.service",
          "3f4d1c5a",
          "812" },
        { "no run", { "u.service", "812", NULL, "b007", "pop" }, "u.service", "b007", "812" },
        { "empty run", { "u.service", "812", "", "b007", "pop" }, "u.service", "b007", "812" },
        { "slash", { "u.service", "812", "a/b", "b007", "pop" }, "u.service", "b007", "812" },
        { "blank", { "u.service", "812", "a b", "b007", "pop" }, "u.service", "b007", "812" },
        { "neither", { "u.service", "812", NULL, NULL, "pop" }, "u.service", "", "" },
        { "long run",
          { "u.service", "812", "012345678901234567890123456789012", NULL, "pop" },
          "u.service",
          "",
          "" },
        { "no process",
          { "u.service", NULL, "3f4d1c5a", "b007", "pop" },
          "u.service",
          "3f4d1c5a",
          "" },
        { "no unit", { NULL, "812", "3f4d1c5a", "b007", "pop" }, "-", "3f4d1c5a", "812" },
        { "bad unit", { "a b", "812", "3f4d1c5a", "b007", "pop" }, "-", "3f4d1c5a", "812" },
        { "long unit", { long_unit, "812", "3f4d1c5a", "b007", "pop" }, "-", "3f4d1c5a", "812" },
    };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = new_rule(rules, "pop", "SYSLOG_IDENTIFIER=pop");
    const struct rule *by;
    struct event event;

    add(rule, EVENT_LOGIN, "^in (?<addr>\\S+)$");
    add(rule, EVENT_LOGOUT, "^out$");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_int(cases[i].what, judge(rules, &cases[i].origin, "in 192.0.2.10", &event, &by),
                  RULES_EVENT);
        check_text(cases[i].what, event.unit, cases[i].unit);
        check_text(cases[i].what, event.invocation, cases[i].invocation);
        check_text(cases[i].what, event.session, cases[i].session);
    }
    /* A rule that follows nothing needs none of this. */
    rule_clear_patterns(rule, EVENT_LOGOUT);
    check_int("plain", judge(rules, &usual, "in 192.0.2.10", &event, &by), RULES_EVENT);
    check_text("plain", event.unit, "");
    check_text("plain", event.invocation, "");
    check_text("plain", event.session, "");
}

/* An entry that is no event tells all the same whether its server was started anew, and when. */
static void test_nothing_tells_run(void **state)
{
    static const struct origin other = { "x.service", "1", "i", "b", "x" };
    _cleanup_(rules_freep) struct rules *rules = two_line_rules();
    struct rule *plain = new_rule(rules, "plain", "_SYSTEMD_UNIT=pop.service");
    const struct rule *by;
    struct event event;

    add(plain, EVENT_LOGIN, "^hello (?<addr>\\S+)$");
    check_int("nothing", judge(rules, &usual, "starting up", &event, &by), RULES_NOTHING);
    check_true("the follower", event.rule == rules_at(rules, 0));
    check_text("unit", event.unit, "pop.service");
    check_text("run", event.invocation, "3f4d1c5a");
    check_unsigned("time", event.time_usec, TIME);
    check_int("bad", judge(rules, &usual, "from nowhere", &event, &by), RULES_BAD_ADDRESS);
    check_true("the follower", event.rule == rules_at(rules, 0));
    check_unsigned("time", event.time_usec, TIME);
    check_int("nobody's", judge(rules, &other, "starting up", &event, &by), RULES_NOTHING);
    check_true("nobody's", !event.rule);
    rule_set_enabled(rules_at(rules, 0), false);
    check_int("disabled", judge(rules, &usual, "starting up", &event, &by), RULES_NOTHING);
    check_true("disabled", !event.rule);
}

static void test_require(void **state)
{
    static const struct origin forged = { "user@1000.service", "1", "i", "b", "pop" };
    static const struct origin nobodys = { NULL, "1", "i", "b", "pop" };
    static const struct origin good = { "pop@1.service", "1", "i", "b", "pop" };
    static const struct origin other = { "pop@1.service", "2", "i", "b", "pop" };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = new_rule(rules, "pop", "SYSLOG_IDENTIFIER=pop");
    char error[RULE_ERROR_MAX];
    const struct rule *by;
    struct event event;

    add(rule, EVENT_LOGIN, "^in (?<addr>\\S+)$");
    check_int("require", rule_add_require(rule, "_SYSTEMD_UNIT=pop@*.service", error), 0);
    check_int("require", rule_add_require(rule, "_PID=1", error), 0);
    check_true("lines", rule_require(rule, 1) && !rule_require(rule, 2));
    check_int("both hold", judge(rules, &good, "in 192.0.2.1", &event, &by), RULES_EVENT);
    check_int("one holds", judge(rules, &other, "in 192.0.2.1", &event, &by), RULES_NOTHING);
    check_int("forged", judge(rules, &forged, "in 192.0.2.1", &event, &by), RULES_NOTHING);
    check_int("no unit", judge(rules, &nobodys, "in 192.0.2.1", &event, &by), RULES_NOTHING);
    rule_clear_requires(rule);
    check_int("none", judge(rules, &forged, "in 192.0.2.1", &event, &by), RULES_EVENT);
}

static void test_peer(void **state)
{
    static const struct {
        const char *unit, *message;
        enum rules_verdict want;
        const char *addr;
    } cases[] = {
        { "pop@3-127.0.0.1:110-192.0.2.10:45678.service", "in alice", RULES_EVENT, "192.0.2.10" },
        { "pop@4-::1:110-2001:db8::10:60445.service", "in alice", RULES_EVENT, "2001:db8::10" },
        { "pop@4-::1:110-::ffff:192.0.2.9:604.service", "in alice", RULES_EVENT, "192.0.2.9" },
        { "pop@3-127.0.0.1:110-192.0.2.10:45678.service", "in alice 6.6.6.6", RULES_EVENT,
          "6.6.6.6" },
        { "pop@3-127.0.0.1:110-192.0.2.10:45678.service", "in alice x", RULES_BAD_ADDRESS, NULL },
        { "pop@1.service", "in alice", RULES_BAD_ADDRESS, NULL },
        { "pop@1-2-300.0.2.10:1.service", "in alice", RULES_BAD_ADDRESS, NULL },
        { NULL, "in alice", RULES_BAD_ADDRESS, NULL },
    };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = new_rule(rules, "pop", "SYSLOG_IDENTIFIER=pop");
    char error[RULE_ERROR_MAX];
    const struct rule *by;
    struct event event;

    add(rule, EVENT_LOGIN, "^in (?<user>\\S+)(?: (?<addr>\\S+))?$");
    check_int("peer",
              rule_set_peer(rule, "_SYSTEMD_UNIT=-(?<addr>[0-9A-Fa-f.:]+):\\d+\\.service$", error),
              0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct origin origin = usual;

        origin.unit = cases[i].unit;
        check_int(cases[i].unit, judge(rules, &origin, cases[i].message, &event, &by),
                  cases[i].want);
        if (cases[i].addr)
            check_event(cases[i].unit, &event, EVENT_LOGIN, cases[i].addr, "alice", "");
    }
    /* A field of any length, and one on which the pattern runs into its limit. */
    static char huge[MESSAGE_MAX + 2];
    struct origin origin = usual;

    memset(huge, '1', sizeof(huge) - 1);
    origin.unit = huge;
    check_int("huge", judge(rules, &origin, "in alice", &event, &by), RULES_BAD_ADDRESS);
}

/* A notice about dropped messages concerns a rule that listens through Require= as well. */
static void test_drop_notice(void **state)
{
    static const struct {
        const char *notice;
        bool concerns;
        const char *unit;
    } cases[] = {
        { "Suppressed 3 messages from pop.service", true, "pop.service" },
        { "Suppressed 3 messages from /system.slice/pop.service", true, "pop.service" },
        { "Suppressed 3 messages from imap@7.service", true, "imap@7.service" },
        { "Suppressed 3 messages from cron.service", false, "cron.service" },
        { "Suppressed 3 messages from ", false, "" },
        { "", false, "" },
    };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *second;
    char error[RULE_ERROR_MAX];

    new_rule(rules, "pop", "_SYSTEMD_UNIT=pop.service");
    second = new_rule(rules, "imap", "SYSLOG_IDENTIFIER=imap");
    check_int("require", rule_add_require(second, "_SYSTEMD_UNIT=imap@*", error), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *unit;
        size_t len;

        check_int(cases[i].notice,
                  rules_note_drop(rules, cases[i].notice, strlen(cases[i].notice), &unit, &len),
                  cases[i].concerns);
        check_bytes(cases[i].notice, unit, len, cases[i].unit, strlen(cases[i].unit));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),         cmocka_unit_test(test_order),
        cmocka_unit_test(test_session_group), cmocka_unit_test(test_end_of_user),
        cmocka_unit_test(test_origin),        cmocka_unit_test(test_nothing_tells_run),
        cmocka_unit_test(test_require),       cmocka_unit_test(test_peer),
        cmocka_unit_test(test_drop_notice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
