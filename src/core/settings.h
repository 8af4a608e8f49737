/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "assignment.h"
#include "cleanup.h"
#include "network.h"
#include "rule.h"

/* Everything that can be configured, with where each value comes from. Filled by assignments in the
 * order of their precedence, the last one wins; lists collect, and an empty assignment empties
 * them. The names and meanings of the keys are in pop-before-smtp.conf(5). */
struct settings {
    uint64_t grace_usec;
    uint64_t max_session_usec;
    unsigned max_entries;
    unsigned max_per_user; /* addresses */
    unsigned ipv6_bits;
    char *map;
    char *journal;  /* a file or directory; "" is the local journal */
    char *log_file; /* "-" is standard output; "" leaves it to the way the program was started */
    char *catch_up_socket;
    uint64_t catch_up_usec; /* 0: there is no catching up */
    bool debug, write, reprocess;
    bool local_from_postconf;
    struct networks *local_networks; /* those that were given as such */
    struct networks *never_grant;
    struct rules *rules;
    struct assignments *assignments;
};

#define SETTINGS_ERROR_MAX 512

/* Settings with their defaults. Returns 0 or -ENOMEM. */
int settings_new(struct settings **ret);
struct settings *settings_free(struct settings *settings);
DEFINE_CLEANUP(struct settings *, settings_free)

/* Makes one assignment; `section` is "Watcher" or "Rule NAME", and `origin` tells an administrator
 * where it stands ("/etc/…/file.conf:12"). Returns 0, -ENOMEM, or -EINVAL with what is wrong, and
 * what would be right, in `reterr`. */
int settings_assign(struct settings *settings, const char *section, const char *key,
                    const char *value, const char *origin, char reterr[static SETTINGS_ERROR_MAX]);

/* After the last assignment: gives rules what they take from the whole, and checks that they are
 * whole and that one is enabled. Returns 0, or -EINVAL with the reason. */
int settings_finish(struct settings *settings, char reterr[static SETTINGS_ERROR_MAX]);

/* The longest grace of an enabled rule, and the longest time that a session of one counts; 0 if
 * none follows sessions. */
uint64_t settings_longest_grace_usec(const struct settings *settings);
uint64_t settings_longest_session_usec(const struct settings *settings);

/* The longest time that a login can count for: a session's, and the grace that is left after it. */
uint64_t settings_longest_usec(const struct settings *settings);

/* True if LocalNetworks= was emptied, and nothing put there: then not even loopback is local. */
bool settings_nothing_is_local(const struct settings *settings);

/* Where the assignment stands that is in force for a rule's key; of a list, the i-th. NULL if it
 * was not assigned. */
const struct assignment *settings_find_rule_key(const struct settings *settings,
                                                const struct rule *rule, const char *key, size_t i);

/* Where an administrator finds the rule: its first assignment; "?" if it has none. */
const char *settings_rule_origin(const struct settings *settings, const struct rule *rule);

/* Writes every effective setting in the syntax of the configuration file, its origin as a comment
 * before it. */
void settings_dump(const struct settings *settings, FILE *file);
