/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts depend on each other in one direction: settings, local networks, map, table, source.
 * They are opened in that order. At a reload all that can fail is done before the first of them is
 * replaced; only the map, which cannot be open twice, is closed before, and opened again as it was
 * if that fails. */

#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "program/clock.h"
#include "program/local-networks.h"

#define LOCAL_SOURCE "local"

struct state *state_free(struct state *state)
{
    if (!state)
        return NULL;
    source_free(state->source);
    table_free(state->table);
    map_close(state->map);
    networks_free(state->local_networks);
    settings_free(state->settings);
    free(state);
    return NULL;
}

static const char *source_name(const struct settings *settings)
{
    return settings->journal[0] ? settings->journal : LOCAL_SOURCE;
}

static void log_note(int priority, const char *text)
{
    log_message(priority, "%s", text);
}

static int collect_local_networks(const struct settings *settings, struct networks **ret)
{
    int r = local_networks_collect(settings, log_note, ret);

    if (r == 0)
        log_info("%zu local networks, %zu never to be granted", networks_count(*ret),
                 networks_count(settings->never_grant));
    return r;
}

static int log_map_error(const char *path, int error)
{
    switch (error) {
    case -EMEDIUMTYPE:
        log_error("%s is not a map of this program; move it away, or change Map=", path);
        break;
    case -EPROTONOSUPPORT:
        log_error("%s has a format that this version does not know; move it away to have it made "
                  "anew",
                  path);
        break;
    default:
        log_error("%s cannot be opened: %s", path, map_error_text(error));
    }
    return error;
}

static void log_map_state(const struct map *map, enum map_state state, const char *path)
{
    char message[8192];
    const char *fields[] = { message, LOG_MESSAGE_ID("07") };

    switch (state) {
    case MAP_KEPT:
        break;
    case MAP_CREATED:
        log_info("starting with an empty map, %s", path);
        break;
    case MAP_CONVERTED:
        log_info("made the map anew for another MaxEntries= or IPv6Prefix=");
        break;
    case MAP_REPLACED:
        snprintf(message, sizeof(message),
                 "MESSAGE=the map was damaged; it is kept as %s, and a new one is being made from "
                 "the journal",
                 map_set_aside(map));
        log_fields(LOG_ERR, fields, 2);
        break;
    }
}

static int open_map(const struct settings *settings, bool checks_later, struct map **ret)
{
    struct map_options options = {
        .path = settings->write ? settings->map : NULL,
        .max_entries = settings->max_entries,
        .ipv6_bits = settings->ipv6_bits,
        .now_usec = clock_realtime_usec(),
        .checks_later = checks_later,
    };
    enum map_state state;
    int r = map_open_writer(&options, ret, &state);

    if (r < 0)
        return log_map_error(settings->map, r);
    if (settings->write)
        log_map_state(*ret, state, settings->map);
    return 0;
}

/* Loads the table from the map, and mends what is not right any more: the clock was set back, or
 * the settings have changed. */
static int load_table(struct table *table, const struct settings *settings,
                      const struct networks *local_networks)
{
    struct table_policy policy = {
        .rules = settings->rules,
        .local = local_networks,
        .never = settings->never_grant,
        .grace_usec = settings->grace_usec,
        .longest_grace_usec = settings_longest_grace_usec(settings),
        .longest_session_usec = settings_longest_session_usec(settings),
        .max_per_user = settings->max_per_user,
    };
    uint64_t now_usec = clock_realtime_usec();
    bool beyond = false;
    size_t removed = 0;
    int r = table_load(table, &policy, now_usec, &beyond);

    if (r < 0 || !beyond)
        return r;
    r = table_mend(table, now_usec, &removed);
    if (r < 0)
        return r;
    if (removed > 0)
        log_info("removed %zu address%s that %s local, or never to be granted, by now", removed,
                 removed == 1 ? "" : "es", removed == 1 ? "is" : "are");
    return table_load(table, &policy, now_usec, &beyond);
}

/* Where the map's contents stem from; without that, as far back as a login can count, and a day
 * more, for rules that have to know what went before (cut.h). */
