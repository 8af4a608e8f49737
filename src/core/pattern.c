/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Patterns, on PCRE2's interpreter. No JIT: it needs writable and executable memory, which the
 * units forbid, and login rates do not need it. No UTF: user names need not be UTF-8, and a subject
 * that is not would make the match fail. */

#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "limits.h"
#include "pattern-private.h"

/* PCRE2 counts steps anew at each place where a match may begin: with a limit for each, a pattern
 * that is not anchored could take thousands of times as many. Such a pattern is compiled with a
 * callout before each of its parts, and these are counted over the whole match. */
#define COUNTED_OPTIONS (PATTERN_OPTIONS | PCRE2_AUTO_CALLOUT)

/* Bytes that a part such as "\S+" may look at for the price of a step. It looks at most of what is
 * left, at each place once more. */
#define BYTES_PER_STEP 16

/* PCRE2 numbers groups from 1; several may have one name under (?J). */
#define NUMBERS_MAX 8

struct pattern {
    char *text;
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    unsigned char numbers[_PATTERN_GROUP_MAX][NUMBERS_MAX]; /* ends with 0 if not full */
};

static const char *const group_names[_PATTERN_GROUP_MAX] = {
    [PATTERN_ADDR] = "addr",
    [PATTERN_USER] = "user",
    [PATTERN_SESSION] = "session",
};

struct pattern *pattern_free(struct pattern *pattern)
{
    if (pattern) {
        pcre2_match_context_free(pattern->context);
        pcre2_match_data_free(pattern->data);
        pcre2_code_free(pattern->code);
        free(pattern->text);
    }
    free(pattern);
    return NULL;
}

static int add_group(struct pattern *pattern, const char *name, unsigned number,
                     char reterr[static PATTERN_ERROR_MAX])
{
    for (size_t i = 0; i < _PATTERN_GROUP_MAX; i++) {
        if (strcmp(name, group_names[i]) != 0)
            continue;
        for (size_t k = 0; k < NUMBERS_MAX; k++) {
            if (pattern->numbers[i][k] != 0)
                continue;
            if (number > UINT8_MAX)
                break;
            pattern->numbers[i][k] = (unsigned char)number;
            return 0;
        }
        snprintf(reterr, PATTERN_ERROR_MAX, "too many groups named \"%s\"", name);
        return -EINVAL;
    }
    snprintf(reterr, PATTERN_ERROR_MAX,
             "unknown group \"%s\"; there are \"addr\", \"user\" and \"session\"", name);
    return -EINVAL;
}

/* PCRE2's name table has fixed-size entries: two bytes with the number, the name, a NUL. */
static int find_groups(struct pattern *pattern, char reterr[static PATTERN_ERROR_MAX])
{
    uint32_t count = 0, size = 0;
    PCRE2_SPTR table = NULL;

    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMECOUNT, &count);
    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count; i++, table += size) {
        int r = add_group(pattern, (const char *)table + 2, (unsigned)(table[0] << 8 | table[1]),
                          reterr);

        if (r < 0)
            return r;
    }
    return 0;
}

static bool is_anchored(const pcre2_code *code)
{
    uint32_t options = 0;

    (void)pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
    return options & PCRE2_ANCHORED;
}

static int compile_code(const char *text, uint32_t options, pcre2_code **ret,
                        char reterr[static PATTERN_ERROR_MAX])
{
    int error;
    size_t offset, used;

    if (strlen(text) > PATTERN_MAX) {
        snprintf(reterr, PATTERN_ERROR_MAX, "longer than %d bytes", PATTERN_MAX);
        return -EINVAL;
    }
    *ret = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &error, &offset, NULL);
    if (*ret)
        return 0;
    used = (size_t)snprintf(reterr, PATTERN_ERROR_MAX, "at byte %zu: ", offset);
    (void)pcre2_get_error_message(error, (PCRE2_UCHAR *)reterr + used, PATTERN_ERROR_MAX - used);
    return -EINVAL;
}

/* Behind the bracket that ends a class; `text` begins with the one that begins it. */
static const char *skip_class(const char *text)
{
    const char *p = text + 1 + (text[1] == '^');

    if (*p == ']')
        p++;
    while (*p && *p != ']') {
        const char *posix = p[0] == '[' && p[1] == ':' ? strstr(p, ":]") : NULL;

        p += posix ? posix + 2 - p : 1 + (p[0] == '\\' && p[1]);
    }
    return *p ? p + 1 : p;
}

static bool is_known_group(const char *name, size_t len)
{
    for (size_t i = 0; i < _PATTERN_GROUP_MAX; i++)
        if (strlen(group_names[i]) == len && memcmp(name, group_names[i], len) == 0)
            return true;
    return false;
}

