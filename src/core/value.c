/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the values of settings may be, in one place, with the words that say so. */

#include "value.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"

static int refuse(char *reterr, const char *allowed)
{
    snprintf(reterr, VALUE_ERROR_MAX, "%s", allowed);
    return -EINVAL;
}

int value_parse_bool(const char *value, bool *ret, char reterr[static VALUE_ERROR_MAX])
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        { "yes", true }, { "true", true },   { "on", true },   { "1", true },
        { "no", false }, { "false", false }, { "off", false }, { "0", false },
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i].word) == 0) {
            *ret = words[i].value;
            return 0;
        }
    }
    return refuse(reterr, "must be yes or no");
}

int value_parse_number(const char *value, unsigned least, unsigned most, unsigned *ret,
                       char reterr[static VALUE_ERROR_MAX])
{
    uint64_t number = 0;
    bool valid = value[0] != 0;

    for (const char *p = value; *p && valid; p++) {
        valid = *p >= '0' && *p <= '9' && number <= most / 10;
        number = number * 10 + (uint64_t)(*p - '0');
    }
    if (!valid || number < least || number > most) {
        snprintf(reterr, VALUE_ERROR_MAX, "must be a number from %u to %u", least, most);
        return -EINVAL;
    }
    *ret = (unsigned)number;
    return 0;
}

int value_parse_grace(const char *value, uint64_t *ret, char reterr[static VALUE_ERROR_MAX])
{
    uint64_t usec;

    if (duration_parse(value, &usec) < 0 || usec < USEC_PER_SEC || usec > 365 * USEC_PER_DAY)
        return refuse(reterr, "must be seconds or a time span such as 30min, from 1s to 365d");
    *ret = usec;
    return 0;
}

int value_parse_timeout(const char *value, uint64_t least, uint64_t most, uint64_t *ret,
                        char reterr[static VALUE_ERROR_MAX])
{
    char least_text[DURATION_TEXT_MAX], most_text[DURATION_TEXT_MAX];
    char ignored[VALUE_ERROR_MAX];
    uint64_t usec;
    bool wanted;

    /* "0" is a word for it, too; "1" is a second, and "yes" does not say how long. */
    if (value_parse_bool(value, &wanted, ignored) == 0 && !wanted)
        usec = 0;
    else if (duration_parse(value, &usec) < 0 || (usec > 0 && usec < least) || usec > most) {
        snprintf(reterr, VALUE_ERROR_MAX, "must be a time span from %s to %s, or no",
                 duration_format(least, least_text), duration_format(most, most_text));
        return -EINVAL;
    }
    *ret = usec;
    return 0;
}

int value_parse_path(const char *value, char **slot, char reterr[static VALUE_ERROR_MAX])
{
    char *copy;

    if (value[0] != '/')
        return refuse(reterr, "must be an absolute path");
    if (strlen(value) >= PATH_MAX)
        return refuse(reterr, "is too long for a path");
    copy = strdup(value);
    if (!copy)
        return -ENOMEM;
    free(*slot);
    *slot = copy;
    return 0;
}

int value_parse_networks(const char *value, struct networks *networks, const char *word,
                         bool *ret_word, char reterr[static VALUE_ERROR_MAX])
{
    for (const char *p = value + strspn(value, " \t"); *p; p += strspn(p, " \t")) {
        size_t len = strcspn(p, " \t");
        int r = 0;

        if (word && strlen(word) == len && memcmp(p, word, len) == 0)
            *ret_word = true;
        else
            r = networks_add(networks, p, len);
        if (r == -EINVAL) {
            snprintf(
                reterr, VALUE_ERROR_MAX,
                "\"%.*s\" is not a network such as 192.0.2.0/24 or 2001:db8::/32, with no bits "
                "set behind the prefix",
                (int)(len > 100 ? 100 : len), p);
            return r;
        }
        if (r == -E2BIG)
            return refuse(reterr, "too many networks");
        if (r < 0)
            return r;
        p += len;
    }
    return 0;
}