static void find_position(const struct settings *settings, struct map *map, char **ret_cursor,
                          struct source_position *ret)
{
    uint64_t now = clock_realtime_usec(), realtime_usec;
    uint64_t back_usec = settings_longest_usec(settings) + USEC_PER_DAY;

    *ret = (struct source_position){ .realtime_usec = now > back_usec ? now - back_usec : 1 };
    if (map_get_cursor(map, source_name(settings), ret_cursor, &realtime_usec) < 0)
        return;
    /* One from the future would find nothing until that future has come. */
    if (realtime_usec <= now)
        *ret = (struct source_position){ .cursor = *ret_cursor, .realtime_usec = realtime_usec };
    else
        ret->seen = *ret_cursor;
}

/* All of these come to the same: there is no journal, -ENOMEDIUM. */
static int log_source_error(const struct settings *settings, int error)
{
    const char *path =
        settings->journal[0] ? settings->journal : "/var/log/journal, /run/log/journal";

    if (error == -ENOMEDIUM || error == -EACCES)
        log_error("no journal file in %s can be read; this needs membership in the group "
                  "systemd-journal, and a journal with entries",
                  path);
    else
        log_error("the journal %s cannot be opened: %s", path, source_error_text(error));
    return -ENOMEDIUM;
}

/* Has the rules remember what belongs to the place in the journal that the map stands at. */
static void restore_doubts(const struct settings *settings, struct map *map,
                           const struct source_position *position)
{
    char text[CUTS_TEXT_MAX];

    for (size_t i = 0; i < rules_count(settings->rules); i++) {
        const struct rule *rule = rules_at(settings->rules, i);
        int r = -ENOENT;

        if (position->cursor)
            r = map_get_doubts(map, source_name(settings), rule_name(rule), text, sizeof(text));
        /* What cannot be read is restored as something that cannot be read; so is what should be
         * there, but a rule was not followed up to this place. */
        rule_restore_doubts(rule, r == 0 ? text : position->cursor ? "" : NULL);
    }
}

/* Opens the source where the map left off. */
static int open_source(const struct settings *settings, struct map *map, bool from_start,
                       struct source **ret)
{
    _cleanup_(freep) char *cursor = NULL;
    struct source_position position = { 0 };
    int r;

    if (!from_start)
        find_position(settings, map, &cursor, &position);
    restore_doubts(settings, map, &position);
    r = source_open(settings->journal, settings->rules, &position, ret);
    if (r < 0)
        return log_source_error(settings, r);
    if (source_has_earlier(*ret))
        rules_doubt_all(settings->rules);
    return 0;
}

const char *state_source_name(const struct state *state)
{
    return source_name(state->settings);
}

static int log_table_error(const struct settings *settings, int error)
{
    if (error < 0 && error != -ENOMEM)
        log_error("%s cannot be read: %s", settings->map, map_error_text(error));
    return error;
}

static void close_table(struct state *state)
{
    state->table = table_free(state->table);
    state->map = map_close(state->map);
}

static int open_and_load(struct state *state, const struct settings *settings,
                         const struct networks *local_networks, bool checks_later)
{
    int r = open_map(settings, checks_later, &state->map);

    if (r == 0)
        r = table_new(state->map, settings->max_entries, &state->table);
    if (r < 0)
        return r;
    r = load_table(state->table, settings, local_networks);
    return r == -EBADMSG && checks_later ? r : log_table_error(settings, r);
}

/* A map that turns out to be damaged as it is loaded is opened anew, which replaces it. */
static int open_table(struct state *state, const struct settings *settings,
                      const struct networks *local_networks)
{
    int r = open_and_load(state, settings, local_networks, true);

    if (r == -EBADMSG) {
        close_table(state);
        r = open_and_load(state, settings, local_networks, false);
    }
    if (r < 0)
        close_table(state);
    return r;
}

