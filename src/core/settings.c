/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Assignments: a value is checked and takes effect when it is assigned, so that every complaint can
 * name the line that caused it, and is kept with its origin for the dump. */

#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "assignment.h"
#include "duration.h"
#include "settings-private.h"

#define WATCHER     "Watcher"
#define RULE_PREFIX "Rule "
#define SECTION_MAX (sizeof(RULE_PREFIX) + RULE_NAME_MAX)

struct settings *settings_free(struct settings *settings)
{
    if (!settings)
        return NULL;
    free(settings->map);
    free(settings->journal);
    free(settings->log_file);
    free(settings->catch_up_socket);
    networks_free(settings->local_networks);
    networks_free(settings->never_grant);
    rules_free(settings->rules);
    assignments_free(settings->assignments);
    free(settings);
    return NULL;
}

static const struct setting *find_setting(const struct setting *table, const char *key)
{
    for (; table->key; table++)
        if (strcmp(table->key, key) == 0)
            return table;
    return NULL;
}

/* Makes the assignment take effect, and keeps it for settings_dump(). */
static int apply(const struct target *target, const struct setting *setting,
                 const struct assignment *assignment, char *reterr)
{
    struct assignments *assignments = target->settings->assignments;
    bool empties = setting->reset && !assignment->value[0];
    int r;

    if (empties || (assignments_drop(assignments, assignment->section, assignment->key, true) > 0 &&
                    setting->reset))
        setting->reset(target, setting);
    if (!setting->reset || empties)
        (void)assignments_drop(assignments, assignment->section, assignment->key, false);
    r = empties ? 0 : setting->assign(target, setting, assignment->value, reterr);
    return r < 0 ? r : assignments_add(assignments, assignment);
}

