/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What patterns do wrong that compile: where in a message they may begin, whose address they take,
 * whether a stranger can choose which one, and how long they may need. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "ambiguity.h"
#include "cleanup.h"
#include "lint-private.h"
#include "regex-scan.h"
#include "text.h"

struct subject {
    struct linter *linter;
    const char *text, *key;
    size_t index, skip;
    const struct regex *regex;
};

#define REPORT(subject, offset, ...)                                                               \
    lint_report((subject)->linter, (subject)->key, (subject)->index, (subject)->skip + (offset),   \
                LINT_WARNING, __VA_ARGS__)

/* --- the start --- */

/* True if each alternative from `begin` to before `end` can only match at the message's start. */
static bool is_anchored(const struct regex *regex, size_t begin, size_t end)
{
    bool anchored = false, decided = false;

    for (size_t i = begin; i < end; i++) {
        const struct regex_token *token = &regex->token[i];

        if (token->kind == REGEX_BAR) {
            if (!anchored)
                return false;
            anchored = decided = false;
            continue;
        }
        if (token->kind == REGEX_OPEN && !decided) {
            anchored = token->group < REGEX_AHEAD && token->least > 0 &&
                       is_anchored(regex, i + 1, token->partner);
            decided = token->group < REGEX_AHEAD;
        } else if (token->kind == REGEX_START && !decided)
            anchored = decided = true;
        else if (token->kind == REGEX_BYTE)
            decided = true;
        if (token->kind == REGEX_OPEN)
            i = token->partner;
    }
    return anchored;
}

/* Strangers write messages, not fields that journald sets; and where a session ends too early,
 * nobody gets in. */
static int check_anchor(const struct subject *subject)
{
    if (strcmp(subject->key, event_kind_keys[EVENT_LOGIN]) != 0 &&
        strcmp(subject->key, event_kind_keys[EVENT_CONNECT]) != 0)
        return 0;
    if (is_anchored(subject->regex, 0, subject->regex->count))
        return 0;
    return REPORT(subject, 0,
                  "does not begin with \"^\", so that it can begin anywhere in a message, also in "
                  "what a stranger wrote there");
}

/* --- whose address --- */

/* The literal text before a token, in small letters; brackets and blanks next to it are left out.
 */
static void read_label(const struct regex *regex, size_t i, char *ret, size_t size)
{
    size_t len = 0;
    char text[32];

    for (; i > 0 && len < sizeof(text) - 1; i--) {
        const struct regex_token *token = &regex->token[i - 1];
        unsigned byte = 0;

        if (token->kind != REGEX_BYTE || !token->is_literal || token->least != 1 ||
            token->most != 1)
            break;
        while (byte < 255 && !regex_set_has(&token->set, (unsigned char)byte))
            byte++;
        if (len == 0 && byte != ' ' && strchr("[(<\"'", (int)byte))
            continue;
        text[len++] = (char)tolower((int)byte);
    }
    if (len >= size)
        len = size - 1;
    for (size_t k = 0; k < len; k++)
        ret[k] = text[len - 1 - k];
    ret[len] = 0;
}

static const char *find_local_label(const char *label)
{
    static const char *const labels[] = { "lip=",    "local=",  "laddr=", "localip=", "local_ip=",
                                          "server=", "->",      "-> ",    "=>",       "=> ",
                                          "to ",     "to=",     "dst=",   "daddr=",   "local ",
                                          "server ", "local: ", "lip: " };
    size_t len = strlen(label);

    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        size_t n = strlen(labels[i]);

        if (n > len || strcmp(label + len - n, labels[i]) != 0)
            continue;
        /* A name is a whole one only behind something else. */
        if (n == len || !isalpha((unsigned char)labels[i][0]) ||
            !(isalnum((unsigned char)label[len - n - 1]) || label[len - n - 1] == '_'))
            return labels[i];
    }
    return NULL;
}

