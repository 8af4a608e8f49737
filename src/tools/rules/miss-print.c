/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Misses on a terminal. Message and pattern are shown with one column a byte, so that carets can
 * stand below them: what is not printable ASCII is shown as "?". */

#include <stdlib.h>
#include <string.h>

#include "miss.h"
#include "place.h"

/* Columns of the window in a long text, and of the text in it that goes before the place. */
#define WINDOW 72
#define BEFORE 44

#define INDENT "         "

/* What is pointed at. */
struct spot {
    const char *text;
    size_t len, at; /* `at` may be the end */
    size_t before;  /* that many bytes before it are underlined as well, */
    size_t item;    /* and so many from it on */
};

static char show(char c)
{
    return c >= ' ' && c <= '~' ? c : '?';
}

/* Prints the text around the spot and a line with carets below it, without its newline. */
static void print_window(FILE *file, const char *label, int width, const struct spot *spot)
{
    size_t latest = spot->len > WINDOW ? spot->len - WINDOW : 0;
    size_t first = spot->at < BEFORE ? 0 : spot->at - BEFORE < latest ? spot->at - BEFORE : latest;
    size_t last = spot->len - first > WINDOW ? first + WINDOW : spot->len;
    size_t from = spot->at - spot->before < first ? first : spot->at - spot->before;
    size_t to = spot->at + spot->item < last ? spot->at + spot->item : last;

    fprintf(file, INDENT "  %*s: %s", width, label, first > 0 ? "..." : "");
    for (size_t i = first; i < last; i++)
        fputc(show(spot->text[i]), file);
    fprintf(file, "%s\n" INDENT "  %*s  %s", last < spot->len ? "..." : "", width, "",
            first > 0 ? "   " : "");
    for (size_t i = first; i < from; i++)
        fputc(' ', file);
    for (size_t i = from; i < spot->at; i++)
        fputc('~', file);
    fputc('^', file);
    for (size_t i = spot->at + 1; i < to; i++)
        fputc('~', file);
}

static void print_found(FILE *file, const char *text, size_t len, const struct trace *trace)
{
    char c;

    if (trace->searched) {
        fputs(", not found in what follows the wildcard before it", file);
        return;
    }
    if (trace->subject >= len) {
        fputs(", found the end", file);
        return;
    }
    c = text[trace->subject];
    if (c >= ' ' && c <= '~')
        fprintf(file, ", found '%c'", c);
    else
        fprintf(file, ", found the byte 0x%02x", (unsigned char)c);
}

static void print_trace(FILE *file, const struct miss_rule *rule, const char *text, size_t len)
{
    const struct trace *trace = &rule->trace;
    const char *pattern = pattern_text(rule->pattern), *item = pattern + trace->item;
    bool is_message = strcmp(rule->field, "MESSAGE") == 0;
    const char *label = is_message ? "message" : rule->field;
    const char *other = is_message ? "pattern" : rule->key;
    int width = (int)(strlen(label) > strlen(other) ? strlen(label) : strlen(other));
    struct spot subject = { text, len, trace->subject, trace->word, 1 };
    struct spot wanted = { pattern, strlen(pattern), trace->item, trace->word, trace->item_len };

    print_window(file, label, width, &subject);
    fprintf(file, " column %zu\n", trace->subject + 1);
    print_window(file, other, width, &wanted);
    fputs(" expected ", file);
    if (trace->item_len == 0 || (trace->item_len == 1 && *item == '$'))
        fputs("the end", file);
    else if (trace->item_len <= 24) {
        fputc('\'', file);
        for (size_t i = 0; i < trace->item_len; i++)
            fputc(show(item[i]), file);
        fputc('\'', file);
    } else
        fputs("this", file);
    print_found(file, text, len, trace);
    fputc('\n', file);
}

