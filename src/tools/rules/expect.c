/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two lists of events, compared in order; the difference that is printed is the shortest one. */

#include "expect.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/text.h"

/* Bounds the table in memory; what both lists begin and end with is not in it. */
#define CELLS_MAX (UINT64_C(16) << 20)

/* Unchanged events shown around a change. */
#define CONTEXT 2

struct happening {
    char *text; /* the whole line, for printing: safe to show */
    bool is_login;
    char *address, *user, *message;
    size_t message_len;
};

struct list {
    struct happening *item;
    size_t count;
};

struct expect {
    char *path;
    struct list wanted, got;
};

static void happening_clear(struct happening *item)
{
    free(item->text);
    free(item->address);
    free(item->user);
    free(item->message);
}

static void list_clear(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        happening_clear(&list->item[i]);
    free(list->item);
}

struct expect *expect_free(struct expect *expect)
{
    if (!expect)
        return NULL;
    list_clear(&expect->wanted);
    list_clear(&expect->got);
    free(expect->path);
    free(expect);
    return NULL;
}

/* Reads "\x09" and "\x0a" back, in place; returns the length. */
static size_t unescape(char *text, size_t len)
{
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        if (len - i >= 4 && memcmp(text + i, "\\x09", 4) == 0) {
            text[used++] = '\t';
            i += 3;
        } else if (len - i >= 4 && memcmp(text + i, "\\x0a", 4) == 0) {
            text[used++] = '\n';
            i += 3;
        } else
            text[used++] = text[i];
    }
    return used;
}

static char *copy_bytes(const void *data, size_t len)
{
    char *copy = malloc(len + 1);

    if (copy) {
        memcpy(copy, data, len);
        copy[len] = 0;
    }
    return copy;
}

/* Users are compared as they are kept: safe to show. */
static char *copy_user(const void *data, size_t len)
{
    char user[USER_MAX + 1];

    text_sanitise(data, len, user, sizeof(user));
    return strdup(user);
}

/* What is printed of it; the message's first bytes tell which one it is. */
static char *describe(const struct happening *item)
{
    char message[300], *text;

    text_sanitise(item->message, item->message_len, message, sizeof(message));
    if (asprintf(&text, "%s  %s  %s  %s", item->is_login ? "login" : "logout", item->address,
                 item->user, message) < 0)
        return NULL;
    return text;
}

/* Adds it to the list, or frees it. */
static int finish(struct list *list, struct happening *item)
{
    struct happening *grown = reallocarray(list->item, list->count + 1, sizeof(*grown));

    if (grown)
        list->item = grown;
    if (grown && item->address && item->user && item->message)
        item->text = describe(item);
    if (!item->text) {
        happening_clear(item);
        return -ENOMEM;
    }
    list->item[list->count++] = *item;
    return 0;
}

/* Splits the line in four. */
static int read_line(struct list *list, char *line, size_t len)
{
    struct happening item = { 0 };
    char *field[4] = { line };
    size_t size[4], user_len;

    for (int i = 0; i < 3; i++) {
        char *tab = memchr(field[i], '\t', (size_t)(line + len - field[i]));

        if (!tab)
            return -EBADMSG;
        size[i] = (size_t)(tab - field[i]);
        field[i + 1] = tab + 1;
    }
    size[3] = (size_t)(line + len - field[3]);
    item.is_login = size[0] == 5 && memcmp(field[0], "login", 5) == 0;
    if (!item.is_login && !(size[0] == 6 && memcmp(field[0], "logout", 6) == 0))
        return -EBADMSG;
    item.address = copy_bytes(field[1], size[1]);
    user_len = unescape(field[2], size[2]);
    item.user = copy_user(field[2], user_len);
    item.message_len = unescape(field[3], size[3]);
    item.message = copy_bytes(field[3], item.message_len);
    return finish(list, &item);
}

int expect_read(const char *path, struct expect **ret, unsigned *reterr_line)
{
    _cleanup_(expect_freep) struct expect *expect = calloc(1, sizeof(*expect));
    _cleanup_(fclosep) FILE *file = fopen(path, "re");
    _cleanup_(freep) char *line = NULL;
    size_t size = 0;
    ssize_t len;

    if (!file)
        return -errno;
    if (!expect)
        return -ENOMEM;
    expect->path = strdup(path);
    if (!expect->path)
        return -ENOMEM;
    for (*reterr_line = 1; (len = getline(&line, &size, file)) >= 0; (*reterr_line)++) {
        int r;

        if (len > 0 && line[len - 1] == '\n')
            len--;
        if (len == 0 || line[0] == '#')
            continue;
        r = read_line(&expect->wanted, line, (size_t)len);
        if (r < 0)
            return r;
    }
    if (ferror(file))
        return -errno;
    *ret = TAKE_PTR(expect);
    return 0;
}

int expect_add(struct expect *expect, const struct outcome *outcome, const struct entry *entry)
{
    struct happening item = { .is_login = outcome->event.kind == EVENT_LOGIN };
    char address[ADDR_TEXT_MAX] = "-";
    const void *message = "";
    struct addr addr;
    size_t len = 0;

    if (outcome_addr(outcome, &addr))
        addr_format(&addr, address);
    if (entry->get(entry, "MESSAGE", &message, &len) < 0)
        len = 0;
    item.address = strdup(address);
    item.user = copy_user(outcome_user(outcome), strlen(outcome_user(outcome)));
    item.message = copy_bytes(message, len);
    item.message_len = len;
    return finish(&expect->got, &item);
}

static bool is_optional(const struct happening *wanted)
{
    return strcmp(wanted->address, "-") == 0;
}

