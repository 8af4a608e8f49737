/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Findings: what the linter says of a rule, at the place in the file where the text stands. */

#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/text.h"
#include "place.h"

struct findings {
    const struct settings *settings;
    struct finding *items;
    size_t count;
};

struct findings *findings_free(struct findings *findings)
{
    if (!findings)
        return NULL;
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].path);
        free(findings->items[i].text);
    }
    free(findings->items);
    free(findings);
    return NULL;
}

static int add(const struct lint_finding *found, void *userdata)
{
    struct findings *findings = userdata;
    const struct assignment *assignment =
        found->key
            ? settings_find_rule_key(findings->settings, found->rule, found->key, found->index)
            : NULL;
    const char *origin =
        assignment ? assignment->origin : settings_rule_origin(findings->settings, found->rule);
    struct finding *items =
        reallocarray(findings->items, findings->count + 1, sizeof(*findings->items));
    struct place place;
    struct finding *item;
    char text[1200];

    if (!items)
        return -ENOMEM;
    findings->items = items;
    place_find(origin, assignment ? found->offset : 0, &place);
    item = &items[findings->count];
    /* The linter's errors name rule and key already. */
    if (found->severity == LINT_ERROR && !found->key)
        snprintf(text, sizeof(text), "%s", found->text);
    else
        snprintf(text, sizeof(text), "rule \"%s\": %s%s%s", rule_name(found->rule),
                 found->key ? found->key : "", found->key ? "=: " : "", found->text);
    *item = (struct finding){
        .path = strdup(place.path),
        .line = place.line,
        .column = place.column,
        .severity = found->severity,
        .text = malloc(sizeof(text)),
    };
    findings->count++;
    if (!item->path || !item->text)
        return -ENOMEM;
    (void)text_sanitise(text, strlen(text), item->text, sizeof(text));
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    if (order == 0)
        order = (x->line > y->line) - (x->line < y->line);
    if (order == 0)
        order = (x->column > y->column) - (x->column < y->column);
    return order != 0 ? order : strcmp(x->text, y->text);
}

int findings_collect(const struct settings *settings, struct findings **ret)
{
    _cleanup_(findings_freep) struct findings *findings = calloc(1, sizeof(*findings));
    int r;

    if (!findings)
        return -ENOMEM;
    findings->settings = settings;
    r = lint_rules(settings->rules, add, findings);
    if (r < 0)
        return r;
    if (findings->count > 0)
        qsort(findings->items, findings->count, sizeof(*findings->items), compare);
    *ret = TAKE_PTR(findings);
    return 0;
}

size_t findings_count(const struct findings *findings)
{
    return findings->count;
}

const struct finding *findings_at(const struct findings *findings, size_t i)
{
    return &findings->items[i];
}

void findings_print(const struct findings *findings, FILE *file)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *item = &findings->items[i];

        fputs(item->path, file);
        if (item->line > 0)
            fprintf(file, ":%u", item->line);
        if (item->column > 0)
            fprintf(file, ":%u", item->column);
        fprintf(file, ": %s: %s\n", item->severity == LINT_ERROR ? "error" : "warning", item->text);
    }
}

/* --- errors of the configuration --- */

struct wrong_pattern {
    unsigned line;
    bool found;
    size_t offset;
};

/* Finds the pattern on the line, and what PCRE2 dislikes in it. */
static int find_wrong_pattern(const struct config_item *item, void *userdata)
{
    static const char *const keys[] = { "Login", "Logout", "Connect", "Fail", "Peer" };
    struct wrong_pattern *wrong = userdata;
    size_t i = 0, skip = 0;

    if (item->line != wrong->line)
        return 0;
    while (i < sizeof(keys) / sizeof(keys[0]) && strcmp(item->key, keys[i]) != 0)
        i++;
    if (i == sizeof(keys) / sizeof(keys[0]))
        return -ENOENT;
    if (strcmp(item->key, "Peer") == 0)
        skip = strcspn(item->value, "=") + (strchr(item->value, '=') != NULL);
    wrong->found = pattern_find_error(item->value + skip, &wrong->offset);
    wrong->offset += skip;
    return -EEXIST;
}

/* "FILE:LINE: text": returns the text, or NULL if it is none such. */
static const char *split_error(const char *error, char path[static PATH_MAX], unsigned *ret_line)
{
    for (const char *colon = strchr(error, ':'); colon; colon = strchr(colon + 1, ':')) {
        char *end;
        unsigned long line = strtoul(colon + 1, &end, 10);

        if (end == colon + 1 || strncmp(end, ": ", 2) != 0 || line == 0 ||
            (size_t)(colon - error) >= PATH_MAX)
            continue;
        snprintf(path, PATH_MAX, "%.*s", (int)(colon - error), error);
        *ret_line = (unsigned)line;
        return end + 2;
    }
    return NULL;
}

static bool find_column(const char *path, unsigned line, unsigned *ret_line, unsigned *ret_column)
{
    struct wrong_pattern wrong = { .line = line };
    size_t len = 0;
    _cleanup_(freep) char *text = place_read_file(path, &len);
    unsigned error_line;
    const char *reason;

    if (!text)
        return false;
    (void)config_parse(text, len, find_wrong_pattern, &wrong, &error_line, &reason);
    return wrong.found && config_locate(text, len, line, wrong.offset, ret_line, ret_column) == 0;
}

void check_print_error(const char *error, FILE *file)
{
    char path[PATH_MAX], shown[PATH_MAX], reason[1024];
    unsigned line = 0, column = 0;
    const char *text = split_error(error, path, &line);

    (void)text_sanitise(text ? text : error, strlen(text ? text : error), reason, sizeof(reason));
    if (!text) {
        fprintf(file, "error: %s\n", reason);
        return;
    }
    (void)text_sanitise(path, strlen(path), shown, sizeof(shown));
    if (find_column(path, line, &line, &column))
        fprintf(file, "%s:%u:%u: error: %s\n", shown, line, column, reason);
    else
        fprintf(file, "%s:%u: error: %s\n", shown, line, reason);
}
