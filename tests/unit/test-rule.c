/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/rule.h"
#include "fake-entry.h"

#define UNIT "_SYSTEMD_UNIT=pop.service"

static struct rule *rule_of(struct rules *rules, const char *name)
{
    struct rule *rule = NULL;

    check_int(name, rules_get(rules, name, &rule), 0);
    return rule;
}

static struct rule *add(struct rules *rules, const char *name, const char *match, const char *login)
{
    struct rule *rule = rule_of(rules, name);
    char error[RULE_ERROR_MAX] = "";

    if (match && rule_add_match(rule, match, error) != 0)
        fail_msg("%s: %s: %s", name, match, error);
    if (login && rule_add_pattern(rule, EVENT_LOGIN, login, error) != 0)
        fail_msg("%s: %s: %s", name, login, error);
    return rule;
}

/* Judges a message of pop.service. */
static enum rules_verdict judge_bytes(const struct rules *rules, const char *unit,
                                      const char *message, size_t len, struct event *ret,
                                      const struct rule **ret_rule)
{
    const struct fake_field fields[] = { { "_SYSTEMD_UNIT", unit, strlen(unit), 0 },
                                         { "MESSAGE", message, len, 0 },
                                         { NULL, NULL, 0, 0 } };
    struct entry entry = fake_entry(fields, 1234567);

    *ret_rule = NULL;
    return rules_judge(rules, &entry, ret, ret_rule);
}

static enum rules_verdict judge(const struct rules *rules, const char *unit, const char *message,
                                struct event *ret, const struct rule **ret_rule)
{
    return judge_bytes(rules, unit, message, strlen(message), ret, ret_rule);
}

static void check_login(const struct event *event, const char *what, const char *addr,
                        const char *user, const char *rule)
{
    char text[ADDR_TEXT_MAX];

    addr_format(&event->addr, text);
    check_text(what, text, addr);
    check_text(what, event->user, user);
    check_text(what, rule_name(event->rule), rule);
    check_int(what, event->kind, EVENT_LOGIN);
    check_true(what, event->has_addr);
    check_unsigned(what, event->time_usec, 1234567);
}

static void test_names(void **state)
{
    static const struct {
        const char *name;
        int want;
    } cases[] = {
        { "dovecot", 0 },
        { "a", 0 },
        { "A-b_9", 0 },
        { "01234567890123456789012345678901", 0 },
        { "012345678901234567890123456789012", -EINVAL },
        { "", -EINVAL },
        { "a b", -EINVAL },
        { "a/b", -EINVAL },
        { "a.b", -EINVAL },
        { "a@b", -EINVAL },
        { "j\xc3\xb6s", -EINVAL },
        { "a\n", -EINVAL },
    };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    size_t count = 0;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rule *rule = NULL;

        check_int(cases[i].name, rules_get(rules, cases[i].name, &rule), cases[i].want);
        check_int(cases[i].name, rule != NULL, cases[i].want == 0);
        count += cases[i].want == 0;
        check_unsigned(cases[i].name, rules_count(rules), count);
    }
    check_true("the same one again", rule_of(rules, "dovecot") == rules_at(rules, 0));
    check_true("another one", rule_of(rules, "a") == rules_at(rules, 1));
    check_unsigned("none made twice", rules_count(rules), count);
    check_text("name", rule_name(rules_at(rules, 2)), "A-b_9");
    assert_null(rules_free(NULL));
}

/* References into the set hold while rules are added: events and the watcher keep them. */
static void test_stable(void **state)
{
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    const struct rule *first = rule_of(rules, "r0");
    char name[16];

    for (int i = 1; i < 300; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        rule_of(rules, name);
    }
    check_true("first rule", rules_at(rules, 0) == first);
    check_text("first rule", rule_name(first), "r0");
    check_text("last rule", rule_name(rules_at(rules, 299)), "r299");
}

static void test_settings(void **state)
{
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = add(rules, "x", UNIT, "(?<addr>.*)");
    char error[RULE_ERROR_MAX];

    check_true("enabled at first", rule_enabled(rule));
    rule_set_enabled(rule, false);
    check_true("disabled", !rule_enabled(rule));
    rule_set_grace(rule, 77);
    check_unsigned("grace", rule_grace_usec(rule), 77);
    check_true("match", rule_match(rule, 0) != NULL);
    check_true("match", rule_match(rule, 1) == NULL);
    check_int("match", rule_add_match(rule, "_UID=0", error), 0);
    check_true("match", rule_match(rule, 1) != NULL);
    check_true("match", rule_match(rule, 2) == NULL);
}

static void test_refused(void **state)
{
    static const char *const matches[] = { "", "dovecot.service", "_systemd_unit=x" };
    static const char *const logins[] = { "(", "(?<host>x)" };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = rule_of(rules, "x");

    for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
        char error[RULE_ERROR_MAX] = "";

        check_int(matches[i], rule_add_match(rule, matches[i], error), -EINVAL);
        check_true(matches[i], error[0] && memchr(error, '\0', sizeof(error)));
    }
    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
        char error[RULE_ERROR_MAX] = "";

        check_int(logins[i], rule_add_pattern(rule, EVENT_LOGIN, logins[i], error), -EINVAL);
        check_true(logins[i], error[0] && memchr(error, '\0', sizeof(error)));
    }
}

