/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The columns, one line each. A column says what a row has there, in a form that both renderings
 * and the sort understand, so that a new column is one function and one line. */

#include "column.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/duration.h"

static struct cell cell_text(const char *text)
{
    if (!text[0])
        return (struct cell){ CELL_NONE };
    return (struct cell){ CELL_TEXT, .text = text };
}

static struct cell address_cell(const struct row *row, uint64_t now_usec)
{
    return cell_text(row->address);
}

static struct cell user_cell(const struct row *row, uint64_t now_usec)
{
    return cell_text(row->record.user);
}

static struct cell rule_cell(const struct row *row, uint64_t now_usec)
{
    return cell_text(row->record.rule);
}

static struct cell last_cell(const struct row *row, uint64_t now_usec)
{
    return (struct cell){ CELL_PAST, .number = row->record.login_usec };
}

static struct cell left_cell(const struct row *row, uint64_t now_usec)
{
    uint64_t expires = row->record.expires_usec;

    return (struct cell){ CELL_LEFT, .number = expires > now_usec ? expires - now_usec : 0,
                          .is_held = row->record.sessions > 0 };
}

static struct cell sessions_cell(const struct row *row, uint64_t now_usec)
{
    return (struct cell){ CELL_COUNT, .number = row->record.sessions };
}

static struct cell expires_cell(const struct row *row, uint64_t now_usec)
{
    return (struct cell){ CELL_TIME, .number = row->record.expires_usec };
}

static struct cell login_cell(const struct row *row, uint64_t now_usec)
{
    return (struct cell){ CELL_TIME, .number = row->record.login_usec };
}

/* LAST and LOGIN are two looks at one time, and therefore one key. */
static const struct column all_columns[] = {
    { "ADDRESS", "address", "the client's address, or its IPv6 network", .cell = address_cell },
    { "USER", "user", "who logged in", .wraps = true, .cell = user_cell },
    { "RULE", "rule", "the rule that recognised the login", .cell = rule_cell },
    { "LAST", "login_usec", "time since the latest login", .cell = last_cell },
    { "LEFT", "left_usec", "time until the address is no longer allowed", .cell = left_cell },
    { "SESSIONS", "sessions", "number of open sessions", .right = true, .cell = sessions_cell },
    { "EXPIRES", "expires_usec", "when the address is no longer allowed", .cell = expires_cell },
    { "LOGIN", "login_usec", "when the latest login was", .cell = login_cell },
};

const struct column *column_at(size_t i)
{
    return i < sizeof(all_columns) / sizeof(all_columns[0]) ? &all_columns[i] : NULL;
}

const struct column *column_find(const char *name, size_t len)
{
    const struct column *column;

    for (size_t i = 0; (column = column_at(i)); i++)
        if (strlen(column->name) == len && strncasecmp(column->name, name, len) == 0)
            return column;
    return NULL;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int column_compare(const struct column *column, const struct row *a, const struct row *b,
                   uint64_t now_usec)
{
    struct cell x, y;

    /* Text order would put 192.0.2.10 before 192.0.2.9. */
    if (column->cell == address_cell)
        return addr_compare(&a->addr, &b->addr);
    x = column->cell(a, now_usec);
    y = column->cell(b, now_usec);
    if (x.kind == CELL_TEXT && y.kind == CELL_TEXT)
        return strcmp(x.text, y.text);
    if (x.kind != y.kind)
        return compare_numbers(x.kind, y.kind);
    return compare_numbers(x.number, y.number);
}

/* As systemctl shows times: local zone, English names whatever the locale. The program leaves
 * LC_TIME at "C" for this. */
static void format_time(uint64_t usec, char *ret, size_t size)
{
    time_t seconds = (time_t)(usec / USEC_PER_SEC);
    struct tm tm;

    if (!localtime_r(&seconds, &tm) || strftime(ret, size, "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
        snprintf(ret, size, "@%" PRIu64, usec / USEC_PER_SEC);
}

static void format_span(const char *before, uint64_t usec, const char *after, char *ret)
{
    char span[DURATION_TEXT_MAX];

    snprintf(ret, CELL_TEXT_MAX, "%s%s%s", before, duration_format_short(usec, span), after);
}

const char *cell_format(const struct cell *cell, uint64_t now_usec, char ret[static CELL_TEXT_MAX])
{
    switch (cell->kind) {
    case CELL_NONE:
        snprintf(ret, CELL_TEXT_MAX, "-");
        break;
    case CELL_TEXT:
        snprintf(ret, CELL_TEXT_MAX, "%s", cell->text);
        break;
    case CELL_COUNT:
        snprintf(ret, CELL_TEXT_MAX, "%" PRIu64, cell->number);
        break;
    case CELL_TIME:
        format_time(cell->number, ret, CELL_TEXT_MAX);
        break;
    case CELL_PAST:
        /* A login in the future means that the clock was set back since. */
        format_span("", now_usec > cell->number ? now_usec - cell->number : 0, " ago", ret);
        break;
    case CELL_LEFT:
        format_span(cell->is_held ? "held (cap " : "", cell->number,
                    cell->is_held ? " left)" : " left", ret);
        break;
    }
    return ret;
}

int columns_parse(const char *text, struct columns *ret)
{
    struct columns columns = { 0 };

    if (*text == '+') {
        columns = *ret;
        text++;
    }
    for (;;) {
        size_t len = strcspn(text, ",");
        const struct column *column = column_find(text, len);

        if (!column)
            return -EINVAL;
        if (columns.count == COLUMNS_MAX)
            return -E2BIG;
        columns.column[columns.count++] = column;
        if (!text[len])
            break;
        text += len + 1;
    }
    *ret = columns;
    return 0;
}
