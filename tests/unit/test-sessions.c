/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The index of sessions, and of the addresses that they hold, against plain arrays. */

#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "map-support.h"
#include "random.h"
#include "store/hold.h"
#include "store/sessions.h"

static struct session session_of(enum session_state state, const char *unit, const char *user)
{
    struct session session = { .state = state };

    snprintf(session.unit, sizeof(session.unit), "%s", unit);
    snprintf(session.user, sizeof(session.user), "%s", user);
    return session;
}

static void test_empty(void **state)
{
    _cleanup_(sessions_freep) struct sessions *sessions = sessions_new();
    uint64_t due;

    assert_non_null(sessions);
    check_true("none", !sessions_first(sessions, SESSION_OPEN, &due));
    check_true("none", !sessions_first(sessions, SESSION_PENDING, &due));
    check_unsigned("none", sessions_count(sessions, SESSION_OPEN), 0);
    check_true("no run", !sessions_has_other_run(sessions, "u", "1"));
    sessions_remove(sessions, "@a/b/c");

    _cleanup_(freep) const char **of_unit = sessions_of_unit(sessions, "u");
    _cleanup_(freep) const char **of_user = sessions_of_user(sessions, "a", "x");

    check_true("empty lists", of_unit && !of_unit[0] && of_user && !of_user[0]);
    sessions_clear(sessions);
    assert_null(sessions_free(NULL));
}

/* A rule whose name begins like another's, a user whose sessions are pending, another unit. */
static void test_questions(void **state)
{
    _cleanup_(sessions_freep) struct sessions *sessions = sessions_new();
    struct session alice = session_of(SESSION_OPEN, "a.service", "alice");
    struct session bob = session_of(SESSION_OPEN, "a.service", "bob");
    struct session waiting = session_of(SESSION_PENDING, "a.service", "alice");
    struct session other = session_of(SESSION_OPEN, "b.service", "alice");

    check_int("put", sessions_put(sessions, "@pop/1/a", &alice, 10), 0);
    check_int("put", sessions_put(sessions, "@pop/1/b", &bob, 20), 0);
    check_int("put", sessions_put(sessions, "@pop/1/c", &waiting, 30), 0);
    check_int("put", sessions_put(sessions, "@pop3/2/d", &other, 40), 0);
    check_true("the same run", !sessions_has_other_run(sessions, "a.service", "1"));
    check_true("another run", sessions_has_other_run(sessions, "a.service", "2"));
    check_true("the same run", !sessions_has_other_run(sessions, "b.service", "2"));
    check_true("nobody", !sessions_has_other_run(sessions, "c.service", "2"));

    _cleanup_(freep) const char **of_user = sessions_of_user(sessions, "pop", "alice");

    check_text("open, of the rule, of the user", of_user[0], "@pop/1/a");
    check_true("no other", !of_user[1]);

    _cleanup_(freep) const char **of_unit = sessions_of_unit(sessions, "a.service");

    check_true("three", of_unit[0] && of_unit[1] && of_unit[2] && !of_unit[3]);
    for (size_t i = 0; i < 3; i++)
        sessions_remove(sessions, of_unit[i]);
    check_true("gone", !sessions_has_other_run(sessions, "a.service", "2"));
    check_unsigned("one is left", sessions_count(sessions, SESSION_OPEN), 1);
    check_unsigned("one is left", sessions_count(sessions, SESSION_PENDING), 0);
}

/* --- against a plain array --- */

#define KEYS 40

struct naive {
    bool there;
    enum session_state state;
    uint64_t due;
    unsigned unit, user;
};

static void name_key(unsigned i, char ret[static SESSION_KEY_TEXT_MAX])
{
    snprintf(ret, SESSION_KEY_TEXT_MAX, "@r%u/run%u/s%u", i % 3, i % 4, i);
}

/* Whether `text` is one of the keys; each may come once. */
static void expect_keys(const char **keys, const struct naive *naive, const bool *want)
{
    size_t count = 0;

    for (unsigned i = 0; i < KEYS; i++) {
        char key[SESSION_KEY_TEXT_MAX];
        size_t found = 0;

        name_key(i, key);
        for (size_t k = 0; keys[k]; k++)
            found += strcmp(keys[k], key) == 0;
        check_unsigned(key, found, want[i]);
        count += want[i];
    }
    for (size_t k = 0; keys[k]; k++)
        check_true("no other", count-- > 0);
}

