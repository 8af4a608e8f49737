/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules in a form that can be tried out at once: journalctl takes the words of Match= as they are,
 * and joins alternatives by "+". */

#include "list.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/text.h"

#define WORD_MAX 1024

/* A shell takes these as they are. */
static bool is_plain(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "_=./@:,%+-")] == 0;
}

static void quote(const char *text, FILE *file)
{
    if (is_plain(text)) {
        fputs(text, file);
        return;
    }
    fputc('\'', file);
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", file);
        else
            fputc(*text, file);
    fputc('\'', file);
}

/* The i-th word, with what may harm a terminal replaced. */
static bool get_word(const struct match *match, size_t i, char ret[static WORD_MAX])
{
    size_t len;
    const char *word = match_word(match, i, &len);

    if (word)
        (void)text_sanitise(word, len, ret, WORD_MAX);
    return word != NULL;
}

static void print_words(const struct match *match, bool quoted, FILE *file)
{
    char word[WORD_MAX];

    for (size_t i = 0; get_word(match, i, word); i++) {
        if (i > 0 || quoted)
            fputc(' ', file);
        if (quoted)
            quote(word, file);
        else
            fputs(word, file);
    }
}

static void print_command(const struct rule *rule, FILE *file)
{
    const struct match *match;

    fputs("journalctl", file);
    for (size_t i = 0; (match = rule_match(rule, i)); i++) {
        if (i > 0)
            fputs(" +", file);
        print_words(match, true, file);
    }
}

static void print_origin(const struct settings *settings, const struct rule *rule, char *ret,
                         size_t size)
{
    const char *origin = settings_rule_origin(settings, rule);

    (void)text_sanitise(origin, strlen(origin), ret, size);
}

static void list_text(const struct settings *settings, const struct rule *rule, FILE *file)
{
    char origin[1024];
    const struct match *require;

    print_origin(settings, rule, origin, sizeof(origin));
    fprintf(file, "%s (%s), %s\n    ", rule_name(rule), origin,
            rule_enabled(rule) ? "enabled" : "disabled");
    print_command(rule, file);
    fputc('\n', file);
    for (size_t i = 0; (require = rule_require(rule, i)); i++) {
        fputs("    # and of these only those with ", file);
        print_words(require, false, file);
        fputc('\n', file);
    }
}

/* An array of the lines, each as text. */
static json_t *json_lines(const struct rule *rule,
                          const struct match *(*line)(const struct rule *, size_t))
{
    _cleanup_(json_decrefp) json_t *array = json_array();
    const struct match *match;

    for (size_t i = 0; array && (match = line(rule, i)); i++) {
        _cleanup_(freep) char *text = NULL;
        size_t len = 0;
        FILE *stream = open_memstream(&text, &len);

        if (!stream)
            return NULL;
        print_words(match, false, stream);
        if (fclose(stream) != 0 || json_array_append_new(array, json_string(text)) < 0)
            return NULL;
    }
    return TAKE_PTR(array);
}

static json_t *json_command(const struct rule *rule)
{
    _cleanup_(freep) char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);

    if (!stream)
        return NULL;
    print_command(rule, stream);
    return fclose(stream) == 0 ? json_string(text) : NULL;
}

static json_t *json_count(const struct rule *rule, enum event_kind kind)
{
    json_int_t count = 0;

    while (rule_pattern(rule, kind, (size_t)count))
        count++;
    return json_integer(count);
}

static int list_json(const struct settings *settings, const struct rule *rule, FILE *file)
{
    _cleanup_(json_decrefp) json_t *object = json_object();
    char origin[1024];
    int r = 0;

    print_origin(settings, rule, origin, sizeof(origin));
    r |= json_object_set_new(object, "rule", json_string(rule_name(rule)));
    r |= json_object_set_new(object, "origin", json_string(origin));
    r |= json_object_set_new(object, "enabled", json_boolean(rule_enabled(rule)));
    r |= json_object_set_new(object, "match", json_lines(rule, rule_match));
    r |= json_object_set_new(object, "require", json_lines(rule, rule_require));
    r |= json_object_set_new(object, "login", json_count(rule, EVENT_LOGIN));
    r |= json_object_set_new(object, "logout", json_count(rule, EVENT_LOGOUT));
    r |= json_object_set_new(object, "connect", json_count(rule, EVENT_CONNECT));
    r |= json_object_set_new(object, "fail", json_count(rule, EVENT_FAIL));
    r |= json_object_set_new(object, "journalctl", json_command(rule));
    if (r < 0)
        return -ENOMEM;
    json_dumpf(object, file, JSON_COMPACT);
    fputc('\n', file);
    return 0;
}

int list_rules(const struct settings *settings, bool json, FILE *file)
{
    int r = 0;

    for (size_t i = 0; i < rules_count(settings->rules) && r == 0; i++) {
        const struct rule *rule = rules_at(settings->rules, i);

        if (json)
            r = list_json(settings, rule, file);
        else
            list_text(settings, rule, file);
    }
    return r;
}
