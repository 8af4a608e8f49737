/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The configuration keys, one table row each: what they are called, what they are without being
 * set, and what takes a value. */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "build-config.h"
#include "catch-up.h"
#include "settings-private.h"
#include "value.h"

static int replace_text(char **slot, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return -ENOMEM;
    free(*slot);
    *slot = copy;
    return 0;
}

/* The field of struct settings that a row names by its offset. */
static void *field(const struct target *target, const struct setting *setting)
{
    return (char *)target->settings + setting->offset;
}

static int assign_bool(const struct target *target, const struct setting *setting,
                       const char *value, char *reterr)
{
    return value_parse_bool(value, field(target, setting), reterr);
}

static int assign_number(const struct target *target, const struct setting *setting,
                         const char *value, char *reterr)
{
    return value_parse_number(value, 1, setting->most, field(target, setting), reterr);
}

static int assign_path(const struct target *target, const struct setting *setting,
                       const char *value, char *reterr)
{
    return value_parse_path(value, field(target, setting), reterr);
}

static int assign_optional_path(const struct target *target, const struct setting *setting,
                                const char *value, char *reterr)
{
    if (value[0])
        return assign_path(target, setting, value, reterr);
    return replace_text(field(target, setting), value);
}

static int assign_log_file(const struct target *target, const struct setting *setting,
                           const char *value, char *reterr)
{
    if (strcmp(value, "-") == 0)
        return replace_text(field(target, setting), value);
    return assign_optional_path(target, setting, value, reterr);
}

static int assign_span(const struct target *target, const struct setting *setting,
                       const char *value, char *reterr)
{
    return value_parse_grace(value, field(target, setting), reterr);
}

static int assign_timeout(const struct target *target, const struct setting *setting,
                          const char *value, char *reterr)
{
    return value_parse_timeout(value, CATCH_UP_TIMEOUT_LEAST_USEC, CATCH_UP_TIMEOUT_MOST_USEC,
                               field(target, setting), reterr);
}

static int assign_socket(const struct target *target, const struct setting *setting,
                         const char *value, char *reterr)
{
    if (strlen(value) > SOCKET_PATH_MAX) {
        snprintf(reterr, SETTINGS_ERROR_MAX, "is too long for a socket; %d bytes are possible",
                 SOCKET_PATH_MAX);
        return -EINVAL;
    }
    return assign_path(target, setting, value, reterr);
}

static int assign_local_networks(const struct target *target, const struct setting *setting,
                                 const char *value, char *reterr)
{
    return value_parse_networks(value, target->settings->local_networks, "postconf",
                                &target->settings->local_from_postconf, reterr);
}

static void reset_local_networks(const struct target *target, const struct setting *setting)
{
    networks_clear(target->settings->local_networks);
    target->settings->local_from_postconf = false;
}

static int assign_never_grant(const struct target *target, const struct setting *setting,
                              const char *value, char *reterr)
{
    return value_parse_networks(value, target->settings->never_grant, NULL, NULL, reterr);
}

static void reset_never_grant(const struct target *target, const struct setting *setting)
{
    networks_clear(target->settings->never_grant);
}

static int assign_enabled(const struct target *target, const struct setting *setting,
                          const char *value, char *reterr)
{
    bool enabled;
    int r = value_parse_bool(value, &enabled, reterr);

    if (r == 0)
        rule_set_enabled(target->rule, enabled);
    return r;
}

static int assign_match(const struct target *target, const struct setting *setting,
                        const char *value, char *reterr)
{
    return rule_add_match(target->rule, value, reterr);
}

static void reset_match(const struct target *target, const struct setting *setting)
{
    rule_clear_matches(target->rule);
}

static int assign_trust(const struct target *target, const struct setting *setting,
                        const char *value, char *reterr)
{
    if (value[0] && strcmp(value, "forgeable") != 0) {
        snprintf(reterr, SETTINGS_ERROR_MAX, "must be forgeable, or empty");
        return -EINVAL;
    }
    rule_set_forgeable(target->rule, value[0] != 0);
    return 0;
}