static void compare_questions(const struct sessions *sessions, const struct naive *naive)
{
    unsigned unit = (unsigned)random_below(4), user = (unsigned)random_below(3);
    char unit_name[16], user_name[16];
    bool of_unit[KEYS], of_user[KEYS], any = false;

    snprintf(unit_name, sizeof(unit_name), "u%u", unit);
    snprintf(user_name, sizeof(user_name), "x%u", user);
    for (unsigned i = 0; i < KEYS; i++) {
        of_unit[i] = naive[i].there && naive[i].unit == unit;
        of_user[i] =
            naive[i].there && naive[i].state == SESSION_OPEN && naive[i].user == user && i % 3 == 1;
        any |= of_unit[i];
    }

    _cleanup_(freep) const char **keys = sessions_of_unit(sessions, unit_name);
    _cleanup_(freep) const char **users = sessions_of_user(sessions, "r1", user_name);

    expect_keys(keys, naive, of_unit);
    expect_keys(users, naive, of_user);
    check_int("a run", sessions_has_other_run(sessions, unit_name, "none"), any);
}

static void compare_first(const struct sessions *sessions, const struct naive *naive,
                          enum session_state state)
{
    uint64_t soonest = UINT64_MAX, due = 0;
    size_t count = 0;
    const char *first;
    unsigned number;

    for (unsigned i = 0; i < KEYS; i++) {
        if (!naive[i].there || naive[i].state != state)
            continue;
        count++;
        soonest = naive[i].due < soonest ? naive[i].due : soonest;
    }
    check_unsigned("count", sessions_count(sessions, state), count);
    first = sessions_first(sessions, state, &due);
    check_int("any", first != NULL, count > 0);
    if (!first)
        return;
    check_unsigned("due", due, soonest);
    check_int("key", sscanf(strrchr(first, '/'), "/s%u", &number), 1);
    check_true("key", number < KEYS && naive[number].there && naive[number].state == state &&
                          naive[number].due == due);
}

/* Sessions of a unit are of one run, so that unit and run go together here. */
static void test_random(void **state)
{
    _cleanup_(sessions_freep) struct sessions *sessions = sessions_new();
    struct naive naive[KEYS] = { 0 };

    for (int step = 0; step < 30000; step++) {
        unsigned i = (unsigned)random_below(KEYS);
        char key[SESSION_KEY_TEXT_MAX], unit[16], user[16];

        name_key(i, key);
        if (random_below(5) < 3) {
            struct session session;

            naive[i] = (struct naive){ true, random_below(2) ? SESSION_OPEN : SESSION_PENDING,
                                       random_below(50), i % 4, (unsigned)random_below(3) };
            snprintf(unit, sizeof(unit), "u%u", naive[i].unit);
            snprintf(user, sizeof(user), "x%u", naive[i].user);
            session = session_of(naive[i].state, unit, user);
            check_int("put", sessions_put(sessions, key, &session, naive[i].due), 0);
        } else {
            naive[i].there = false;
            sessions_remove(sessions, key);
        }
        if (random_below(3000) == 0) {
            memset(naive, 0, sizeof(naive));
            sessions_clear(sessions);
        }
        compare_first(sessions, naive, SESSION_OPEN);
        compare_first(sessions, naive, SESSION_PENDING);
        if (random_below(8) == 0)
            compare_questions(sessions, naive);
    }
}

static void test_holds(void **state)
{
    _cleanup_(holds_freep) struct holds *holds = holds_new();
    bool there[KEYS] = { false };
    size_t count = 0;

    for (int step = 0; step < 5000; step++) {
        unsigned i = (unsigned)random_below(KEYS);
        struct addr addr = addr_number(i);
        struct hold *hold = holds_find(holds, &addr);

        check_int("there", hold != NULL, there[i]);
        if (hold)
            check_unsigned("its own", hold->grace_usec, i);
        if (hold && random_below(2)) {
            holds_drop(holds, hold);
            there[i] = false;
            count--;
        } else {
            struct hold *again = holds_get(holds, &addr);

            assert_non_null(again);
            check_true("the same", !hold || again == hold);
            check_int("address", addr_compare(&again->addr, &addr), 0);
            check_true("new ones are empty", hold || (again->sessions == 0 && !again->grace_usec));
            again->grace_usec = i;
            count += !there[i];
            there[i] = true;
        }
        check_unsigned("count", holds_count(holds), count);
    }
    holds_clear(holds);
    check_unsigned("cleared", holds_count(holds), 0);
    assert_null(holds_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_questions),
        cmocka_unit_test_setup(test_random, random_setup),
        cmocka_unit_test_setup(test_holds, random_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