/* The name behind "(?<", "(?P<" or "(?'"; NULL if no such group begins here. */
static const char *group_name_at(const char *text)
{
    if (strncmp(text, "(?P<", 4) == 0)
        return text + 4;
    if (strncmp(text, "(?'", 3) == 0)
        return text + 3;
    return strncmp(text, "(?<", 3) == 0 && text[3] != '=' && text[3] != '!' ? text + 3 : NULL;
}

static bool find_unknown_group(const char *text, size_t *ret)
{
    const char *p = text;

    while (*p) {
        const char *name = group_name_at(p);

        if (name && !is_known_group(name, strcspn(name, ">'"))) {
            *ret = (size_t)(name - text);
            return true;
        }
        if (*p == '[')
            p = skip_class(p);
        else
            p += 1 + (p[0] == '\\' && p[1]);
    }
    return false;
}

bool pattern_find_error(const char *text, size_t *ret)
{
    int error;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PATTERN_OPTIONS, &error, ret, NULL);

    pcre2_code_free(code);
    return !code || find_unknown_group(text, ret);
}

pcre2_match_context *pattern_new_context(void)
{
    pcre2_match_context *context = pcre2_match_context_create(NULL);

    if (!context)
        return NULL;
    (void)pcre2_set_match_limit(context, PATTERN_MATCH_LIMIT);
    (void)pcre2_set_depth_limit(context, PATTERN_DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(context, PATTERN_HEAP_KIB);
    return context;
}

int pattern_compile(const char *text, struct pattern **ret, char reterr[static PATTERN_ERROR_MAX])
{
    _cleanup_(pattern_freep) struct pattern *pattern = calloc(1, sizeof(*pattern));
    int r;

    if (!pattern)
        return -ENOMEM;
    r = compile_code(text, PATTERN_OPTIONS, &pattern->code, reterr);
    if (r == 0 && !is_anchored(pattern->code)) {
        pcre2_code_free(TAKE_PTR(pattern->code));
        r = compile_code(text, COUNTED_OPTIONS, &pattern->code, reterr);
    }
    if (r < 0)
        return r;
    pattern->text = strdup(text);
    if (!pattern->text)
        return -ENOMEM;
    r = find_groups(pattern, reterr);
    if (r < 0)
        return r;
    pattern->data = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    pattern->context = pattern_new_context();
    if (!pattern->data || !pattern->context)
        return -ENOMEM;
    *ret = TAKE_PTR(pattern);
    return 0;
}

const char *pattern_text(const struct pattern *pattern)
{
    return pattern->text;
}

bool pattern_has_group(const struct pattern *pattern, enum pattern_group group)
{
    return pattern->numbers[group][0] != 0;
}

/* Of several groups with one name, the one that took part. */
static struct pattern_span find_span(const struct pattern *pattern, enum pattern_group group,
                                     const char *subject)
{
    const size_t *offsets = pcre2_get_ovector_pointer(pattern->data);

    for (size_t k = 0; k < NUMBERS_MAX && pattern->numbers[group][k] != 0; k++) {
        size_t start = offsets[2 * pattern->numbers[group][k]];
        size_t end = offsets[2 * pattern->numbers[group][k] + 1];

        /* \K inside a lookahead can put a start behind its end. */
        if (start != PCRE2_UNSET && start <= end)
            return (struct pattern_span){ subject + start, end - start };
    }
    return (struct pattern_span){ NULL, 0 };
}

static int count_step(pcre2_callout_block *block, void *userdata)
{
    size_t *left = userdata, price = 1;

    if (block->callout_flags & PCRE2_CALLOUT_STARTMATCH)
        price += (block->subject_length - block->start_match) / BYTES_PER_STEP;
    if (price > *left)
        return PCRE2_ERROR_MATCHLIMIT;
    *left -= price;
    return 0;
}

enum pattern_result pattern_match(const struct pattern *pattern, const char *subject, size_t len,
                                  struct pattern_captures *ret)
{
    size_t left = PATTERN_MATCH_LIMIT;
    int r;

    (void)pcre2_set_callout(pattern->context, count_step, &left);
    r = pcre2_match(pattern->code, (PCRE2_SPTR)subject, len, 0, 0, pattern->data, pattern->context);
    if (r == PCRE2_ERROR_NOMATCH)
        return PATTERN_DIFFERS;
    if (r < 0)
        return PATTERN_GAVE_UP;
    for (size_t i = 0; i < _PATTERN_GROUP_MAX; i++)
        ret->group[i] = find_span(pattern, (enum pattern_group)i, subject);
    return PATTERN_MATCHES;
}
