/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Random events against the model. Restarts and transactions that fail come in between. */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "random.h"
#include "table-model.h"
#include "temp-dir.h"

static struct stage *stage;

static struct model_event random_event(void)
{
    struct model_event event = {
        .rule = (unsigned)random_below(RULES),
        .key = random_below(12) ? (unsigned)random_below(KEYS) : KEYS,
        .user = (unsigned)random_below(USERS),
        .address = (unsigned)random_below(ADDRESSES),
        .time = stage->now,
    };

    event.run = model.runs[event.rule] + (random_below(80) == 0);
    /* Some are read late, and some clock is wrong. */
    if (random_below(4) == 0)
        event.time -= random_below(random_below(3) ? 2 * GRACE : 2 * MAX_SESSION);
    if (random_below(50) == 0)
        event.time += random_below(HOUR);
    event.kind = random_below(2) ? EVENT_LOGIN : EVENT_LOGOUT;
    if (model_rule(event.rule) == stage->two_line)
        event.kind = (enum event_kind)random_below(_EVENT_KIND_MAX);
    if (model_rule(event.rule) == stage->plain)
        event.kind = EVENT_LOGIN;
    if (event.kind == EVENT_LOGIN && random_below(3) == 0)
        event.address = ADDRESSES;
    return event;
}

static struct event event_of(const struct model_event *model_event)
{
    struct event event =
        stage_event(stage, model_rule(model_event->rule), model_event->kind, NULL, NULL);

    event.time_usec = model_event->time;
    event.has_addr = model_event->address < ADDRESSES;
    if (event.has_addr)
        event.addr = addr_number(model_event->address);
    event.ends_user = event.kind == EVENT_LOGOUT && model_event->key == KEYS;
    if (model_event->key < KEYS)
        snprintf(event.session, sizeof(event.session), "%u", model_event->key);
    snprintf(event.user, sizeof(event.user), "user %u", model_event->user);
    snprintf(event.invocation, sizeof(event.invocation), "run%u", model_event->run);
    return event;
}

static void compare_addresses(uint64_t *ret_soonest)
{
    *ret_soonest = UINT64_MAX;
    for (unsigned i = 0; i < ADDRESSES; i++) {
        const struct model_address *want = &model.addresses[i];
        struct addr addr = addr_number(i);
        struct record record;

        check_int("there", map_get(stage->map, &addr, &record), want->there ? 0 : -ENOENT);
        if (!want->there)
            continue;
        check_unsigned("expires", record.expires_usec, want->expires);
        check_unsigned("sessions", record.sessions, model_open_of(i));
        check_unsigned("login", record.login_usec, want->login);
        if (record.sessions == 0 && want->expires < *ret_soonest)
            *ret_soonest = want->expires;
    }
    check_unsigned("count", table_count(stage->table), model_addresses());
}

static void compare_sessions(uint64_t *soonest)
{
    for (unsigned r = 0; r < RULES; r++) {
        uint64_t limit = rule_max_session_usec(model_rule(r));

        for (unsigned k = 0; k < KEYS; k++) {
            const struct model_session *want = &model.sessions[r][k];
            struct session session;
            struct addr addr;
            char key[64], user[16];

            snprintf(key, sizeof(key), "@%s/run%u/%u", rule_name(model_rule(r)), model.runs[r], k);
            check_int(key, map_get_session(stage->map, key, &session), want->there ? 0 : -ENOENT);
            if (!want->there)
                continue;
            addr = addr_number(want->address);
            snprintf(user, sizeof(user), "user %u", want->user);
            check_int(key, session.state == SESSION_OPEN, want->open);
            check_unsigned(key, session.since_usec, want->since);
            check_int(key, addr_compare(&session.addr, &addr), 0);
            check_text(key, session.user, user);
            if (want->open && want->since + limit < *soonest)
                *soonest = want->since + limit;
        }
    }
    check_unsigned("open", stage_sessions(stage, SESSION_OPEN), model_count(true));
    check_unsigned("pending", stage_sessions(stage, SESSION_PENDING), model_count(false));
    check_unsigned("unfollowed", table_unfollowed(stage->table), model.unfollowed);
}

static void compare(void)
{
    uint64_t soonest;

    compare_addresses(&soonest);
    compare_sessions(&soonest);
    check_true("woken in time", table_next_usec(stage->table) <= soonest);
    check_true("not woken for nothing",
               soonest < UINT64_MAX || table_next_usec(stage->table) == UINT64_MAX);
    stage_check_invariants(stage);
}

static void pass(void)
{
    struct change change;
    bool any = true;

    while (any)
        check_int("expire", table_expire(stage->table, stage->now, &change, &any), 0);
    model_pass(stage->now);
}

static void take_event(unsigned seen[static _CHANGE_MAX])
{
    struct model_event model_event = random_event();
    struct event event = event_of(&model_event);
    struct change change = { .kind = _CHANGE_MAX };
    enum change_kind want;
    size_t ended = 0, want_ended = 0;

    if (model_event.run != model.runs[model_event.rule])
        want_ended = model_new_run(&model_event, stage->now);
    if (table_is_new_run(stage->table, &event))
        check_int("run", table_end_run(stage->table, &event, stage->now, &ended), 0);
    check_unsigned("of the last run", ended, want_ended);
    pass();
    want = model_apply(&model_event, stage->now);
    check_int("apply", table_apply(stage->table, &event, stage->now, &change), 0);
    check_int("change", change.kind, want);
    seen[change.kind]++;
    pass();
}

/* Some events in one transaction; it may fail, and then nothing has happened. */
static void take_batch(unsigned seen[static _CHANGE_MAX])
{
    struct model before = model;
    size_t unfollowed;

    check_int("begin", map_begin(stage->map), 0);
    pass();
    for (uint64_t n = random_below(12); n > 0; n--)
        take_event(seen);
    if (random_below(10)) {
        check_int("commit", map_commit(stage->map), 0);
        return;
    }
    map_cancel(stage->map);
    unfollowed = model.unfollowed;
    model = before;
    check_true("nothing to mend", !stage_load(stage));
    model_restart();
    model.unfollowed = unfollowed;
}

static void step(unsigned seen[static _CHANGE_MAX])
{
    stage->now += random_below(4) ? random_below(10 * MINUTE) : random_below(6 * HOUR);
    take_batch(seen);
    (void)stage_pass(stage, stage->now);
    model_pass(stage->now);
    compare();
    if (random_below(20) == 0) {
        stage_restart(stage);
        model_restart();
        compare();
    }
}

static void test_random(void **state)
{
    static const enum change_kind kinds[] = { CHANGE_ALLOW,  CHANGE_EXTEND,  CHANGE_REFUSE,
                                              CHANGE_STALE,  CHANGE_CONNECT, CHANGE_FAIL,
                                              CHANGE_LOGOUT, CHANGE_UNKNOWN };
    unsigned seen[_CHANGE_MAX] = { 0 };

    stage = stage_new(temp_path("map.tdb"), FULL, 128);
    model_begin(stage);
    for (unsigned i = 0; i < 2500; i++)
        step(seen);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        check_true("everything happened", seen[kinds[i]] > 25);
    stage_pass(stage, stage->now + 2 * MAX_SESSION);
    check_unsigned("all goes in the end", table_count(stage->table), 0);
    stage_free(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random, temp_dir_setup, temp_dir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
