/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The syntax of pcre2pattern(3), as far as it describes regular expressions. What one byte of a
 * message can be matched by is kept as a set, so that "x", "\x78", "[w-y]" and "." are one kind of
 * part to whoever works with them. regex-class.c reads those sets. */

#include "regex-scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regex-class.h"

/* PCRE2 does not compile deeper nesting than 250. */
#define NESTING_MAX 256

struct scanner {
    const char *text;
    size_t at;
    struct regex_flags flags;
    struct regex *regex;
    size_t depth, lookarounds;
    struct {
        size_t open;
        struct regex_flags flags; /* a group's options end with it */
    } stack[NESTING_MAX];
};

struct regex *regex_free(struct regex *regex)
{
    if (regex)
        free(regex->token);
    free(regex);
    return NULL;
}

static struct regex_token *add(struct scanner *scanner, enum regex_kind kind, size_t len)
{
    struct regex_token *token = &scanner->regex->token[scanner->regex->count++];

    *token = (struct regex_token){
        .kind = kind,
        .start = scanner->at,
        .len = len,
        .end = scanner->at + len,
        .least = 1,
        .most = 1,
        .name = _PATTERN_GROUP_MAX,
        .in_lookaround = scanner->lookarounds > 0,
    };
    scanner->at += len;
    return token;
}

static bool skip_number(const char **p, uint32_t *ret)
{
    uint32_t number = 0;

    if (!isdigit((unsigned char)**p))
        return false;
    for (; isdigit((unsigned char)**p); ++*p)
        number = number < 65536 ? number * 10 + (uint32_t)(**p - '0') : number;
    *ret = number;
    return true;
}

/* "{n}", "{n,}" or "{n,m}"; what looks otherwise is literal text. */
static size_t read_braces(const char *text, uint32_t *ret_least, uint32_t *ret_most)
{
    const char *p = text + 1;

    if (!skip_number(&p, ret_least))
        return 0;
    *ret_most = *ret_least;
    if (*p == ',') {
        p++;
        *ret_most = REGEX_MANY;
        (void)skip_number(&p, ret_most);
    }
    return *p == '}' ? (size_t)(p + 1 - text) : 0;
}

static size_t read_quantifier(const char *text, uint32_t *ret_least, uint32_t *ret_most)
{
    *ret_least = *text == '+';
    *ret_most = *text == '?' ? 1 : REGEX_MANY;
    if (*text == '*' || *text == '+' || *text == '?')
        return 1;
    return *text == '{' ? read_braces(text, ret_least, ret_most) : 0;
}

/* Under (?x), blanks and comments mean nothing outside classes. */
static void skip_extended(struct scanner *scanner)
{
    while (scanner->flags.extended && scanner->text[scanner->at]) {
        char c = scanner->text[scanner->at];

        if (c == '#')
            scanner->at += strcspn(scanner->text + scanner->at, "\n");
        else if (c == ' ' || (c >= '\t' && c <= '\r'))
            scanner->at++;
        else
            break;
    }
}

static void quantify(struct scanner *scanner, struct regex_token *token)
{
    size_t before = scanner->at, len;
    uint32_t least, most;

    skip_extended(scanner);
    len = read_quantifier(scanner->text + scanner->at, &least, &most);
    if (len == 0) {
        scanner->at = before;
        return;
    }
    scanner->at += len;
    token->least = least;
    token->most = most;
    token->possessive = scanner->text[scanner->at] == '+';
    if (scanner->text[scanner->at] == '+' || scanner->text[scanner->at] == '?')
        scanner->at++;
    token->end = scanner->at;
}

static int add_set(struct scanner *scanner, const struct regex_set *set, size_t len,
                   bool is_literal)
{
    struct regex_token *token = add(scanner, REGEX_BYTE, len);

    token->set = *set;
    token->is_literal = is_literal;
    quantify(scanner, token);
    return 0;
}

static int add_literal(struct scanner *scanner)
{
    struct regex_set set = { 0 };

    regex_set_add(&set, (unsigned char)scanner->text[scanner->at], &scanner->flags);
    return add_set(scanner, &set, 1, true);
}