static void describe_word(const struct miss_rule *rule, const char *what, char *ret)
{
    char field[65] = "";

    if (!rule->word) {
        snprintf(ret, MISS_TEXT_MAX, "it has no Match=");
        return;
    }
    snprintf(field, sizeof(field), "%.*s", (int)strcspn(rule->word, "="), rule->word);
    if (rule->value)
        snprintf(ret, MISS_TEXT_MAX, "%s: %s=%s, wanted %s", what, field, rule->value, rule->word);
    else
        snprintf(ret, MISS_TEXT_MAX, "%s: no %s=, wanted %s", what, field, rule->word);
}

static void describe_address(const struct miss_rule *rule, char *ret)
{
    if (rule->value)
        snprintf(ret, MISS_TEXT_MAX, "%s= took \"%s\" for the address, which is not an address",
                 rule->key, rule->value);
    else if (strcmp(rule->key, "Peer") == 0)
        snprintf(ret, MISS_TEXT_MAX, "the entry has no %s= that Peer= could take the address from",
                 rule->field);
    else
        snprintf(ret, MISS_TEXT_MAX, "%s= matches, but took no address", rule->key);
}

size_t miss_describe(const struct miss_rule *rule, char ret[static MISS_TEXT_MAX])
{
    switch (rule->stage) {
    case MISS_FIELD:
        describe_word(rule, "field differs", ret);
        break;
    case MISS_UNIT:
        describe_word(rule, "unit not trusted", ret);
        break;
    case MISS_REQUIRE:
        describe_word(rule, "Require= does not hold", ret);
        break;
    case MISS_LENGTH:
        snprintf(ret, MISS_TEXT_MAX, "the message is missing, or longer than %d bytes",
                 MESSAGE_MAX);
        break;
    case MISS_PATTERN:
        snprintf(ret, MISS_TEXT_MAX, "%s= stopped at column %zu of %s", rule->key,
                 rule->trace.subject + 1,
                 strcmp(rule->field, "MESSAGE") == 0 ? "the message" : rule->field);
        break;
    case MISS_LIMIT:
        snprintf(ret, MISS_TEXT_MAX, "%s= ran into the limit of steps", rule->key);
        break;
    case MISS_ADDRESS:
        describe_address(rule, ret);
        break;
    case MISS_CUT:
        snprintf(ret, MISS_TEXT_MAX,
                 "may be part of a line that the server's logger cut (LineMax=)");
        break;
    case MISS_DISABLED:
        snprintf(ret, MISS_TEXT_MAX, "would take it, but is disabled (Enabled=)");
        break;
    case _MISS_STAGE_MAX:
        ret[0] = 0;
        break;
    }
    return strlen(ret);
}

/* Where the administrator finds what stopped the rule. */
static void find_place(const struct settings *settings, const struct miss_rule *rule,
                       struct place *ret)
{
    const struct assignment *assignment =
        rule->key ? settings_find_rule_key(settings, rule->rule, rule->key, rule->index) : NULL;
    size_t offset = rule->trace.item;

    if (rule->key && strcmp(rule->key, "Peer") == 0)
        offset += strlen(rule->field) + 1;
    place_find(assignment ? assignment->origin : settings_rule_origin(settings, rule->rule), offset,
               ret);
    if (!assignment)
        ret->column = 0;
}

void miss_print(FILE *file, const struct settings *settings, const struct miss *miss,
                const struct entry *entry)
{
    for (size_t i = 0; i < miss->count; i++) {
        const struct miss_rule *rule = &miss->rule[i];
        char text[MISS_TEXT_MAX], where[PLACE_TEXT_MAX];
        struct place place;
        const void *value;
        size_t len;

        find_place(settings, rule, &place);
        place_format(&place, where);
        (void)miss_describe(rule, text);
        fprintf(file, INDENT "rule %s (%s)%s stopped here: %s\n", rule_name(rule->rule), where,
                rule->disabled ? ", disabled," : "", text);
        if ((rule->stage == MISS_PATTERN || rule->stage == MISS_LIMIT) && rule->pattern &&
            entry->get(entry, rule->field, &value, &len) == 0 && rule->trace.subject <= len)
            print_trace(file, rule, value, len);
    }
}
