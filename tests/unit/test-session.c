/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text of sessions: round trips, and bytes from anywhere. */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/session.h"
#include "exact.h"
#include "random.h"

static int decode_key(const char *text, size_t len, struct session_key *ret)
{
    _cleanup_(freep) char *copy = exact_copy(text, len);

    return session_key_decode(copy, len, ret);
}

static int decode(const char *text, size_t len, struct session *ret)
{
    _cleanup_(freep) char *copy = exact_copy(text, len);

    return session_decode(copy, len, ret);
}

static void test_key(void **state)
{
    static const struct {
        struct session_key key;
        const char *text;
    } cases[] = {
        { { "dovecot", "3f4d1c5a9be24a6e8d7f00c1a2b3c4d5", "DaadCdpg19/AAAIK" },
          "@dovecot/3f4d1c5a9be24a6e8d7f00c1a2b3c4d5/DaadCdpg19/AAAIK" },
        { { "popa3d", "1", "812" }, "@popa3d/1/812" },
        { { "a", "b", "[::ffff:192.0.2.10] 38311" }, "@a/b/[::ffff:192.0.2.10] 38311" },
        { { "a", "b", "/" }, "@a/b//" },
        { { "a", "b", "@a/b/c" }, "@a/b/@a/b/c" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[SESSION_KEY_TEXT_MAX];
        struct session_key key;

        check_unsigned(cases[i].text, session_key_encode(&cases[i].key, text),
                       strlen(cases[i].text));
        check_text(cases[i].text, text, cases[i].text);
        check_int(text, decode_key(text, strlen(text), &key), 0);
        check_text(text, key.rule, cases[i].key.rule);
        check_text(text, key.invocation, cases[i].key.invocation);
        check_text(text, key.session, cases[i].key.session);
    }
}

static void test_longest_key(void **state)
{
    char text[SESSION_KEY_TEXT_MAX + 1];
    struct session_key key = { 0 }, again;
    size_t len;

    memset(key.rule, 'r', RULE_NAME_MAX);
    memset(key.invocation, 'i', INVOCATION_MAX);
    memset(key.session, 's', SESSION_MAX);
    len = session_key_encode(&key, text);
    check_unsigned("all of it", len, SESSION_KEY_TEXT_MAX - 1);
    check_int("longest", decode_key(text, len, &again), 0);
    check_text("longest", again.session, key.session);
    text[len] = 's';
    check_int("longer", decode_key(text, len + 1, &again), -EBADMSG);
}

static void test_bad_keys(void **state)
{
    static const char *const cases[] = {
        "",
        "@",
        "@a",
        "@a/",
        "@a/b",
        "@a/b/",
        "@/b/c",
        "@a//c",
        "a/b/c",
        "@@",
        " @a/b/c",
        "@a /b/c",
        "@a/ b/c",
        "@a/b/c\n",
        "@a/b/\x1b[31m",
        "@a/b/\x7f",
        "@a/b/j\xc3\xb6s",
        "@\xff/b/c",
        "@012345678901234567890123456789012/b/c",
        "@a/012345678901234567890123456789012/c",
        ".cursor/local",
        "192.0.2.10",
    };
    struct session_key key = { .rule = "untouched" };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_int(cases[i], decode_key(cases[i], strlen(cases[i]), &key), -EBADMSG);
    check_int("NUL inside", decode_key("@a/b/c\0d", 8, &key), -EBADMSG);
    check_int("NUL behind", decode_key("@a/b/c", 7, &key), -EBADMSG);
    check_text("untouched", key.rule, "untouched");
}

static struct session session_of(enum session_state state, uint64_t since_usec, const char *addr,
                                 const char *unit, const char *user)
{
    struct session session = { .state = state, .since_usec = since_usec };

    check_int(addr, addr_parse(addr, strlen(addr), &session.addr), 0);
    snprintf(session.unit, sizeof(session.unit), "%s", unit);
    snprintf(session.user, sizeof(session.user), "%s", user);
    return session;
}

static void test_session(void **state)
{
    const struct {
        struct session session;
        const char *text;
    } cases[] = {
        { session_of(SESSION_OPEN, 1795355493562748, "192.0.2.10", "dovecot.service", "alice"),
          "open 1795355493562748 192.0.2.10 dovecot.service alice" },
        { session_of(SESSION_PENDING, 0, "2001:db8::10", "-", ""), "pending 0 2001:db8::10 - " },
        { session_of(SESSION_OPEN, UINT64_MAX, "::", "a@b-1.2.3.4:5.service", "two words"),
          "open 18446744073709551615 :: a@b-1.2.3.4:5.service two words" },
        { session_of(SESSION_OPEN, 1, "::ffff:192.0.2.10", "u", "j\xc3\xb6s"),
          "open 1 192.0.2.10 u j\xc3\xb6s" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[SESSION_TEXT_MAX];
        struct session session;

        check_unsigned(cases[i].text, session_encode(&cases[i].session, text),
                       strlen(cases[i].text));
        check_text(cases[i].text, text, cases[i].text);
        check_int(text, decode(text, strlen(text), &session), 0);
        check_int(text, session.state, cases[i].session.state);
        check_unsigned(text, session.since_usec, cases[i].session.since_usec);
        check_int(text, addr_compare(&session.addr, &cases[i].session.addr), 0);
        check_text(text, session.unit, cases[i].session.unit);
        check_text(text, session.user, cases[i].session.user);
    }
}

static void test_longest_session(void **state)
{
    char text[SESSION_TEXT_MAX + 1];
    struct session session =
        session_of(SESSION_PENDING, UINT64_MAX, "1111:2222:3333:4444:5555:6666:7777:8888", "", "");
    struct session again;
    size_t len;

    memset(session.unit, 'u', UNIT_MAX);
    memset(session.user, 'x', USER_MAX);
    len = session_encode(&session, text);
    check_true("room", len < SESSION_TEXT_MAX);
    check_int("longest", decode(text, len, &again), 0);
    check_text("longest", again.unit, session.unit);
    check_text("longest", again.user, session.user);
    text[len] = 'x';
    check_int("longer", decode(text, len + 1, &again), -EBADMSG);
}

static void test_bad_sessions(void **state)
{
    static const char *const cases[] = {
        "",
        "open",
        "open 1",
        "open 1 192.0.2.10",
        "open 1 192.0.2.10 u", /* no blank behind the unit */
        "open 1 192.0.2.10  alice",
        "open  1 192.0.2.10 u alice",
        " open 1 192.0.2.10 u alice",
        "Open 1 192.0.2.10 u alice",
        "closed 1 192.0.2.10 u alice",
        "pendin 1 192.0.2.10 u alice",
        "open -1 192.0.2.10 u alice",
        "open +1 192.0.2.10 u alice",
        "open 01 192.0.2.10 u alice",
        "open 0x1 192.0.2.10 u alice",
        "open 1.0 192.0.2.10 u alice",
        "open 18446744073709551616 192.0.2.10 u alice",
        "open 99999999999999999999999 192.0.2.10 u alice",
        "open x 192.0.2.10 u alice",
        "open 1 192.0.2.010 u alice",
        "open 1 192.0.2.10/32 u alice",
        "open 1 2001:db8::/64 u alice",
        "open 1 2001:DB8::1 u alice",
        "open 1 ::ffff:192.0.2.10 u alice",
        "open 1 host u alice",
        "open 1 192.0.2.10 \x1b u alice",
        "open 1 192.0.2.10 a/b alice",
        "open 1 192.0.2.10 j\xc3\xb6 alice",
        "open 1 192.0.2.10 u  alice", /* blanks at an end do not survive text_sanitise() */
        "open 1 192.0.2.10 u alice ",
        "open 1 192.0.2.10 u a\nlice",
        "open 1 192.0.2.10 u \xff",
        "open 1 192.0.2.10 u \xe2\x80\xae",
        "open\t1 192.0.2.10 u alice",
    };
    struct session session = { .user = "untouched" };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_int(cases[i], decode(cases[i], strlen(cases[i]), &session), -EBADMSG);
    check_int("NUL inside", decode("open 1 192.0.2.10 u a\0b", 23, &session), -EBADMSG);
    check_int("NUL behind", decode("open 1 192.0.2.10 u a", 22, &session), -EBADMSG);
    check_text("untouched", session.user, "untouched");
}

/* Some bytes of a good text changed: it is refused, or it is one that would have been written. */
static void test_random(void **state)
{
    static const char *const seeds[] = { "@dovecot/3f4d1c5a/DaadCdpg19/AAAIK",
                                         "open 1795355493562748 192.0.2.10 dovecot.service alice",
                                         "pending 1 2001:db8::10 - " };
    size_t good = 0;

    for (int i = 0; i < 200000; i++) {
        char text[64], again[SESSION_TEXT_MAX];
        size_t len = strlen(seeds[i % 3]);
        struct session_key key;
        struct session session;
        bool is_whole;

        memcpy(text, seeds[i % 3], len);
        for (uint64_t n = random_below(4); n > 0; n--)
            text[random_below(len)] =
                random_below(4) ? " /@09.:azZ"[random_below(10)] : (char)random_next();
        if (random_below(4) == 0)
            len = random_below(len + 1);
        is_whole = i % 3 == 0 ? decode_key(text, len, &key) == 0 : decode(text, len, &session) == 0;
        good += is_whole;
        if (is_whole)
            check_bytes("the same again", text, len, again,
                        i % 3 == 0 ? session_key_encode(&key, again)
                                   : session_encode(&session, again));
    }
    check_true("both happened", good > 1000 && good < 199000);
}

/* The manual page's example is one. */
static void test_documented(void **state)
{
    FILE *file = fopen(SOURCE_DIR "/man/pop-before-smtp.tdb.5", "re");
    char line[1024], key[256] = "", value[256] = "";
    struct session_key parts = { .rule = "" };
    struct session session = { .unit = "" };

    assert_non_null(file);
    while (!value[0] && fgets(line, sizeof(line), file))
        if (sscanf(line, "key(%*d) = \"%1[@]%254[^\"]", key, key + 1) == 2 &&
            fgets(line, sizeof(line), file))
            (void)sscanf(line, "data(%*d) = \"%255[^\"]", value);
    fclose(file);
    check_int(key, session_key_decode(key, strlen(key), &parts), 0);
    check_text("rule", parts.rule, "dovecot");
    check_unsigned("invocation", strlen(parts.invocation), 32);
    check_int(value, decode(value, strlen(value), &session), 0);
    check_int("state", session.state, SESSION_OPEN);
    check_text("unit", session.unit, "dovecot.service");
    check_text("user", session.user, "alice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_longest_key),
        cmocka_unit_test(test_bad_keys),
        cmocka_unit_test(test_session),
        cmocka_unit_test(test_longest_session),
        cmocka_unit_test(test_bad_sessions),
        cmocka_unit_test(test_documented),
        cmocka_unit_test_setup(test_random, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
