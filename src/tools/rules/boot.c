/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "boot.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-id128.h>

#include "core/cleanup.h"

struct boot {
    char id[BOOT_ID_TEXT_MAX];
    uint64_t first_usec;
};

static bool is_id(const char *text)
{
    return strlen(text) == BOOT_ID_TEXT_MAX - 1 && strspn(text, "0123456789abcdef") == strlen(text);
}

/* Sign and digits; few enough for an int. */
static bool is_number(const char *text)
{
    size_t len;

    text += *text == '-' || *text == '+';
    len = strspn(text, "0123456789");
    return len > 0 && len <= 6 && !text[len];
}

bool boot_is_name(const char *text)
{
    return is_id(text) || is_number(text);
}

static int compare_boots(const void *a, const void *b)
{
    const struct boot *x = a, *y = b;

    return (x->first_usec > y->first_usec) - (x->first_usec < y->first_usec);
}

static int find_beginning(sd_journal *journal, const char *word, uint64_t *ret_usec)
{
    int r;

    sd_journal_flush_matches(journal);
    r = sd_journal_add_match(journal, word, 0);
    if (r >= 0)
        r = sd_journal_seek_head(journal);
    if (r >= 0)
        r = sd_journal_next(journal);
    if (r > 0)
        r = sd_journal_get_realtime_usec(journal, ret_usec);
    else if (r == 0)
        r = -ENXIO;
    return r < 0 ? r : 0;
}

/* Adds the boot of a "_BOOT_ID=..." if it is one and has entries. */
static int add_boot(struct boot **boots, size_t *count, sd_journal *journal, const void *data,
                    size_t len)
{
    char word[sizeof("_BOOT_ID=") + BOOT_ID_TEXT_MAX];
    struct boot *grown, boot;
    int r;

    snprintf(word, sizeof(word), "%.*s", (int)len, (const char *)data);
    if (len >= sizeof(word) || !is_id(word + strlen("_BOOT_ID=")))
        return 0;
    snprintf(boot.id, sizeof(boot.id), "%s", word + strlen("_BOOT_ID="));
    r = find_beginning(journal, word, &boot.first_usec);
    if (r < 0)
        return r == -ENXIO ? 0 : r;
    grown = reallocarray(*boots, *count + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    grown[*count] = boot;
    *boots = grown;
    (*count)++;
    return 0;
}

/* The ids are copied first: looking for where each begins moves the place in the list. */
static int list_boots(sd_journal *journal, struct boot **ret, size_t *ret_count)
{
    _cleanup_(freep) char *ids = NULL;
    size_t len, size = 0;
    FILE *file = open_memstream(&ids, &size);
    const void *data;
    int r;

    if (!file)
        return -ENOMEM;
    r = sd_journal_query_unique(journal, "_BOOT_ID");
    if (r >= 0)
        SD_JOURNAL_FOREACH_UNIQUE(journal, data, len)
    fprintf(file, "%.*s\n", (int)len, (const char *)data);
    if (fclose(file) != 0)
        return -ENOMEM;
    for (char *id = ids, *end; r >= 0 && (end = strchr(id, '\n')); id = end + 1)
        r = add_boot(ret, ret_count, journal, id, (size_t)(end - id));
    sd_journal_flush_matches(journal);
    return r < 0 ? r : 0;
}

/* The place in the list that the number stands for; `last` is what 0 does. */
static long place_of(long number, size_t last)
{
    return number > 0 ? number - 1 : (long)last + number;
}

int boot_find(sd_journal *journal, bool is_local, const char *name,
              char ret[static BOOT_ID_TEXT_MAX])
{
    _cleanup_(freep) struct boot *boots = NULL;
    long number = strtol(name, NULL, 10), place;
    char current[SD_ID128_STRING_MAX];
    size_t count = 0;
    sd_id128_t id;
    int r;

    if (is_id(name)) {
        snprintf(ret, BOOT_ID_TEXT_MAX, "%s", name);
        return 0;
    }
    if (is_local && number == 0 && sd_id128_get_boot(&id) >= 0) {
        snprintf(ret, BOOT_ID_TEXT_MAX, "%s", sd_id128_to_string(id, current));
        return 0;
    }
    r = list_boots(journal, &boots, &count);
    if (r < 0)
        return r;
    if (count == 0)
        return -ENXIO;
    qsort(boots, count, sizeof(*boots), compare_boots);
    place = place_of(number, count - 1);
    if (place < 0 || (size_t)place >= count)
        return -ENXIO;
    memcpy(ret, boots[place].id, BOOT_ID_TEXT_MAX);
    return 0;
}