static void test_login(void **state)
{
    static const struct {
        const char *message, *addr, *user;
    } cases[] = {
        { "in alice 192.0.2.10", "192.0.2.10", "alice" },
        { "in alice ::ffff:192.0.2.10", "192.0.2.10", "alice" },
        { "in alice 2001:DB8:0:0::10", "2001:db8::10", "alice" },
        { "in two words 192.0.2.10", "192.0.2.10", "two words" },
        { "in in eve 6.6.6.6 192.0.2.10", "192.0.2.10", "in eve 6.6.6.6" },
        { "in \x1b[31mj\xf6s\xe2\x80\xae 192.0.2.10", "192.0.2.10", "?[31mj?s?" },
        { "in  alice  192.0.2.10", "192.0.2.10", "?alice?" },
        { "in  192.0.2.10", "192.0.2.10", "" },
        { "guest 192.0.2.10", "192.0.2.10", "" },
    };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = add(rules, "pop", UNIT, "^in (?<user>.*) (?<addr>\\S+)$");
    struct event event;
    const struct rule *by;

    add(rules, "pop", NULL, "^guest (?<addr>\\S+)$");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_int(cases[i].message, judge(rules, "pop.service", cases[i].message, &event, &by),
                  RULES_EVENT);
        check_login(&event, cases[i].message, cases[i].addr, cases[i].user, "pop");
        check_true(cases[i].message, by == rule && event.rule == rule);
    }
    check_int("other text", judge(rules, "pop.service", "out alice 192.0.2.10", &event, &by),
              RULES_NOTHING);
    check_int("other unit", judge(rules, "popx.service", "in alice 192.0.2.10", &event, &by),
              RULES_NOTHING);
    check_int("second line", judge(rules, "pop.service", "x\nin alice 192.0.2.10", &event, &by),
              RULES_NOTHING);
    check_int("line behind", judge(rules, "pop.service", "in alice 192.0.2.10\n", &event, &by),
              RULES_NOTHING);
    rule_set_enabled(rule, false);
    check_int("disabled", judge(rules, "pop.service", "in alice 192.0.2.10", &event, &by),
              RULES_NOTHING);
}

static void test_long_user(void **state)
{
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    char message[2000], want[USER_MAX + 1];
    struct event event;
    const struct rule *by;

    add(rules, "pop", UNIT, "^in (?<user>.*) (?<addr>\\S+)$");
    memset(want, 'u', USER_MAX);
    want[USER_MAX] = '\0';
    snprintf(message, sizeof(message), "in %s%s%s 192.0.2.10", want, want, want);
    check_int("long user", judge(rules, "pop.service", message, &event, &by), RULES_EVENT);
    check_login(&event, "long user", "192.0.2.10", want, "pop");
}

static void test_no_message(void **state)
{
    static const struct fake_field absent[] = { FAKE_TEXT("_SYSTEMD_UNIT", "pop.service"),
                                                { NULL, NULL, 0, 0 } };
    static const struct fake_field no_unit[] = { FAKE_TEXT("MESSAGE", "in x 192.0.2.10"),
                                                 { NULL, NULL, 0, 0 } };
    static const struct fake_field claims_unit[] = { FAKE_TEXT("MESSAGE", "in x 192.0.2.10"),
                                                     FAKE_TEXT("UNIT", "pop.service"),
                                                     FAKE_TEXT("SYSLOG_IDENTIFIER", "pop"),
                                                     { NULL, NULL, 0, 0 } };
    const struct fake_field *const cases[] = { absent, no_unit, claims_unit };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct event event;
    const struct rule *by;

    add(rules, "pop", UNIT, "(?<addr>192.0.2.10)");
    for (size_t i = 0; i < 3; i++) {
        struct entry entry = fake_entry(cases[i], 1);

        check_int("not to be judged", rules_judge(rules, &entry, &event, &by), RULES_NOTHING);
    }
}

static void test_bad_address(void **state)
{
    static const char *const cases[] = { "in x unknown",       "in x 192.0.2",
                                         "in x 192.0.2.10,",   "in x 192.0.2.10%eth0",
                                         "in x fe80::1%eth0",  "in x [192.0.2.10]",
                                         "in x 192.0.2.010",   "in x 3221225994",
                                         "in x 192.0.2.10/32", "in x IPv6:::1" };
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = add(rules, "a", UNIT, "^in (?<user>.*) (?<addr>\\S+)$");
    struct event event;
    const struct rule *by;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_int(cases[i], judge(rules, "pop.service", cases[i], &event, &by), RULES_BAD_ADDRESS);
        check_true(cases[i], by == rule);
    }
    check_int("NUL", judge_bytes(rules, "pop.service", "in x 192.0.2.10\0", 16, &event, &by),
              RULES_BAD_ADDRESS);
    /* A login that another pattern finds counts all the same. */
    add(rules, "b", UNIT, "^in (?<user>.*) (?<addr>[0-9.]+),$");
    check_int("other rule", judge(rules, "pop.service", "in x 192.0.2.10,", &event, &by),
              RULES_EVENT);
    check_login(&event, "other rule", "192.0.2.10", "x", "b");
}