/* \Q...\E: all literal, and none of it quantified but the last. */
static int read_quoted(struct scanner *scanner)
{
    const char *end;

    scanner->at += 2;
    end = strstr(scanner->text + scanner->at, "\\E");
    while (scanner->text[scanner->at] && scanner->text + scanner->at != end) {
        struct regex_set set = { 0 };
        struct regex_token *token;

        regex_set_add(&set, (unsigned char)scanner->text[scanner->at], &scanner->flags);
        token = add(scanner, REGEX_BYTE, 1);
        token->set = set;
        token->is_literal = true;
        if (end && scanner->text + scanner->at == end) {
            scanner->at += 2;
            quantify(scanner, token);
            return 0;
        }
    }
    scanner->at += end ? 2 : 0;
    return 0;
}

static int read_escape(struct scanner *scanner)
{
    static const struct {
        char letter;
        enum regex_kind kind;
    } kinds[] = {
        { 'A', REGEX_START },    { 'z', REGEX_END },      { 'Z', REGEX_END },
        { 'b', REGEX_BOUNDARY }, { 'B', REGEX_BOUNDARY },
    };
    struct regex_set set = { 0 };
    const char *text = scanner->text + scanner->at;
    bool is_literal = false;
    size_t len;

    if (text[1] == 'Q')
        return read_quoted(scanner);
    if (text[1] == 'E') { /* means nothing without a \Q */
        scanner->at += 2;
        return 0;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (text[1] != kinds[i].letter)
            continue;
        (void)add(scanner, kinds[i].kind, 2);
        return 0;
    }
    len = regex_escape(text, &scanner->flags, &set, &is_literal);
    return len > 0 ? add_set(scanner, &set, len, is_literal) : -EOPNOTSUPP;
}

static enum pattern_group find_name(const char *name, size_t len)
{
    static const char *const names[_PATTERN_GROUP_MAX] = {
        [PATTERN_ADDR] = "addr",
        [PATTERN_USER] = "user",
        [PATTERN_SESSION] = "session",
    };
    size_t i = 0;

    while (i < _PATTERN_GROUP_MAX && !(strlen(names[i]) == len && memcmp(names[i], name, len) == 0))
        i++;
    return (enum pattern_group)i;
}

static int push(struct scanner *scanner, size_t len, enum regex_group group,
                enum pattern_group name)
{
    struct regex_token *token;

    if (scanner->depth == NESTING_MAX)
        return -EOPNOTSUPP;
    scanner->stack[scanner->depth].open = scanner->regex->count;
    scanner->stack[scanner->depth++].flags = scanner->flags;
    scanner->lookarounds += group >= REGEX_AHEAD;
    token = add(scanner, REGEX_OPEN, len);
    token->group = group;
    token->name = name;
    return 0;
}

/* "(?i)", "(?-s)", "(?i:": PCRE2's J has no bearing here; other letters would have. */
static int read_options(struct scanner *scanner)
{
    struct regex_flags flags = scanner->flags;
    const char *text = scanner->text + scanner->at, *p = text + 2;
    bool on = true;

    for (; *p && *p != ')' && *p != ':'; p++) {
        if (*p == '-')
            on = false;
        else if (*p == 'i')
            flags.caseless = on;
        else if (*p == 's')
            flags.dot_all = on;
        else if (*p == 'x' && p[1] != 'x')
            flags.extended = on;
        else if (*p != 'J' && *p != 'n')
            return -EOPNOTSUPP;
    }
    if (!*p)
        return -EOPNOTSUPP;
    if (*p == ':') {
        int r = push(scanner, (size_t)(p + 1 - text), REGEX_PLAIN, _PATTERN_GROUP_MAX);

        scanner->flags = flags;
        return r;
    }
    (void)add(scanner, REGEX_NOTHING, (size_t)(p + 1 - text));
    scanner->flags = flags;
    return 0;
}

static int read_named(struct scanner *scanner, size_t prefix, char closing)
{
    const char *text = scanner->text + scanner->at, *name = text + prefix,
               *end = strchr(name, closing);

    if (!end)
        return -EOPNOTSUPP;
    return push(scanner, (size_t)(end + 1 - text), REGEX_PLAIN,
                find_name(name, (size_t)(end - name)));
}