/* Defaults go through the same door as everything else, so that the dump shows them. */
static int apply_defaults(const struct target *target, const struct setting *table,
                          const char *section)
{
    char error[SETTINGS_ERROR_MAX];

    for (; table->key; table++) {
        struct assignment assignment = {
            .section = (char *)section,
            .key = (char *)table->key,
            .value = (char *)table->fallback,
            .origin = (char *)"default",
            .is_default = true,
        };
        int r = table->fallback ? apply(target, table, &assignment, error) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

int settings_new(struct settings **ret)
{
    _cleanup_(settings_freep) struct settings *settings = calloc(1, sizeof(*settings));
    int r;

    if (!settings)
        return -ENOMEM;
    settings->local_networks = networks_new();
    settings->never_grant = networks_new();
    settings->rules = rules_new();
    settings->assignments = assignments_new();
    if (!settings->local_networks || !settings->never_grant || !settings->rules ||
        !settings->assignments)
        return -ENOMEM;
    r = apply_defaults(&(struct target){ settings, NULL }, settings_watcher_keys, WATCHER);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(settings);
    return 0;
}

/* Finds what the section is about and which keys it takes. A rule is made when it is first named.
 */
static int find_target(struct settings *settings, const char *section, struct target *ret,
                       const struct setting **ret_table, char *reterr)
{
    const char *name = section + strlen(RULE_PREFIX);
    size_t before = rules_count(settings->rules);
    int r;

    *ret = (struct target){ settings, NULL };
    *ret_table = settings_watcher_keys;
    if (strcmp(section, WATCHER) == 0)
        return 0;
    if (strncmp(section, RULE_PREFIX, strlen(RULE_PREFIX)) != 0) {
        snprintf(reterr, SETTINGS_ERROR_MAX,
                 "unknown section [%.100s]; there are [Watcher] and [Rule NAME]", section);
        return -EINVAL;
    }
    r = rules_get(settings->rules, name, &ret->rule);
    if (r == -EINVAL) {
        snprintf(reterr, SETTINGS_ERROR_MAX,
                 "[%.100s]: a rule's name has 1 to %d letters, digits, \"-\" and \"_\"", section,
                 RULE_NAME_MAX);
        return r;
    }
    *ret_table = settings_rule_keys;
    if (r == 0 && rules_count(settings->rules) > before)
        r = apply_defaults(ret, settings_rule_keys, section);
    return r;
}

static int list_keys(const struct setting *table, const char *section, const char *key,
                     char *reterr)
{
    size_t used = (size_t)snprintf(reterr, SETTINGS_ERROR_MAX,
                                   "unknown key %.100s= in [%.100s]; there are", key, section);

    for (; table->key; table++)
        used += (size_t)snprintf(reterr + used, SETTINGS_ERROR_MAX - used, " %s=", table->key);
    return -EINVAL;
}

int settings_assign(struct settings *settings, const char *section, const char *key,
                    const char *value, const char *origin, char reterr[static SETTINGS_ERROR_MAX])
{
    struct assignment assignment = {
        .section = (char *)section,
        .key = (char *)key,
        .value = (char *)value,
        .origin = (char *)origin,
    };
    const struct setting *table, *setting;
    char reason[SETTINGS_ERROR_MAX] = "";
    struct target target;
    int r;

    r = find_target(settings, section, &target, &table, reterr);
    if (r < 0)
        return r;
    setting = find_setting(table, key);
    if (!setting)
        return list_keys(table, section, key, reterr);
    r = apply(&target, setting, &assignment, reason);
    if (r == -EINVAL)
        snprintf(reterr, SETTINGS_ERROR_MAX, "%s=%.120s%s: %.300s", key, value,
                 strlen(value) > 120 ? "..." : "", reason);
    return r;
}

/* A rule without a time of its own has the watcher's; the dump says so. */
static int inherit(struct settings *settings, const struct rule *rule, const char *key,
                   uint64_t usec)
{
    char section[SECTION_MAX], value[DURATION_TEXT_MAX];
    struct assignment assignment = {
        .section = section,
        .key = (char *)key,
        .value = value,
        .origin = (char *)"as in [" WATCHER "]",
    };

    snprintf(section, sizeof(section), RULE_PREFIX "%s", rule_name(rule));
    duration_format(usec, value);
    (void)assignments_drop(settings->assignments, section, key, false);
    return assignments_add(settings->assignments, &assignment);
}

static int inherit_times(struct settings *settings, struct rule *rule)
{
    int r = 0;

    if (rule_grace_usec(rule) == 0) {
        rule_set_grace(rule, settings->grace_usec);
        r = inherit(settings, rule, "Grace", settings->grace_usec);
    }
    if (r == 0 && rule_max_session_usec(rule) == 0) {
        rule_set_max_session(rule, settings->max_session_usec);
        r = inherit(settings, rule, "MaxSession", settings->max_session_usec);
    }
    return r;
}

static bool is_of_rule(const struct assignment *assignment, const struct rule *rule)
{
    return strncmp(assignment->section, RULE_PREFIX, strlen(RULE_PREFIX)) == 0 &&
           strcmp(assignment->section + strlen(RULE_PREFIX), rule_name(rule)) == 0;
}

const struct assignment *settings_find_rule_key(const struct settings *settings,
                                                const struct rule *rule, const char *key, size_t i)
{
    for (size_t k = 0; k < assignments_count(settings->assignments); k++) {
        const struct assignment *item = assignments_at(settings->assignments, k);

        /* An empty one was there to empty the list. */
        if (is_of_rule(item, rule) && strcmp(item->key, key) == 0 && item->value[0] && i-- == 0)
            return item;
    }
    return NULL;
}

const char *settings_rule_origin(const struct settings *settings, const struct rule *rule)
{
    for (size_t i = 0; i < assignments_count(settings->assignments); i++) {
        const struct assignment *item = assignments_at(settings->assignments, i);

        if (!item->is_default && is_of_rule(item, rule))
            return item->origin;
    }
    return "?";
}

static int verify_rule(const struct settings *settings, const struct rule *rule, char *reterr)
{
    const struct assignment *assignment = NULL;
    char reason[RULE_ERROR_MAX] = "";
    enum event_kind kind;
    size_t pattern;
    int r = rule_verify(rule, &kind, &pattern, reason);

    if (r == 0)
        return 0;
    if (kind != _EVENT_KIND_MAX)
        assignment = settings_find_rule_key(settings, rule, event_kind_keys[kind], pattern);
    snprintf(reterr, SETTINGS_ERROR_MAX, "%.180s: %s",
             assignment ? assignment->origin : settings_rule_origin(settings, rule), reason);
    return r;
}

int settings_finish(struct settings *settings, char reterr[static SETTINGS_ERROR_MAX])
{
    size_t enabled = 0;

    for (size_t i = 0; i < rules_count(settings->rules); i++) {
        struct rule *rule = rules_at(settings->rules, i);
        int r;

        r = inherit_times(settings, rule);
        if (r < 0)
            return r;
        if (!rule_enabled(rule))
            continue;
        r = verify_rule(settings, rule, reterr);
        if (r < 0)
            return r;
        enabled++;
    }
    if (enabled > 0)
        return 0;
    snprintf(reterr, SETTINGS_ERROR_MAX, "no rule is enabled, so that no login would ever be seen");
    return -EINVAL;
}

uint64_t settings_longest_grace_usec(const struct settings *settings)
{
    uint64_t longest = 0;

    for (size_t i = 0; i < rules_count(settings->rules); i++) {
        const struct rule *rule = rules_at(settings->rules, i);

        if (rule_enabled(rule) && rule_grace_usec(rule) > longest)
            longest = rule_grace_usec(rule);
    }
    return longest;
}

uint64_t settings_longest_session_usec(const struct settings *settings)
{
    uint64_t longest = 0;

    for (size_t i = 0; i < rules_count(settings->rules); i++) {
        const struct rule *rule = rules_at(settings->rules, i);

        if (rule_enabled(rule) && rule_has_logout(rule) && rule_max_session_usec(rule) > longest)
            longest = rule_max_session_usec(rule);
    }
    return longest;
}

uint64_t settings_longest_usec(const struct settings *settings)
{
    return settings_longest_grace_usec(settings) + settings_longest_session_usec(settings);
}

bool settings_nothing_is_local(const struct settings *settings)
{
    return !settings->local_from_postconf && networks_count(settings->local_networks) == 0;
}

static void dump_section(const struct settings *settings, const char *section,
                         const struct setting *table, FILE *file)
{
    fprintf(file, "[%s]\n", section);
    for (; table->key; table++) {
        for (size_t i = 0; i < assignments_count(settings->assignments); i++) {
            const struct assignment *item = assignments_at(settings->assignments, i);

            if (strcmp(item->section, section) == 0 && strcmp(item->key, table->key) == 0)
                fprintf(file, "# %s\n%s=%s\n", item->origin, item->key, item->value);
        }
    }
}

void settings_dump(const struct settings *settings, FILE *file)
{
    dump_section(settings, WATCHER, settings_watcher_keys, file);
    for (size_t i = 0; i < rules_count(settings->rules); i++) {
        char section[SECTION_MAX];

        snprintf(section, sizeof(section), RULE_PREFIX "%s",
                 rule_name(rules_at(settings->rules, i)));
        fputc('\n', file);
        dump_section(settings, section, settings_rule_keys, file);
    }
}
