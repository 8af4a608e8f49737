/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Match= lines. The journal's index answers them when entries are selected; they are checked again
 * on each entry here, because an entry may have been selected for another rule's sake. */

#include "match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

struct word {
    const char *field; /* NUL-terminated, in `text` */
    const char *value;
    size_t len; /* of "FIELD=value" */
};

struct match {
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
static bool is_field_name(const char *text, size_t len)
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

        if (!equals || !is_field_name(word, (size_t)(equals - word))) {
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

int match_parse(const char *text, struct match **ret, const char **reterr)
{
    _cleanup_(match_freep) struct match *match = calloc(1, sizeof(*match));
    int r;

    if (!match)
        return -ENOMEM;
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

/* True if one of the words of the field that begins at i holds; *ret_next is where the next begins.
 */
static bool field_holds(const struct match *match, size_t i, const struct entry *entry,
                        size_t *ret_next)
{
    const char *field = match->word[i].field;
    const void *value = NULL;
    size_t len = 0;
    bool present = entry->get(entry, field, &value, &len) == 0, holds = false;

    for (; i < match->count && strcmp(match->word[i].field, field) == 0; i++) {
        const struct word *word = &match->word[i];

        if (present && strlen(word->value) == len && memcmp(word->value, value, len) == 0)
            holds = true;
    }
    *ret_next = i;
    return holds;
}

bool match_holds(const struct match *match, const struct entry *entry)
{
    for (size_t i = 0; i < match->count;)
        if (!field_holds(match, i, entry, &i))
            return false;
    return true;
}

bool match_names_unit(const struct match *match)
{
    for (size_t i = 0; i < match->count; i++)
        if (strcmp(match->word[i].field, "_SYSTEMD_UNIT") == 0 && match->word[i].value[0])
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