static int read_open(struct scanner *scanner)
{
    static const struct {
        const char *text;
        enum regex_group group;
    } groups[] = {
        { "(?:", REGEX_PLAIN },       { "(?|", REGEX_PLAIN },   { "(?>", REGEX_ATOMIC },
        { "(?=", REGEX_AHEAD },       { "(?<=", REGEX_BEHIND }, { "(?!", REGEX_NOT_AHEAD },
        { "(?<!", REGEX_NOT_BEHIND },
    };
    const char *text = scanner->text + scanner->at;

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (strncmp(text, groups[i].text, strlen(groups[i].text)) == 0)
            return push(scanner, strlen(groups[i].text), groups[i].group, _PATTERN_GROUP_MAX);
    if (text[1] == '*')
        return -EOPNOTSUPP;
    if (text[1] != '?')
        return push(scanner, 1, REGEX_PLAIN, _PATTERN_GROUP_MAX);
    if (text[2] == '#') {
        scanner->at += strcspn(text, ")");
        scanner->at += scanner->text[scanner->at] == ')';
        return 0;
    }
    if (text[2] == '<' || text[2] == '\'')
        return read_named(scanner, 3, text[2] == '<' ? '>' : '\'');
    if (text[2] == 'P' && text[3] == '<')
        return read_named(scanner, 4, '>');
    return read_options(scanner);
}

static int read_close(struct scanner *scanner)
{
    size_t index = scanner->regex->count, open;
    struct regex_token *close = add(scanner, REGEX_CLOSE, 1), *opening;

    if (scanner->depth == 0)
        return -EOPNOTSUPP;
    scanner->depth--;
    open = scanner->stack[scanner->depth].open;
    scanner->flags = scanner->stack[scanner->depth].flags;
    opening = &scanner->regex->token[open];
    quantify(scanner, close);
    close->partner = open;
    close->group = opening->group;
    opening->partner = index;
    opening->least = close->least;
    opening->most = close->most;
    opening->possessive = close->possessive;
    opening->end = close->end;
    scanner->lookarounds -= opening->group >= REGEX_AHEAD;
    return 0;
}

static int read_part(struct scanner *scanner)
{
    struct regex_set set = { 0 };
    const char *text = scanner->text + scanner->at;
    size_t len;

    switch (*text) {
    case '\\':
        return read_escape(scanner);
    case '(':
        return read_open(scanner);
    case ')':
        return read_close(scanner);
    case '|':
        (void)add(scanner, REGEX_BAR, 1);
        return 0;
    case '^':
        (void)add(scanner, REGEX_START, 1);
        return 0;
    case '$':
        (void)add(scanner, REGEX_END, 1);
        return 0;
    case '.':
        regex_set_add_dot(&set, &scanner->flags);
        return add_set(scanner, &set, 1, false);
    case '[':
        len = regex_class(text, &scanner->flags, &set);
        return len > 0 ? add_set(scanner, &set, len, false) : -EOPNOTSUPP;
    default:
        return add_literal(scanner);
    }
}

int regex_scan(const char *text, struct regex **ret, size_t *reterr)
{
    _cleanup_(regex_freep) struct regex *regex = calloc(1, sizeof(*regex));
    _cleanup_(freep) struct scanner *scanner = calloc(1, sizeof(*scanner));

    if (!regex || !scanner)
        return -ENOMEM;
    /* No part is shorter than a byte. */
    regex->token = calloc(strlen(text) + 1, sizeof(*regex->token));
    if (!regex->token)
        return -ENOMEM;
    scanner->text = text;
    scanner->regex = regex;
    for (skip_extended(scanner); text[scanner->at]; skip_extended(scanner)) {
        int r;

        *reterr = scanner->at;
        r = read_part(scanner);
        if (r < 0)
            return r;
    }
    if (scanner->depth > 0)
        return -EOPNOTSUPP;
    *ret = TAKE_PTR(regex);
    return 0;
}
