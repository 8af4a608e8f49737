/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Match= and Require= lines. The journal's index answers the former when entries are selected; they
 * are checked again on each entry here, because an entry may have been selected for another rule's
 * sake. */

#include "match.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

struct word {
    const char *field; /* NUL-terminated, in `text` */
    const char *value;
    size_t len; /* of "FIELD=value" */
};

/* Bytes of a field that is compared with a glob(7). */
#define GLOB_VALUE_MAX 1024

struct match {
    enum match_kind kind;
    char *words;  /* "FIELD=value" strings, one behind the other, each with its NUL */
    char *fields; /* the same with the "=" overwritten, so that fields end in NUL */
    struct word *word;
    size_t count;
};

struct match *match_free(struct match *match)
{
    if (match) {
        free(match->words);
        free(match->fields);
        free(match->word);
    }
    free(match);
    return NULL;
}

/* journald takes names of capital letters, digits and "_" that do not begin with a digit. */
bool match_is_field_name(const char *text, size_t len)
{
    if (len == 0 || len > 64 || (text[0] >= '0' && text[0] <= '9'))
        return false;
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") >= len;
}

static int compare_words(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    int order = strcmp(x->field, y->field);

    /* Words of one field keep the order in which they were written. */
    return order != 0 ? order : (x->value > y->value) - (x->value < y->value);
}

static int match_split(struct match *match, const char **reterr)
{
    char *save = NULL;

    for (char *word = strtok_r(match->words, " \t", &save); word;
         word = strtok_r(NULL, " \t", &save)) {
        char *equals = strchr(word, '=');
        size_t at = (size_t)(word - match->words);

        if (!equals || !match_is_field_name(word, (size_t)(equals - word))) {
            *reterr = "each word must be FIELD=value, with a journal field's name";
            return -EINVAL;
        }
        match->fields[at + (size_t)(equals - word)] = 0;
        match->word[match->count++] = (struct word){
            .field = match->fields + at,
            .value = equals + 1,
            .len = strlen(word),
        };
    }
    if (match->count == 0) {
        *reterr = "at least one FIELD=value is needed";
        return -EINVAL;
    }
    qsort(match->word, match->count, sizeof(*match->word), compare_words);
    return 0;
}

int match_parse(const char *text, enum match_kind kind, struct match **ret, const char **reterr)
{
    _cleanup_(match_freep) struct match *match = calloc(1, sizeof(*match));
    int r;

    if (!match)
        return -ENOMEM;
    match->kind = kind;
    match->words = strdup(text);
    match->fields = strdup(text);
    match->word = calloc(strlen(text) / 2 + 1, sizeof(*match->word));
    if (!match->words || !match->fields || !match->word)
        return -ENOMEM;
    r = match_split(match, reterr);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(match);
    return 0;
}

/* fnmatch(3) wants strings; no name of anything in the journal has a NUL in it. */
static bool glob_holds(const char *pattern, const void *value, size_t len)
{
    char text[GLOB_VALUE_MAX + 1];

    if (len > GLOB_VALUE_MAX || memchr(value, 0, len))
        return false;
    memcpy(text, value, len);
    text[len] = 0;
    return fnmatch(pattern, text, 0) == 0;
}

static bool word_holds(const struct match *match, const struct word *word, const void *value,
                       size_t len)
{
    if (match->kind == MATCH_GLOB)
        return glob_holds(word->value, value, len);
    return strlen(word->value) == len && memcmp(word->value, value, len) == 0;
}

/* True if one of the words of the field that begins at i holds; *ret_next is where the next begins.
 */
static bool field_holds(const struct match *match, size_t i, const struct entry *entry,
                        size_t *ret_next)
{
    const char *field = match->word[i].field;
    const void *value = NULL;
    size_t len = 0;
    bool present = entry->get(entry, field, &value, &len) == 0, holds = false;

    for (; i < match->count && strcmp(match->word[i].field, field) == 0; i++)
        if (present && word_holds(match, &match->word[i], value, len))
            holds = true;
    *ret_next = i;
    return holds;
}

bool match_find_obstacle(const struct match *match, const struct entry *entry, size_t *ret)
{
    for (size_t i = 0; i < match->count;) {
        size_t first = i;

        if (!field_holds(match, i, entry, &i)) {
            *ret = first;
            return true;
        }
    }
    return false;
}

bool match_holds(const struct match *match, const struct entry *entry)
{
    size_t obstacle;

    return !match_find_obstacle(match, entry, &obstacle);
}

/* The beginnings of names that users' processes have as theirs: of their own service manager, and
 * of their login sessions. */
static bool can_be_a_users(const char *prefix, size_t len)
{
    static const char *const names[] = { "user@", "session-" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t name_len = strlen(names[i]);

        if (memcmp(prefix, names[i], len < name_len ? len : name_len) == 0)
            return true;
    }
    return false;
}

static bool names_unit(const struct match *match, const char *value)
{
    size_t len = strcspn(value, match->kind == MATCH_GLOB ? "*?[\\" : "");

    return len > 0 && !(match->kind == MATCH_GLOB && can_be_a_users(value, len));
}

bool match_names_unit(const struct match *match)
{
    bool names = false;

    /* The words are alternatives, so that one that is open to all would be enough for anybody. */
    for (size_t i = 0; i < match->count; i++) {
        if (strcmp(match->word[i].field, "_SYSTEMD_UNIT") != 0)
            continue;
        names = names_unit(match, match->word[i].value);
        if (!names)
            break;
    }
    return names;
}

bool match_has_value(const struct match *match, const char *field, const char *value, size_t len)
{
    for (size_t i = 0; i < match->count; i++)
        if (strcmp(match->word[i].field, field) == 0 &&
            word_holds(match, &match->word[i], value, len))
            return true;
    return false;
}

const char *match_word(const struct match *match, size_t i, size_t *ret_len)
{
    const struct word *word;

    if (i >= match->count)
        return NULL;
    word = &match->word[i];
    *ret_len = word->len;
    return word->value + strlen(word->value) - word->len;
}
