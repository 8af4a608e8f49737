/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "check.h"
#include "core/cleanup.h"
#include "core/config.h"
#include "export-file.h"
#include "fake-entry.h"
#include "shipped-rules.h"

static int assign(const struct config_item *item, void *userdata)
{
    char error[SETTINGS_ERROR_MAX] = "";
    int r = settings_assign(userdata, item->section, item->key, item->value, "test", error);

    if (r < 0)
        fail_msg("line %u: %s", item->line, error);
    return r;
}

static void load_file(struct settings *settings, const char *name)
{
    char path[512];
    size_t len;
    unsigned line = 0;
    const char *reason = NULL;

    snprintf(path, sizeof(path), "%s/conf.d/%s", SOURCE_DIR, name);

    _cleanup_(freep) char *text = read_whole_file(path, &len);

    if (config_parse(text, len, assign, settings, &line, &reason) != 0)
        fail_msg("%s:%u: %s", path, line, reason);
}

struct settings *load_shipped_rules(const char *const *files)
{
    struct settings *settings;
    char error[SETTINGS_ERROR_MAX] = "";

    check_int("settings", settings_new(&settings), 0);
    for (; *files; files++)
        load_file(settings, *files);
    for (size_t i = 0; i < rules_count(settings->rules); i++)
        rule_set_enabled(rules_at(settings->rules, i), true);
    if (settings_finish(settings, error) != 0)
        fail_msg("shipped rules: %s", error);
    return settings;
}

enum rules_verdict judge_shipped(const struct settings *settings, const struct shipped_line *line,
                                 struct event *ret)
{
    static unsigned processes;
    char own_pid[16];
    const char *pid = line->pid ? line->pid : own_pid;

    snprintf(own_pid, sizeof(own_pid), "%u", ++processes);

    const struct fake_field fields[] = {
        { "_SYSTEMD_UNIT", line->unit, strlen(line->unit), 0 },
        FAKE_TEXT("_SYSTEMD_INVOCATION_ID", "0123456789abcdef0123456789abcdef"),
        { "_PID", pid, strlen(pid), 0 },
        { "_UID", line->uid, strlen(line->uid), 0 },
        { "SYSLOG_IDENTIFIER", line->identifier, strlen(line->identifier), 0 },
        { "MESSAGE", line->message, strlen(line->message), 0 },
        { NULL, NULL, 0, 0 },
    };
    struct entry entry = fake_entry(fields, 1);
    const struct rule *by;

    return rules_judge(settings->rules, &entry, ret, &by);
}
