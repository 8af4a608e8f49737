/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records are a public format: what is written is fixed byte by byte, and what is read back is only
 * what would be written. */

#include <errno.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/record.h"
#include "exact.h"
#include "random.h"

static int decode(const char *text, size_t len, struct record *ret)
{
    _cleanup_(freep) char *copy = exact_copy(text, len);

    return record_decode(copy, len, ret);
}

static void check_same(const char *what, const struct record *got, const struct record *want)
{
    check_unsigned(what, got->expires_usec, want->expires_usec);
    check_unsigned(what, got->login_usec, want->login_usec);
    check_unsigned(what, got->sessions, want->sessions);
    check_text(what, got->rule, want->rule);
    check_text(what, got->user, want->user);
}

static void test_format(void **state)
{
    static const struct {
        struct record record;
        const char *text;
    } cases[] = {
        { { 1795340148272798, 1795338348272798, 0, "dovecot", "alice" },
          "1795340148272798 1795338348272798 0 dovecot alice" },
        { { 2, 1, 3, "courier", "two words, ip=[6.6.6.6]" },
          "2 1 3 courier two words, ip=[6.6.6.6]" },
        { { 0, 0, 0, "x", "0" }, "0 0 0 x 0" },
        { { UINT64_MAX, UINT64_MAX, UINT32_MAX, "A-b_9", "j\xc3\xb6s" },
          "18446744073709551615 18446744073709551615 4294967295 A-b_9 j\xc3\xb6s" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[RECORD_TEXT_MAX];
        struct record record;

        check_unsigned(cases[i].text, record_encode(&cases[i].record, text), strlen(cases[i].text));
        check_text(cases[i].text, text, cases[i].text);
        check_int(cases[i].text, decode(text, strlen(text), &record), 0);
        check_same(cases[i].text, &record, &cases[i].record);
    }
}

static void test_refused(void **state)
{
    static const char *const cases[] = { "",
                                         " ",
                                         "2",
                                         "2 1",
                                         "2 1 0",
                                         "2 1 0 ",
                                         "2  1 0 dovecot alice",
                                         " 2 1 0 dovecot alice",
                                         "2 1 0  alice",
                                         "2\t1 0 dovecot alice",
                                         "02 1 0 dovecot alice",
                                         "2 01 0 dovecot alice",
                                         "2 1 00 dovecot alice",
                                         "+2 1 0 dovecot alice",
                                         "-2 1 0 dovecot alice",
                                         "2 1 -1 dovecot alice",
                                         "2. 1 0 dovecot alice",
                                         "0x2 1 0 dovecot alice",
                                         "18446744073709551616 1 0 dovecot alice",
                                         "99999999999999999999 1 0 dovecot alice",
                                         "2 18446744073709551616 0 dovecot alice",
                                         "2 1 4294967296 dovecot alice",
                                         "2 1 0 012345678901234567890123456789012 alice",
                                         "two 1 0 dovecot alice",
                                         "root:x:0:0:root:/root:/bin/bash" };
    char long_user[300] = "2 1 0 dovecot ";
    struct record before, record;

    memset(&before, 0x5a, sizeof(before));
    record = before;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_int(cases[i], decode(cases[i], strlen(cases[i]), &record), -EBADMSG);
        check_bytes(cases[i], &record, sizeof(record), &before, sizeof(before));
    }
    memset(long_user + 14, 'u', USER_MAX + 1);
    check_int("user too long", decode(long_user, 14 + USER_MAX + 1, &record), -EBADMSG);
    check_int("user just fits", decode(long_user, 14 + USER_MAX, &record), 0);
    check_int("NUL at the end", decode("2 1 0 dovecot alice", 20, &record), -EBADMSG);
    check_int("NUL inside", decode("2 1 0 dovecot al\0ice", 20, &record), -EBADMSG);
}

static void random_name(char *ret, size_t len, const char *alphabet)
{
    for (size_t i = 0; i < len; i++)
        ret[i] = alphabet[random_below(strlen(alphabet))];
    ret[len] = '\0';
}

static struct record random_record(void)
{
    struct record record = {
        .expires_usec = random_magnitude(),
        .login_usec = random_magnitude(),
        .sessions = (uint32_t)random_next() >> random_below(32),
    };
    static const char rule_letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    static const char user_letters[] = "abcxyz0189@.+-_<>[]=,\"'\\/()!%#";

    random_name(record.rule, 1 + random_below(RULE_NAME_MAX), rule_letters);
    random_name(record.user, random_below(2) ? random_below(USER_MAX + 1) : random_below(20),
                user_letters);
    for (size_t i = 1; record.user[0] && record.user[i] && record.user[i + 1]; i++)
        if (random_below(8) == 0)
            record.user[i] = ' ';
    return record;
}

static void test_random(void **state)
{
    for (int i = 0; i < 20000; i++) {
        struct record record = random_record(), again;
        char text[RECORD_TEXT_MAX];
        size_t len = record_encode(&record, text);

        check_unsigned(text, len, strlen(text));
        check_int(text, decode(text, len, &again), 0);
        check_same(text, &again, &record);
    }
}

/* What is read must be exactly what would be written for it: no second spelling of anything. */
static void check_strict(const char *text, size_t len)
{
    struct record record;
    char again[RECORD_TEXT_MAX];
    int r = decode(text, len, &record);

    if (r == 0)
        check_bytes("encoded again", again, record_encode(&record, again), text, len);
    else
        check_int("damaged record", r, -EBADMSG);
}

static void test_every_damage(void **state)
{
    for (int i = 0; i < 20; i++) {
        struct record record = random_record();
        char text[RECORD_TEXT_MAX], damaged[RECORD_TEXT_MAX + 1];
        size_t len;

        record.user[40] = '\0';
        len = record_encode(&record, text);
        for (size_t at = 0; at < len; at++) {
            check_strict(text, at);
            memcpy(damaged, text, at);
            memcpy(damaged + at, text + at + 1, len - at - 1);
            check_strict(damaged, len - 1);
            memcpy(damaged + at + 1, text + at, len - at);
            for (unsigned c = 0; c < 256; c++) {
                damaged[at] = (char)c;
                check_strict(damaged, len + 1);
            }
            memcpy(damaged, text, len);
            for (unsigned c = 0; c < 256; c++) {
                damaged[at] = (char)c;
                check_strict(damaged, len);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_refused),
        cmocka_unit_test_setup(test_random, random_setup),
        cmocka_unit_test_setup(test_every_damage, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
