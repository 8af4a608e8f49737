/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "shipped-world.h"
#include "check.h"
#include "shipped-rules.h"

#define MINUTE UINT64_C(60000000)

void open_world(struct world *world, const char *const *files)
{
    const struct map_options options = { .max_entries = 1000, .ipv6_bits = 128 };
    enum map_state state;
    bool is_beyond;

    *world = (struct world){
        .settings = load_shipped_rules(files),
        .nobody = networks_new(),
    };

    const struct table_policy policy = {
        .rules = world->settings->rules,
        .local = world->nobody,
        .never = world->nobody,
        .grace_usec = 30 * MINUTE,
        .longest_grace_usec = settings_longest_grace_usec(world->settings),
        .longest_session_usec = settings_longest_session_usec(world->settings),
        .max_per_user = 1000,
    };

    check_int("map", map_open_writer(&options, &world->map, &state), 0);
    check_int("table", table_new(world->map, options.max_entries, &world->table), 0);
    check_int("load", table_load(world->table, &policy, 0, &is_beyond), 0);
    check_int("begin", map_begin(world->map), 0);
}

void close_world(struct world *world)
{
    map_cancel(world->map);
    table_free(world->table);
    map_close(world->map);
    networks_free(world->nobody);
    settings_free(world->settings);
}

bool apply_verdict(struct world *world, enum rules_verdict verdict, const struct event *event,
                   struct change *ret)
{
    size_t ended;

    if (event->rule && table_is_new_run(world->table, event))
        check_int("new run", table_end_run(world->table, event, world->now_usec, &ended), 0);
    if (verdict != RULES_EVENT)
        return false;
    check_int("apply", table_apply(world->table, event, world->now_usec, ret), 0);
    return true;
}
