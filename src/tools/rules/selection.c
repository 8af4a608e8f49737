/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The journal's index can be asked for alternatives of conjunctions: so each alternative has all
 * that is required besides, and further alternatives (what the rules need to see) can follow. */

#include "selection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/match.h"

struct words {
    char **word;
    size_t count;
};

struct selection {
    struct words required;
    struct words *group; /* the alternatives; at least one */
    size_t groups;
    uint64_t since_usec, until_usec;
};

static int words_add(struct words *words, const char *field, const char *value)
{
    char **grown = reallocarray(words->word, words->count + 1, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    words->word = grown;
    if (asprintf(&grown[words->count], "%s=%s", field, value) < 0)
        return -ENOMEM;
    words->count++;
    return 0;
}

static void words_clear(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->word[i]);
    free(words->word);
}

static int add_group(struct selection *selection)
{
    struct words *grown =
        reallocarray(selection->group, selection->groups + 1, sizeof(*selection->group));

    if (!grown)
        return -ENOMEM;
    selection->group = grown;
    grown[selection->groups++] = (struct words){ 0 };
    return 0;
}

struct selection *selection_new(void)
{
    struct selection *selection = calloc(1, sizeof(*selection));

    if (!selection)
        return NULL;
    selection->until_usec = UINT64_MAX;
    return add_group(selection) < 0 ? selection_free(selection) : selection;
}

struct selection *selection_free(struct selection *selection)
{
    if (!selection)
        return NULL;
    words_clear(&selection->required);
    for (size_t i = 0; i < selection->groups; i++)
        words_clear(&selection->group[i]);
    free(selection->group);
    free(selection);
    return NULL;
}

int selection_require(struct selection *selection, const char *field, const char *value)
{
    return words_add(&selection->required, field, value);
}

int selection_add_term(struct selection *selection, const char *text)
{
    struct words *last = &selection->group[selection->groups - 1];
    size_t len = strcspn(text, "=");
    char field[65];

    if (strcmp(text, "+") == 0)
        return last->count > 0 ? add_group(selection) : -EINVAL;
    if (text[len] != '=' || !match_is_field_name(text, len) || len >= sizeof(field))
        return -EINVAL;
    memcpy(field, text, len);
    field[len] = 0;
    return words_add(last, field, text + len + 1);
}

void selection_set_since(struct selection *selection, uint64_t usec)
{
    selection->since_usec = usec;
}

void selection_set_until(struct selection *selection, uint64_t usec)
{
    selection->until_usec = usec;
}

uint64_t selection_since(const struct selection *selection)
{
    return selection->since_usec;
}

uint64_t selection_until(const struct selection *selection)
{
    return selection->until_usec;
}

static bool same_field(const char *a, const char *b)
{
    size_t len = strcspn(a, "=");

    return strncmp(a, b, len + 1) == 0;
}

static bool word_holds(const char *word, const struct entry *entry)
{
    size_t name_len = strcspn(word, "="), len;
    const char *wanted = word + name_len + 1;
    char field[65];
    const void *value;

    snprintf(field, sizeof(field), "%.*s", (int)name_len, word);
    return entry->get(entry, field, &value, &len) == 0 && len == strlen(wanted) &&
           memcmp(value, wanted, len) == 0;
}

/* True if for each field one of its words holds. */
static bool words_hold(const struct words *words, const struct entry *entry)
{
    for (size_t i = 0; i < words->count; i++) {
        bool holds = false;

        for (size_t k = 0; k < words->count && !holds; k++)
            holds = same_field(words->word[i], words->word[k]) && word_holds(words->word[k], entry);
        if (!holds)
            return false;
    }
    return true;
}

bool selection_holds(const struct selection *selection, const struct entry *entry)
{
    if (entry->realtime_usec < selection->since_usec ||
        entry->realtime_usec > selection->until_usec)
        return false;
    if (!words_hold(&selection->required, entry))
        return false;
    for (size_t i = 0; i < selection->groups; i++)
        if (words_hold(&selection->group[i], entry))
            return true;
    return false;
}

bool selection_is_everything(const struct selection *selection)
{
    return selection->required.count == 0 && selection->group[0].count == 0;
}

static int add_words(const struct words *words, sd_journal *journal)
{
    int r = 0;

    for (size_t i = 0; i < words->count && r >= 0; i++)
        r = sd_journal_add_match(journal, words->word[i], 0);
    return r < 0 ? r : 0;
}

int selection_add_matches(const struct selection *selection, sd_journal *journal)
{
    int r = 0;

    for (size_t i = 0; i < selection->groups && r >= 0; i++) {
        r = sd_journal_add_disjunction(journal);
        if (r >= 0)
            r = add_words(&selection->required, journal);
        if (r >= 0)
            r = add_words(&selection->group[i], journal);
    }
    return r < 0 ? r : 0;
}

static void print_words(const struct words *words, FILE *file, bool *first)
{
    for (size_t i = 0; i < words->count; i++) {
        fprintf(file, "%s%s", *first ? "" : " ", words->word[i]);
        *first = false;
    }
}

int selection_describe(const struct selection *selection, char **ret)
{
    bool first = true;
    size_t size;
    FILE *file = open_memstream(ret, &size);

    if (!file)
        return -ENOMEM;
    for (size_t i = 0; i < selection->groups; i++) {
        if (i > 0)
            fputs(" +", file);
        print_words(&selection->required, file, &first);
        print_words(&selection->group[i], file, &first);
    }
    return fclose(file) == 0 ? 0 : -ENOMEM;
}
