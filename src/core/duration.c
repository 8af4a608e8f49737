/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Time spans as systemd writes them. */

#include "duration.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DURATION_MAX (36525 * USEC_PER_DAY)

static const struct {
    const char *name;
    uint64_t usec;
} units[] = {
    { "weeks", 7 * USEC_PER_DAY },
    { "week", 7 * USEC_PER_DAY },
    { "w", 7 * USEC_PER_DAY },
    { "days", USEC_PER_DAY },
    { "day", USEC_PER_DAY },
    { "d", USEC_PER_DAY },
    { "hours", USEC_PER_HOUR },
    { "hour", USEC_PER_HOUR },
    { "hr", USEC_PER_HOUR },
    { "h", USEC_PER_HOUR },
    { "minutes", USEC_PER_MIN },
    { "minute", USEC_PER_MIN },
    { "min", USEC_PER_MIN },
    { "m", USEC_PER_MIN },
    { "seconds", USEC_PER_SEC },
    { "second", USEC_PER_SEC },
    { "sec", USEC_PER_SEC },
    { "s", USEC_PER_SEC },
    { "msec", USEC_PER_SEC / 1000 },
    { "ms", USEC_PER_SEC / 1000 },
    { "usec", 1 },
    { "us", 1 },
};

/* A bare number counts seconds. */
static uint64_t unit_usec(const char *name, size_t len)
{
    if (len == 0)
        return USEC_PER_SEC;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strlen(units[i].name) == len && memcmp(units[i].name, name, len) == 0)
            return units[i].usec;
    return 0;
}

int duration_parse(const char *text, uint64_t *ret_usec)
{
    uint64_t sum = 0;
    const char *p = text + strspn(text, " \t");

    if (!*p)
        return -EINVAL;
    while (*p) {
        uint64_t number = 0, unit;
        const char *start = p, *name;

        for (; isdigit((unsigned char)*p); p++) {
            if (number > DURATION_MAX)
                return -ERANGE;
            number = number * 10 + (uint64_t)(*p - '0');
        }
        if (p == start)
            return -EINVAL;
        p += strspn(p, " \t");
        for (name = p; isalpha((unsigned char)*p); p++)
            ;
        unit = unit_usec(name, (size_t)(p - name));
        if (unit == 0)
            return -EINVAL;
        if (number > DURATION_MAX / unit || number * unit > DURATION_MAX - sum)
            return -ERANGE;
        sum += number * unit;
        p += strspn(p, " \t");
    }
    *ret_usec = sum;
    return 0;
}

static const char *format(uint64_t usec, unsigned most_units, char ret[static DURATION_TEXT_MAX])
{
    static const struct {
        const char *name;
        uint64_t usec;
    } shown[] = {
        { "d", USEC_PER_DAY }, { "h", USEC_PER_HOUR },        { "min", USEC_PER_MIN },
        { "s", USEC_PER_SEC }, { "ms", USEC_PER_SEC / 1000 }, { "us", 1 },
    };
    size_t used = 0;

    ret[0] = 0;
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]) && most_units > 0; i++) {
        if (usec < shown[i].usec)
            continue;
        used += (size_t)snprintf(ret + used, DURATION_TEXT_MAX - used, "%s%" PRIu64 "%s",
                                 used > 0 ? " " : "", usec / shown[i].usec, shown[i].name);
        usec %= shown[i].usec;
        most_units--;
    }
    if (used == 0)
        snprintf(ret, DURATION_TEXT_MAX, "0s");
    return ret;
}

const char *duration_format(uint64_t usec, char ret[static DURATION_TEXT_MAX])
{
    return format(usec, UINT_FAST8_MAX, ret);
}

const char *duration_format_short(uint64_t usec, char ret[static DURATION_TEXT_MAX])
{
    return format(usec - usec % USEC_PER_SEC, 2, ret);
}
