/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "stand.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/duration.h"
#include "keys.h"

static void check(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, map_error_text(r));
    exit(1);
}

void stand_open(struct stand *stand, const char *path, unsigned max_entries, uint64_t grace_usec)
{
    struct map_options options = {
        .path = path, .max_entries = max_entries, .ipv6_bits = 128, .now_usec = 1
    };
    struct table_policy policy = { .grace_usec = grace_usec, .longest_grace_usec = grace_usec };
    enum map_state state;
    bool beyond;

    (void)unlink(path);
    *stand = (struct stand){ .rules = rules_new(), .none = networks_new() };
    if (!stand->rules || !stand->none)
        check(-ENOMEM, "stand");
    check(rules_get(stand->rules, "dovecot", &stand->rule), "rule");
    rule_set_grace(stand->rule, grace_usec);
    policy.rules = stand->rules;
    policy.local = policy.never = stand->none;
    check(map_open_writer(&options, &stand->map, &state), path);
    check(map_publish(stand->map), path);
    check(table_new(stand->map, max_entries, &stand->table), "table");
    check(table_load(stand->table, &policy, 1, &beyond), "table");
}

void stand_close(struct stand *stand)
{
    table_free(stand->table);
    map_close(stand->map);
    rules_free(stand->rules);
    networks_free(stand->none);
}

void stand_pass(struct stand *stand, uint64_t now_usec)
{
    struct change change;
    bool any = true;

    check(map_begin(stand->map), "begin");
    while (any)
        check(table_expire(stand->table, now_usec, &change, &any), "expire");
    check(map_commit(stand->map), "commit");
}

uint64_t stand_log_in(struct stand *stand, uint32_t (*next)(void *userdata), void *userdata,
                      unsigned count, uint64_t now_usec, uint64_t step_usec)
{
    struct event event = { .kind = EVENT_LOGIN, .has_addr = true, .rule = stand->rule };
    struct change change;

    check(map_begin(stand->map), "begin");
    for (unsigned i = 0; i < count; i++, now_usec += step_usec) {
        uint32_t number = next(userdata);

        event.addr = key_addr(number);
        event.time_usec = now_usec;
        /* Names of all lengths, so that room that is given back does not just fit the next. */
        snprintf(event.user, sizeof(event.user), "user%" PRIu32 "@%.*s", number, (int)(number % 31),
                 "some-long-name-of-a-department.example.com");
        check(table_apply(stand->table, &event, now_usec, &change), "login");
        if (change.kind != CHANGE_ALLOW && change.kind != CHANGE_EXTEND) {
            fprintf(stderr, "a login is not counted: %d\n", (int)change.kind);
            exit(1);
        }
    }
    check(map_commit(stand->map), "commit");
    return now_usec;
}
