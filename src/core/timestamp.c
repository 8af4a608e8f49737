/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A cursor runs over the text; each take_ function moves it over one part, or leaves it alone. */

#include "timestamp.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "duration.h"

/* Bytes of a time stamp that are looked at: the longest has some 40. */
#define STAMP_MAX 63

/* 9999-12-31, so that nothing overflows. */
#define LATEST_SEC INT64_C(253402300799)

struct date {
    struct tm tm;
    unsigned usec;
    bool has_zone;
    int zone_sec; /* east of Greenwich */
};

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekdays[] = "SunMonTueWedThuFriSat";

static bool take_char(const char **cursor, char c)
{
    if (**cursor != c)
        return false;
    (*cursor)++;
    return true;
}

/* Takes between `least` and `most` digits. */
static bool take_number(const char **cursor, int least, int most, int *ret)
{
    const char *p = *cursor;
    int value = 0, n = 0;

    for (; n < most && isdigit((unsigned char)p[n]); n++)
        value = 10 * value + (p[n] - '0');
    if (n < least)
        return false;
    *ret = value;
    *cursor = p + n;
    return true;
}

/* Takes a name of three letters; its place in the list, or -1. */
static int take_name(const char **cursor, const char *names)
{
    for (int i = 0; names[3 * i]; i++)
        if (strncmp(*cursor, names + 3 * i, 3) == 0) {
            *cursor += 3;
            return i;
        }
    return -1;
}

static bool take_fraction(const char **cursor, unsigned *ret_usec)
{
    unsigned usec = 0, scale = 100000;

    if (!isdigit((unsigned char)**cursor))
        return false;
    for (; isdigit((unsigned char)**cursor); (*cursor)++, scale /= 10)
        usec += scale * (unsigned)(**cursor - '0');
    *ret_usec = usec;
    return true;
}

/* HH:MM, and the rest if it is there. */
static bool take_time(const char **cursor, struct date *date)
{
    const char *p = *cursor;

    if (!take_number(&p, 1, 2, &date->tm.tm_hour) || !take_char(&p, ':') ||
        !take_number(&p, 2, 2, &date->tm.tm_min))
        return false;
    if (take_char(&p, ':')) {
        if (!take_number(&p, 2, 2, &date->tm.tm_sec))
            return false;
        if ((*p == '.' || *p == ',') && isdigit((unsigned char)p[1])) {
            p++;
            if (!take_fraction(&p, &date->usec))
                return false;
        }
    }
    *cursor = p;
    return date->tm.tm_hour < 24 && date->tm.tm_min < 60 && date->tm.tm_sec <= 60;
}

static bool take_zone(const char **cursor, struct date *date)
{
    const char *p = *cursor;
    int sign, hours, minutes = 0;

    date->has_zone = true;
    if (take_char(cursor, 'Z'))
        return true;
    sign = *p == '+' ? 1 : *p == '-' ? -1 : 0;
    date->has_zone = sign != 0;
    if (!date->has_zone)
        return true;
    p++;
    if (!take_number(&p, 2, 2, &hours))
        return false;
    (void)take_char(&p, ':');
    if (!take_number(&p, 2, 2, &minutes) || hours > 24 || minutes > 59)
        return false;
    date->zone_sec = sign * (hours * 3600 + minutes * 60);
    *cursor = p;
    return true;
}

static bool take_date(const char **cursor, struct date *date)
{
    const char *p = *cursor;
    int year, month;

    if (!take_number(&p, 4, 4, &year) || !take_char(&p, '-') || !take_number(&p, 2, 2, &month) ||
        !take_char(&p, '-') || !take_number(&p, 2, 2, &date->tm.tm_mday))
        return false;
    date->tm.tm_year = year - 1900;
    date->tm.tm_mon = month - 1;
    *cursor = p;
    return month >= 1 && month <= 12 && date->tm.tm_mday >= 1 && date->tm.tm_mday <= 31;
}

/* Refuses dates that mktime(3) would correct, "2026-02-30" among them. */
static bool is_same_day(const struct tm *a, const struct tm *b)
{
    return a->tm_year == b->tm_year && a->tm_mon == b->tm_mon && a->tm_mday == b->tm_mday;
}

static int date_to_usec(const struct date *date, uint64_t *ret_usec)
{
    struct tm tm = date->tm;
    time_t seconds;

    tm.tm_isdst = -1;
    seconds = date->has_zone ? timegm(&tm) : mktime(&tm);
    if (date->tm.tm_sec < 60 && !is_same_day(&tm, &date->tm))
        return -EINVAL;
    seconds -= date->zone_sec;
    if (seconds < 0 || seconds > LATEST_SEC)
        return -EINVAL;
    *ret_usec = (uint64_t)seconds * USEC_PER_SEC + date->usec;
    return 0;
}

/* The beginning of the local day, so many days from today. */
static struct date day_of(uint64_t now_usec, int days)
{
    struct date date = { 0 };
    time_t seconds = (time_t)(now_usec / USEC_PER_SEC);
    struct tm tm = { 0 };

    (void)localtime_r(&seconds, &tm);
    date.tm.tm_year = tm.tm_year;
    date.tm.tm_mon = tm.tm_mon;
    date.tm.tm_mday = tm.tm_mday + days;
    tm = date.tm;
    tm.tm_isdst = -1;
    (void)mktime(&tm);
    date.tm.tm_year = tm.tm_year;
    date.tm.tm_mon = tm.tm_mon;
    date.tm.tm_mday = tm.tm_mday;
    return date;
}