int state_open(struct settings *settings, struct state **ret)
{
    _cleanup_(state_freep) struct state *state = calloc(1, sizeof(*state));
    int r;

    if (!state) {
        settings_free(settings);
        return -ENOMEM;
    }
    state->settings = settings;
    r = collect_local_networks(settings, &state->local_networks);
    if (r == 0)
        r = open_table(state, settings, state->local_networks);
    if (r == 0)
        r = open_source(settings, state->map, settings->reprocess, &state->source);
    state->from_start = settings->reprocess;
    if (r < 0)
        return r;
    *ret = TAKE_PTR(state);
    return 0;
}

static int reopen_source(struct state *state)
{
    _cleanup_(freep) char *cursor = NULL;
    struct source_position position = { 0 };
    int r;

    if (!state->from_start)
        find_position(state->settings, state->map, &cursor, &position);
    restore_doubts(state->settings, state->map, &position);
    r = source_reopen(state->source, &position);
    if (r == 0 && source_has_earlier(state->source))
        rules_doubt_all(state->settings->rules);
    return r;
}

int state_recover(struct state *state, bool map_is_damaged)
{
    int r = -EBADMSG;

    if (!map_is_damaged)
        r = load_table(state->table, state->settings, state->local_networks);
    /* Opening it anew finds out whether it is damaged, and mends that. */
    if (r < 0) {
        close_table(state);
        r = open_table(state, state->settings, state->local_networks);
    }
    if (r < 0)
        return r;
    (void)reopen_source(state);
    return 0;
}

int state_mend(struct state *state)
{
    return load_table(state->table, state->settings, state->local_networks);
}

/* What a running watcher cannot change without losing its thread. */
static int refuse_fixed(const struct settings *old, const struct settings *new)
{
    const char *key = NULL;

    if (strcmp(old->map, new->map) != 0)
        key = "Map";
    else if (strcmp(old->journal, new->journal) != 0)
        key = "Journal";
    else if (old->write != new->write)
        key = "Write";
    if (!key)
        return 0;
    log_error("%s= cannot be changed by a reload; restart the service for that", key);
    return -EINVAL;
}

/* Closes the map and opens it with the new settings; if that fails, with the old ones. */
static int convert_map(struct state *state, const struct settings *settings,
                       const struct networks *local_networks)
{
    int r;

    state->table = table_free(state->table);
    state->map = map_close(state->map);
    r = open_table(state, settings, local_networks);
    if (r < 0) {
        if (open_table(state, state->settings, state->local_networks) < 0)
            return -ENOTRECOVERABLE;
        /* It may not be the map that was closed. */
        (void)reopen_source(state);
    }
    return r;
}

/* Loads the table for the new settings; if that fails, for the old ones. */
static int reload_table(struct state *state, const struct settings *settings,
                        const struct networks *local_networks)
{
    int r = load_table(state->table, settings, local_networks);

    log_table_error(settings, r);
    /* The old settings stay in force, if need be with a new map. */
    if (r < 0 && state_recover(state, r == -EBADMSG) < 0)
        return -ENOTRECOVERABLE;
    return r;
}

static bool map_differs(const struct settings *old, const struct settings *new)
{
    return old->max_entries != new->max_entries || old->ipv6_bits != new->ipv6_bits;
}

int state_change(struct state *state, struct settings *settings)
{
    _cleanup_(settings_freep) struct settings *new = settings;
    _cleanup_(networks_freep) struct networks *networks = NULL;
    _cleanup_(source_freep) struct source *source = NULL;
    bool converts;
    int r = refuse_fixed(state->settings, new);

    if (r == 0)
        r = collect_local_networks(new, &networks);
    if (r == 0)
        r = open_source(new, state->map, state->from_start, &source);
    converts = r == 0 && map_differs(state->settings, new);
    if (converts)
        r = convert_map(state, new, networks);
    else if (r == 0)
        r = reload_table(state, new, networks);
    if (r < 0)
        return r;

    source_free(state->source);
    networks_free(state->local_networks);
    settings_free(state->settings);
    state->source = TAKE_PTR(source);
    state->local_networks = TAKE_PTR(networks);
    state->settings = TAKE_PTR(new);
    /* A map that was made anew may stand elsewhere than the old one. */
    if (converts)
        (void)reopen_source(state);
    return 0;
}