static int check_label(const struct subject *subject)
{
    const struct regex *regex = subject->regex;

    for (size_t i = 0; i < regex->count; i++) {
        char label[32];
        const char *local;
        int r;

        if (regex->token[i].kind != REGEX_OPEN || regex->token[i].name != PATTERN_ADDR)
            continue;
        read_label(regex, i, label, sizeof(label));
        local = find_local_label(label);
        if (!local)
            continue;
        r = REPORT(subject, regex->token[i].start,
                   "the address behind \"%s\" most often is the server's own, not the client's",
                   local);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- which address --- */

/* Writes down what the search has found, or "" where it does not hold: lookaheads may keep the
 * pattern from matching it. Returns 0 or -ENOMEM. */
static int write_example(const char *text, const struct ambiguity *ambiguity, char *ret,
                         size_t size)
{
    _cleanup_(pattern_freep) struct pattern *pattern = NULL;
    char error[PATTERN_ERROR_MAX];
    struct pattern_captures captures;
    int r;

    ret[0] = 0;
    if (ambiguity->len >= sizeof(ambiguity->example))
        return 0;
    r = pattern_compile(text, &pattern, error);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    if (pattern_match(pattern, ambiguity->example, ambiguity->len, &captures) == PATTERN_MATCHES)
        (void)text_sanitise(ambiguity->example, ambiguity->len, ret, size);
    return 0;
}

static bool takes_addr(const struct subject *subject)
{
    if (strcmp(subject->key, event_kind_keys[EVENT_LOGOUT]) == 0 ||
        strcmp(subject->key, event_kind_keys[EVENT_FAIL]) == 0)
        return false;
    for (size_t i = 0; i < subject->regex->count; i++)
        if (subject->regex->token[i].name == PATTERN_ADDR)
            return true;
    return false;
}

static int check_ambiguity(const struct subject *subject)
{
    struct ambiguity ambiguity = { .result = AMBIGUITY_NONE };
    char example[200];
    size_t offset;
    int r = takes_addr(subject) ? ambiguity_find(subject->regex, &ambiguity) : 0;

    if (r < 0 || ambiguity.result == AMBIGUITY_NONE)
        return r;
    if (ambiguity.result == AMBIGUITY_UNDECIDED)
        return REPORT(subject, 0,
                      "is too complicated to tell whether only one address in a message can be "
                      "the one it takes");
    offset = subject->regex->token[ambiguity.token].start;
    r = write_example(subject->text, &ambiguity, example, sizeof(example));
    if (r < 0)
        return r;
    return REPORT(
        subject, offset,
        "what this takes may contain another address with all that comes before and "
        "behind it, and so whoever chooses its text may choose the address%s%s%s; exclude "
        "that here, or spell out all that follows the address up to \"$\"",
        example[0] ? ", as in \"" : "", example, example[0] ? "\"" : "");
}

/* --- how long --- */

/* True if the tokens of one alternative, repeated without end, can take the same text in many ways:
 * one of them is itself repeated without end, and no other has to take something that this one
 * cannot. */
static bool alternative_explodes(const struct regex *regex, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        const struct regex_token *token = &regex->token[i];
        bool separated = false;

        if (token->kind != REGEX_BYTE || token->most != REGEX_MANY || token->possessive ||
            token->in_lookaround)
            continue;
        for (size_t k = begin; k < end; k++) {
            const struct regex_token *other = &regex->token[k];

            /* What is in a group may be left out with it. */
            if (other->kind == REGEX_OPEN && (other->group >= REGEX_AHEAD || other->least == 0)) {
                k = other->partner;
                continue;
            }
            separated = separated || (k != i && other->kind == REGEX_BYTE && other->least > 0 &&
                                      !regex_sets_meet(&other->set, &token->set));
        }
        if (!separated)
            return true;
    }
    return false;
}

static bool group_explodes(const struct regex *regex, size_t open)
{
    size_t begin = open + 1, end = regex->token[open].partner;

    for (size_t i = begin; i < end; i++) {
        if (regex->token[i].kind == REGEX_OPEN)
            i = regex->token[i].partner;
        else if (regex->token[i].kind == REGEX_BAR) {
            if (alternative_explodes(regex, begin, i))
                return true;
            begin = i + 1;
        }
    }
    return alternative_explodes(regex, begin, end);
}

static int check_repetition(const struct subject *subject)
{
    const struct regex *regex = subject->regex;

    for (size_t i = 0; i < regex->count; i++) {
        const struct regex_token *token = &regex->token[i];

        if (token->kind != REGEX_OPEN || token->most != REGEX_MANY || token->possessive ||
            token->group != REGEX_PLAIN || !group_explodes(regex, i))
            continue;
        return REPORT(subject, token->start,
                      "a repetition of a repetition: some messages take so many steps that the "
                      "limit ends them, and then their login is not seen");
    }
    return 0;
}

/* --- all --- */

static int check_all(const struct subject *subject)
{
    int r = check_anchor(subject);

    if (r == 0)
        r = check_label(subject);
    if (r == 0)
        r = check_repetition(subject);
    return r == 0 ? check_ambiguity(subject) : r;
}

int lint_pattern(struct linter *linter, const char *text, const char *key, size_t index,
                 size_t skip)
{
    _cleanup_(regex_freep) struct regex *regex = NULL;
    struct subject subject = { linter, text, key, index, skip, NULL };
    size_t unsupported = 0;
    int r = regex_scan(text, &regex, &unsupported);

    if (r == -EOPNOTSUPP)
        return REPORT(&subject, unsupported,
                      "is beyond what can be checked here: a reference, recursion, a condition, a "
                      "verb or the like");
    if (r < 0)
        return r;
    subject.regex = regex;
    return check_all(&subject);
}
