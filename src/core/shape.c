/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What varies from one message of a kind to the next is what somebody's address, name, number or id
 * is; it stands in places that look alike in the logs of all servers. */

#include "shape.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "addr.h"
#include "limits.h"
#include "text.h"

struct folder {
    const char *text, *end;
    const char *start;
    char out[SHAPE_MAX];
    size_t len;
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static void put(struct folder *folder, const char *text, size_t len)
{
    if (len > sizeof(folder->out) - folder->len)
        len = sizeof(folder->out) - folder->len;
    memcpy(folder->out + folder->len, text, len);
    folder->len += len;
}

static bool begins_word(const struct folder *folder)
{
    return folder->text == folder->start || !is_word(folder->text[-1]);
}

/* The bracket that closes the one at the start, of the same kind; NULL if there is none. */
static const char *find_closing(const char *text, const char *end, char opening, char closing)
{
    size_t depth = 0;

    for (; text < end; text++) {
        if (*text == closing && (depth == 1 || opening == closing) && depth > 0)
            return text;
        if (*text == opening)
            depth++;
        else if (*text == closing)
            depth--;
    }
    return NULL;
}

/* "(...)" and the like. An apostrophe within a word quotes nothing. */
static bool fold_quoted(struct folder *folder)
{
    static const char *const pairs[] = { "()", "[]", "{}", "<>", "\"\"", "''", "``" };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const char *closing;

        if (*folder->text != pairs[i][0] || (pairs[i][0] == '\'' && !begins_word(folder)))
            continue;
        closing = find_closing(folder->text, folder->end, pairs[i][0], pairs[i][1]);
        if (!closing)
            return false;
        put(folder, &pairs[i][0], 1);
        put(folder, "...", closing > folder->text + 1 ? 3 : 0);
        put(folder, &pairs[i][1], 1);
        folder->text = closing + 1;
        return true;
    }
    return false;
}

/* The length of the address literal at the start, 0 if there is none. */
static size_t measure_addr(const struct folder *folder)
{
    size_t len = 0, most = (size_t)(folder->end - folder->text);
    struct addr addr;

    if (!begins_word(folder))
        return 0;
    while (len < most && len < INET6_ADDRSTRLEN &&
           (isxdigit((unsigned char)folder->text[len]) || folder->text[len] == ':' ||
            folder->text[len] == '.'))
        len++;
    for (; len >= 2; len--)
        if ((len == most || !is_word(folder->text[len])) &&
            addr_parse(folder->text, len, &addr) == 0)
            return len;
    return 0;
}

static bool fold_addr(struct folder *folder)
{
    size_t len = measure_addr(folder);

    if (len == 0)
        return false;
    put(folder, "ADDR", 4);
    folder->text += len;
    return true;
}

/* A word whose letters and digits alternate like those of an id, or a mailbox's name. */
static bool fold_word(struct folder *folder)
{
    const char *end = folder->text;
    size_t turns = 0;
    bool has_at = false;

    if (!begins_word(folder) || !is_word(*folder->text))
        return false;
    while (end < folder->end && (is_word(*end) || strchr("@.+-", *end)) && *end) {
        has_at |= *end == '@';
        turns += end > folder->text && isdigit((unsigned char)end[-1]) != 0 &&
                 isalpha((unsigned char)*end);
        turns += end > folder->text && isalpha((unsigned char)end[-1]) != 0 &&
                 isdigit((unsigned char)*end);
        end++;
    }
    if (!has_at && turns < 4)
        return false;
    put(folder, has_at ? "...@..." : "N", has_at ? 7 : 1);
    folder->text = end;
    return true;
}

/* What follows "=" up to a blank or comma, if it is neither a number nor an address. */
static bool fold_value(struct folder *folder)
{
    const char *end = folder->text;

    if (folder->text == folder->start || folder->text[-1] != '=')
        return false;
    while (end < folder->end && !isspace((unsigned char)*end) && !strchr(",;)]>\"", *end))
        end++;
    if (end == folder->text || strchr("<[({\"'", *folder->text) || measure_addr(folder) > 0 ||
        isdigit((unsigned char)*folder->text))
        return false;
    put(folder, "...", 3);
    folder->text = end;
    return true;
}

static bool fold_number(struct folder *folder)
{
    if (!isdigit((unsigned char)*folder->text))
        return false;
    while (folder->text < folder->end && isdigit((unsigned char)*folder->text))
        folder->text++;
    put(folder, "N", 1);
    return true;
}

static bool fold_blanks(struct folder *folder)
{
    if (!isspace((unsigned char)*folder->text))
        return false;
    while (folder->text < folder->end && isspace((unsigned char)*folder->text))
        folder->text++;
    if (folder->len > 0 && folder->text < folder->end)
        put(folder, " ", 1);
    return true;
}

size_t shape_fold(const void *data, size_t len, char ret[static SHAPE_MAX])
{
    struct folder folder = { .text = data, .start = data };

    folder.end = folder.text + (len < MESSAGE_MAX ? len : MESSAGE_MAX);
    while (folder.text < folder.end && folder.len < sizeof(folder.out)) {
        if (fold_blanks(&folder) || fold_quoted(&folder) || fold_addr(&folder) ||
            fold_value(&folder) || fold_word(&folder) || fold_number(&folder))
            continue;
        put(&folder, folder.text++, 1);
    }
    return text_sanitise(folder.out, folder.len, ret, SHAPE_MAX);
}