/* A pattern that takes something else for an address does not keep the rule's next from its say. */
static void test_bad_address_then_good(void **state)
{
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = add(rules, "a", UNIT, "^in (?<user>.*) (?<addr>\\S+)$");
    char error[RULE_ERROR_MAX] = "";
    struct event event;
    const struct rule *by;

    check_int("second pattern",
              rule_add_pattern(rule, EVENT_LOGIN, "^in (?<user>.*) (?<addr>[0-9.]+),$", error), 0);
    check_int("good", judge(rules, "pop.service", "in x 192.0.2.10,", &event, &by), RULES_EVENT);
    check_login(&event, "good", "192.0.2.10", "x", "a");
    check_int("bad for both", judge(rules, "pop.service", "in x 192.0.2,", &event, &by),
              RULES_BAD_ADDRESS);
}

static void test_gives_up(void **state)
{
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct rule *rule = add(rules, "slow", UNIT, "^(?:a+)+(?<addr>[0-9.]+)$");
    char message[MESSAGE_MAX + 2];
    struct event event;
    const struct rule *by;

    memset(message, 'a', sizeof(message));
    message[100] = '!';
    check_int("limit", judge_bytes(rules, "pop.service", message, 101, &event, &by), RULES_GAVE_UP);
    check_true("limit", by == rule);

    struct rule *fast = add(rules, "fast", "_SYSTEMD_UNIT=fast.service", "^a*(?<addr>[0-9.]+)$");

    memset(message, 'a', sizeof(message));
    memcpy(message + MESSAGE_MAX - 10, "192.0.2.10", 10);
    check_int("as long as may be",
              judge_bytes(rules, "fast.service", message, MESSAGE_MAX, &event, &by), RULES_EVENT);
    message[MESSAGE_MAX] = '1';
    check_int("too long", judge_bytes(rules, "fast.service", message, MESSAGE_MAX + 1, &event, &by),
              RULES_GAVE_UP);
    check_true("too long", by == fast);
    check_int("too long, nobody's",
              judge_bytes(rules, "other.service", message, MESSAGE_MAX + 1, &event, &by),
              RULES_NOTHING);
}

/* An entry that came because of one rule's Match= is never judged by another rule's patterns. */
static void test_rules_are_apart(void **state)
{
    _cleanup_(rules_freep) struct rules *rules = rules_new();
    struct event event;
    const struct rule *by;

    add(rules, "a", "_SYSTEMD_UNIT=a.service", "^A (?<addr>\\S+)$");
    add(rules, "b", "_SYSTEMD_UNIT=b.service", "^B (?<addr>\\S+)$");
    add(rules, "b", "_SYSTEMD_UNIT=c.service", NULL);
    check_int("A at a", judge(rules, "a.service", "A 192.0.2.1", &event, &by), RULES_EVENT);
    check_login(&event, "A at a", "192.0.2.1", "", "a");
    check_int("A at b", judge(rules, "b.service", "A 192.0.2.1", &event, &by), RULES_NOTHING);
    check_int("B at a", judge(rules, "a.service", "B 192.0.2.1", &event, &by), RULES_NOTHING);
    check_int("bad B at a", judge(rules, "a.service", "B x", &event, &by), RULES_NOTHING);
    check_int("B at b", judge(rules, "b.service", "B 192.0.2.1", &event, &by), RULES_EVENT);
    check_int("B at c", judge(rules, "c.service", "B 192.0.2.1", &event, &by), RULES_EVENT);
    check_login(&event, "B at c", "192.0.2.1", "", "b");

    /* The rules' order decides where two fit. */
    add(rules, "z", "_SYSTEMD_UNIT=a.service", "^(?<user>A) (?<addr>\\S+)$");
    check_int("A at a", judge(rules, "a.service", "A 192.0.2.1", &event, &by), RULES_EVENT);
    check_login(&event, "A at a", "192.0.2.1", "", "a");
    rule_set_enabled(rule_of(rules, "a"), false);
    check_int("A at a", judge(rules, "a.service", "A 192.0.2.1", &event, &by), RULES_EVENT);
    check_login(&event, "A at a", "192.0.2.1", "A", "z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_stable),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_long_user),
        cmocka_unit_test(test_no_message),
        cmocka_unit_test(test_bad_address),
        cmocka_unit_test(test_bad_address_then_good),
        cmocka_unit_test(test_gives_up),
        cmocka_unit_test(test_rules_are_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