static bool is_same(const struct happening *wanted, const struct happening *got)
{
    return wanted->is_login == got->is_login && wanted->message_len == got->message_len &&
           memcmp(wanted->message, got->message, got->message_len) == 0 &&
           (is_optional(wanted) || strcmp(wanted->address, got->address) == 0) &&
           (strcmp(wanted->user, got->user) == 0 || strcmp(wanted->user, "-") == 0);
}

/* What is left of both lists, between what both begin and end with. */
struct middle {
    size_t wanted, got; /* where it begins */
    size_t wanted_count, got_count;
};

static bool is_certain(const struct expect *expect, size_t wanted, size_t got)
{
    return !is_optional(&expect->wanted.item[wanted]) &&
           is_same(&expect->wanted.item[wanted], &expect->got.item[got]);
}

static struct middle find_middle(const struct expect *expect)
{
    size_t wanted = expect->wanted.count, got = expect->got.count, begin = 0;

    while (begin < wanted && begin < got && is_certain(expect, begin, begin))
        begin++;
    while (wanted > begin && got > begin && is_certain(expect, wanted - 1, got - 1)) {
        wanted--;
        got--;
    }
    return (struct middle){ begin, begin, wanted - begin, got - begin };
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* cost[w * (got_count + 1) + g] is how many lines it takes to tell the rest of the lists apart,
 * from the w-th wanted and the g-th found event on. */
static unsigned *find_costs(const struct expect *expect, const struct middle *middle)
{
    size_t width = middle->got_count + 1;
    unsigned *cost = calloc((middle->wanted_count + 1) * width, sizeof(*cost));

    if (!cost)
        return NULL;
    for (size_t w = middle->wanted_count + 1; w-- > 0;)
        for (size_t g = width; g-- > 0;) {
            const struct happening *wanted = &expect->wanted.item[middle->wanted + w];
            unsigned best = UINT_MAX;

            if (w < middle->wanted_count)
                best = cost[(w + 1) * width + g] + !is_optional(wanted);
            if (g < middle->got_count)
                best = least(best, cost[w * width + g + 1] + 1);
            if (w < middle->wanted_count && g < middle->got_count &&
                is_same(wanted, &expect->got.item[middle->got + g]))
                best = least(best, cost[(w + 1) * width + g + 1]);
            cost[w * width + g] = best == UINT_MAX ? 0 : best;
        }
    return cost;
}

struct printer {
    const struct expect *expect;
    FILE *file;
    size_t shown; /* wanted events up to here are printed, or too far from a change */
    size_t after; /* unchanged events to be printed yet */
    bool differs;
};

static void print_line(struct printer *printer, char mark, const struct happening *item)
{
    fprintf(printer->file, "%c%s\n", mark, item->text);
}

/* The head, and the events right before a change. */
static void print_before(struct printer *printer, size_t wanted)
{
    size_t from = wanted > printer->shown + CONTEXT ? wanted - CONTEXT : printer->shown;

    if (!printer->differs)
        fprintf(printer->file, "--- %s\n+++ the rules\n", printer->expect->path);
    if (from > printer->shown || !printer->differs)
        fprintf(printer->file, "@@ event %zu @@\n", from + 1);
    for (; from < wanted; from++)
        print_line(printer, ' ', &printer->expect->wanted.item[from]);
    printer->shown = wanted;
    printer->differs = true;
    printer->after = CONTEXT;
}

static void print_missing(struct printer *printer, size_t wanted)
{
    const struct happening *item = &printer->expect->wanted.item[wanted];

    if (is_optional(item))
        return;
    print_before(printer, wanted);
    print_line(printer, '-', item);
    printer->shown = wanted + 1;
}

static void print_extra(struct printer *printer, size_t wanted, size_t got)
{
    print_before(printer, wanted);
    print_line(printer, '+', &printer->expect->got.item[got]);
}

static void pass(struct printer *printer, size_t wanted)
{
    if (printer->after == 0)
        return;
    print_line(printer, ' ', &printer->expect->wanted.item[wanted]);
    printer->shown = wanted + 1;
    printer->after--;
}

/* Walks along the cheapest way; what is missing comes before what is too much. */
static void print_middle(struct printer *printer, const struct middle *middle, const unsigned *cost)
{
    const struct expect *expect = printer->expect;
    size_t width = middle->got_count + 1, w = 0, g = 0;

    while (w < middle->wanted_count || g < middle->got_count) {
        size_t wanted = middle->wanted + w, got = middle->got + g;
        unsigned here = cost[w * width + g];

        if (w < middle->wanted_count && g < middle->got_count &&
            cost[(w + 1) * width + g + 1] == here &&
            is_same(&expect->wanted.item[wanted], &expect->got.item[got])) {
            pass(printer, wanted);
            w++;
            g++;
        } else if (w < middle->wanted_count &&
                   cost[(w + 1) * width + g] + !is_optional(&expect->wanted.item[wanted]) == here) {
            print_missing(printer, wanted);
            w++;
        } else {
            print_extra(printer, wanted, got);
            g++;
        }
    }
}

int expect_print(const struct expect *expect, FILE *file)
{
    struct middle middle = find_middle(expect);
    struct printer printer = { .expect = expect, .file = file };
    _cleanup_(freep) unsigned *cost = NULL;

    if (middle.wanted_count + 1 > CELLS_MAX / (middle.got_count + 1))
        return -E2BIG;
    cost = find_costs(expect, &middle);
    if (!cost)
        return -ENOMEM;
    print_middle(&printer, &middle, cost);
    for (size_t w = middle.wanted + middle.wanted_count; w < expect->wanted.count; w++)
        pass(&printer, w);
    return printer.differs;
}