static int parse_word(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
    static const struct {
        const char *word;
        int days;
    } words[] = { { "today", 0 }, { "yesterday", -1 }, { "tomorrow", 1 } };

    if (strcmp(text, "now") == 0) {
        *ret_usec = now_usec;
        return 0;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(text, words[i].word) == 0) {
            struct date date = day_of(now_usec, words[i].days);

            return date_to_usec(&date, ret_usec);
        }
    return -EINVAL;
}

/* "-2h", "+5min", "2h ago", "2h left". */
static int parse_span(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
    char span[STAMP_MAX + 1];
    size_t len = strlen(text);
    bool past = text[0] == '-';
    uint64_t usec;

    if (len > STAMP_MAX)
        return -EINVAL;
    if (past || text[0] == '+') {
        memcpy(span, text + 1, len);
    } else if (len > 4 && strcmp(text + len - 4, " ago") == 0) {
        past = true;
        snprintf(span, sizeof(span), "%.*s", (int)(len - 4), text);
    } else if (len > 5 && strcmp(text + len - 5, " left") == 0) {
        snprintf(span, sizeof(span), "%.*s", (int)(len - 5), text);
    } else
        return -EINVAL;
    if (duration_parse(span, &usec) < 0)
        return -EINVAL;
    if (past)
        *ret_usec = now_usec > usec ? now_usec - usec : 0;
    else
        *ret_usec = now_usec + usec;
    return 0;
}

static int parse_epoch(const char *text, uint64_t *ret_usec)
{
    const char *p = text + 1;
    uint64_t seconds = 0;
    unsigned usec = 0;

    if (!isdigit((unsigned char)*p))
        return -EINVAL;
    for (; isdigit((unsigned char)*p); p++) {
        seconds = 10 * seconds + (uint64_t)(*p - '0');
        if (seconds > LATEST_SEC)
            return -EINVAL;
    }
    if (take_char(&p, '.') && !take_fraction(&p, &usec))
        return -EINVAL;
    if (*p)
        return -EINVAL;
    *ret_usec = seconds * USEC_PER_SEC + usec;
    return 0;
}

static int parse_date(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
    struct date date = day_of(now_usec, 0);
    int weekday = take_name(&text, weekdays), r;
    struct tm tm;

    if (weekday >= 0 && !take_char(&text, ' '))
        return -EINVAL;
    if (!take_date(&text, &date)) {
        if (weekday >= 0 || !take_time(&text, &date))
            return -EINVAL;
    } else if ((*text == ' ' || *text == 'T') && isdigit((unsigned char)text[1])) {
        text++;
        if (!take_time(&text, &date))
            return -EINVAL;
    }
    if (strcasecmp(text, " UTC") == 0) {
        date.has_zone = true;
        text += strlen(" UTC");
    } else if (!take_zone(&text, &date))
        return -EINVAL;
    r = *text ? -EINVAL : date_to_usec(&date, ret_usec);
    if (r < 0 || weekday < 0)
        return r;
    tm = date.tm;
    (void)timegm(&tm);
    return tm.tm_wday == weekday ? 0 : -EINVAL;
}

int timestamp_parse(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
    uint64_t usec;
    int r;

    if (text[0] == '@')
        r = parse_epoch(text, &usec);
    else
        r = parse_word(text, now_usec, &usec);
    if (r < 0)
        r = parse_span(text, now_usec, &usec);
    if (r < 0)
        r = parse_date(text, now_usec, &usec);
    if (r == 0)
        *ret_usec = usec;
    return r;
}

/* "Nov 22 09:17:33" has no year. A clock may be a little ahead, but not by a day. */
static int parse_syslog(const char **cursor, uint64_t now_usec, uint64_t *ret_usec)
{
    struct date today = day_of(now_usec, 0), date = { 0 };

    date.tm.tm_mon = take_name(cursor, months);
    if (date.tm.tm_mon < 0 || !take_char(cursor, ' '))
        return -EINVAL;
    (void)take_char(cursor, ' ');
    if (!take_number(cursor, 1, 2, &date.tm.tm_mday) || !take_char(cursor, ' ') ||
        !take_time(cursor, &date))
        return -EINVAL;
    /* Four years and one find a 29 February too. */
    for (int back = 0; back <= 8; back++) {
        date.tm.tm_year = today.tm.tm_year + 1 - back;
        if (date_to_usec(&date, ret_usec) == 0 && *ret_usec < now_usec + USEC_PER_DAY)
            return 0;
    }
    return -EINVAL;
}

static int parse_iso(const char **cursor, uint64_t *ret_usec)
{
    struct date date = { 0 };

    if (!take_date(cursor, &date) || !(take_char(cursor, 'T') || take_char(cursor, ' ')) ||
        !take_time(cursor, &date) || !take_zone(cursor, &date))
        return -EINVAL;
    return date_to_usec(&date, ret_usec);
}

size_t timestamp_parse_prefix(const char *line, size_t len, uint64_t now_usec, uint64_t *ret_usec)
{
    char text[STAMP_MAX + 1];
    const char *cursor = text;
    uint64_t usec;
    int r;

    snprintf(text, sizeof(text), "%.*s", (int)(len < STAMP_MAX ? len : STAMP_MAX), line);
    r = isdigit((unsigned char)text[0]) ? parse_iso(&cursor, &usec)
                                        : parse_syslog(&cursor, now_usec, &usec);
    if (r < 0 || *cursor != ' ')
        return 0;
    *ret_usec = usec;
    return (size_t)(cursor - text);
}