static int assign_line_max(const struct target *target, const struct setting *setting,
                           const char *value, char *reterr)
{
    unsigned line_max = 0;
    int r = value[0] ? value_parse_number(value, 1, MESSAGE_MAX, &line_max, reterr) : 0;

    return r < 0 ? r : rule_set_line_max(target->rule, line_max);
}

static int assign_require(const struct target *target, const struct setting *setting,
                          const char *value, char *reterr)
{
    return rule_add_require(target->rule, value, reterr);
}

static void reset_require(const struct target *target, const struct setting *setting)
{
    rule_clear_requires(target->rule);
}

static int assign_peer(const struct target *target, const struct setting *setting,
                       const char *value, char *reterr)
{
    return rule_set_peer(target->rule, value, reterr);
}

static int assign_pattern(const struct target *target, const struct setting *setting,
                          const char *value, char *reterr)
{
    return rule_add_pattern(target->rule, setting->kind, value, reterr);
}

static void reset_patterns(const struct target *target, const struct setting *setting)
{
    rule_clear_patterns(target->rule, setting->kind);
}

static int assign_rule_grace(const struct target *target, const struct setting *setting,
                             const char *value, char *reterr)
{
    uint64_t usec = 0;
    int r = value[0] ? value_parse_grace(value, &usec, reterr) : 0;

    if (r == 0)
        rule_set_grace(target->rule, usec);
    return r;
}

static int assign_rule_max_session(const struct target *target, const struct setting *setting,
                                   const char *value, char *reterr)
{
    uint64_t usec = 0;
    int r = value[0] ? value_parse_grace(value, &usec, reterr) : 0;

    if (r == 0)
        rule_set_max_session(target->rule, usec);
    return r;
}

#define FIELD(name) offsetof(struct settings, name)

/* TDB's offsets have 32 bits; 16 million records are about half of what they reach. */
#define MAX_ENTRIES_MAX 16000000

/* All of a user's addresses are looked through when one more comes. */
#define PER_USER_MAX 65536

const struct setting settings_watcher_keys[] = {
    { "Grace", "30min", assign_span, NULL, FIELD(grace_usec) },
    { "MaxSession", "24h", assign_span, NULL, FIELD(max_session_usec) },
    { "MaxEntries", "100000", assign_number, NULL, FIELD(max_entries), MAX_ENTRIES_MAX },
    { "MaxAddressesPerUser", "64", assign_number, NULL, FIELD(max_per_user), PER_USER_MAX },
    { "IPv6Prefix", "128", assign_number, NULL, FIELD(ipv6_bits), 128 },
    { "LocalNetworks", "postconf", assign_local_networks, reset_local_networks },
    { "NeverGrant", "", assign_never_grant, reset_never_grant },
    { "Map", MAP_FILE, assign_path, NULL, FIELD(map) },
    { "Journal", "", assign_optional_path, NULL, FIELD(journal) },
    { "CatchUpTimeout", "100ms", assign_timeout, NULL, FIELD(catch_up_usec) },
    { "CatchUpSocket", CATCH_UP_SOCKET, assign_socket, NULL, FIELD(catch_up_socket) },
    { "LogFile", "", assign_log_file, NULL, FIELD(log_file) },
    { "Debug", "no", assign_bool, NULL, FIELD(debug) },
    { "Write", "yes", assign_bool, NULL, FIELD(write) },
    { "Reprocess", "no", assign_bool, NULL, FIELD(reprocess) },
    { NULL },
};

#define PATTERNS(name) assign_pattern, reset_patterns, .kind = (name)

const struct setting settings_rule_keys[] = {
    { "Enabled", "yes", assign_enabled },
    { "Match", NULL, assign_match, reset_match },
    { "Require", NULL, assign_require, reset_require },
    { "Trust", NULL, assign_trust },
    { "LineMax", NULL, assign_line_max },
    { "Peer", NULL, assign_peer },
    { "Connect", NULL, PATTERNS(EVENT_CONNECT) },
    { "Fail", NULL, PATTERNS(EVENT_FAIL) },
    { "Login", NULL, PATTERNS(EVENT_LOGIN) },
    { "Logout", NULL, PATTERNS(EVENT_LOGOUT) },
    { "Grace", NULL, assign_rule_grace },
    { "MaxSession", NULL, assign_rule_max_session },
    { NULL },
};
