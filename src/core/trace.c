/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far a match got, by PCRE2's automatic callouts: one before each part of the pattern is tried,
 * with the place in the subject where that happens.
 *
 * The furthest place in the subject would say little, since ".*" has been everywhere. The part that
 * is furthest in the pattern would say little about alternatives, of which the later one need not
 * be the better. So each part has a depth: how many parts come before it on the longest way through
 * the pattern. What was tried at the greatest depth is what failed: all before it fitted. */

#include "trace.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "limits.h"
#include "pattern-private.h"
#include "regex-scan.h"

DEFINE_CLEANUP(pcre2_code *, pcre2_code_free)
DEFINE_CLEANUP(pcre2_match_data *, pcre2_match_data_free)
DEFINE_CLEANUP(pcre2_match_context *, pcre2_match_context_free)

/* Without them, PCRE2 would know that some subjects cannot match before it tries anything. */
#define TRACE_OPTIONS                                                                              \
    (PATTERN_OPTIONS | PCRE2_AUTO_CALLOUT | PCRE2_NO_START_OPTIMIZE | PCRE2_NO_AUTO_POSSESS |      \
     PCRE2_NO_DOTSTAR_ANCHOR)

/* More than a match may take, since PCRE2 does what it otherwise knows to be in vain. */
#define STEPS_MAX (10 * (size_t)PATTERN_MATCH_LIMIT)

/* Where in the subject the part of the pattern that begins here was tried. */
struct trial {
    bool tried;
    size_t first, last;
    size_t len; /* of the part, as PCRE2 sees it */
};

struct tracer {
    const struct regex *regex; /* NULL if it cannot be taken apart */
    size_t *depth;             /* of each of its tokens */
    struct trial *trial;       /* for each byte of the pattern's text, and its end */
    size_t text_len, subject_len;
    size_t left; /* of the steps that it may take, wherever in the subject a match begins */
};

static int note_trial(pcre2_callout_block *block, void *userdata)
{
    struct tracer *tracer = userdata;
    struct trial *trial = &tracer->trial[block->pattern_position];
    size_t at = block->current_position;

    if (tracer->left == 0)
        return PCRE2_ERROR_MATCHLIMIT;
    tracer->left--;
    if (!trial->tried || at < trial->first)
        trial->first = at;
    if (!trial->tried || at > trial->last)
        trial->last = at;
    trial->tried = true;
    trial->len = block->next_item_length;
    return 0;
}

/* Runs the match. Returns 0 with *ret_gave_up, -EEXIST for a match, or -ENOMEM. */
static int watch(struct tracer *tracer, const char *text, const char *subject, bool *ret_gave_up)
{
    int error, r;
    size_t offset;
    _cleanup_(pcre2_code_freep) pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)text, tracer->text_len, TRACE_OPTIONS, &error, &offset, NULL);
    _cleanup_(pcre2_match_context_freep) pcre2_match_context *context = pattern_new_context();
    _cleanup_(pcre2_match_data_freep) pcre2_match_data *data =
        code ? pcre2_match_data_create_from_pattern(code, NULL) : NULL;

    if (!code || !context || !data)
        return -ENOMEM;
    (void)pcre2_set_callout(context, note_trial, tracer);
    r = pcre2_match(code, (PCRE2_SPTR)subject, tracer->subject_len, 0, 0, data, context);
    if (r >= 0)
        return -EEXIST;
    *ret_gave_up = r != PCRE2_ERROR_NOMATCH;
    return 0;
}

/* Sets the depths of the tokens from *i to the end of the group or the pattern; returns the depth
 * there. Groups nest no deeper than PCRE2 allows. */
static size_t measure(struct tracer *tracer, size_t *i, size_t depth)
{
    size_t deepest = depth, here = depth;

    for (; *i < tracer->regex->count; ++*i) {
        const struct regex_token *token = &tracer->regex->token[*i];

        tracer->depth[*i] = here;
        if (token->kind == REGEX_CLOSE)
            break;
        if (token->kind == REGEX_BAR)
            here = depth;
        else if (token->kind != REGEX_OPEN)
            here++;
        else if (token->group >= REGEX_AHEAD) {
            *i = token->partner;
            here++;
        } else {
            ++*i;
            here = measure(tracer, i, here);
        }
        if (here > deepest)
            deepest = here;
    }
    return deepest;
}

static const struct trial *trial_of(const struct tracer *tracer, size_t i)
{
    return &tracer->trial[tracer->regex->token[i].start];
}

/* Parts that can be what did not fit. A lookaround is one; what is in it says nothing of its own.
 */
static bool can_fail(const struct regex_token *token)
{
    if (token->kind == REGEX_OPEN)
        return token->group >= REGEX_AHEAD;
    return !token->in_lookaround && token->kind != REGEX_CLOSE && token->kind != REGEX_BAR;
}

/* Negative, zero or positive like memcmp(3): which of two parts got further. */
static int compare(const struct tracer *tracer, size_t a, size_t b)
{
    size_t x = tracer->depth[a], y = tracer->depth[b];

    if (x == y) {
        x = trial_of(tracer, a)->last;
        y = trial_of(tracer, b)->last;
    }
    return (x > y) - (x < y);
}

#define NONE SIZE_MAX

/* The token that got furthest of those from `begin` to before `end`, the first of several. */
static size_t find_furthest(const struct tracer *tracer, size_t begin, size_t end)
{
    size_t best = NONE;

    for (size_t i = begin; i < end; i++) {
        if (!can_fail(&tracer->regex->token[i]) || !trial_of(tracer, i)->tried)
            continue;
        if (best == NONE || compare(tracer, i, best) > 0)
            best = i;
    }
    return best;
}

static bool begins_alternative(const struct tracer *tracer, size_t i)
{
    return i > 0 && (tracer->regex->token[i - 1].kind == REGEX_OPEN ||
                     tracer->regex->token[i - 1].kind == REGEX_BAR);
}

/* If all alternatives of a group failed at their beginning, the group is what did not fit. Returns
 * its token, or `best`. */
static size_t find_group(const struct tracer *tracer, size_t best)
{
    const struct regex_token *token = tracer->regex->token;
    size_t last = best, open = best;

    for (size_t i = best; i < tracer->regex->count; i++)
        if (can_fail(&token[i]) && trial_of(tracer, i)->tried && compare(tracer, i, best) == 0) {
            if (!begins_alternative(tracer, i))
                return best;
            last = i;
        }
    if (last == best)
        return best;
    while (open-- > 0)
        if (token[open].kind == REGEX_OPEN && token[open].partner > last)
            return open;
    return best;
}

static bool takes_one(const struct regex_token *token)
{
    return token->kind == REGEX_BYTE && token->least == 1 && token->most == 1;
}

/* Where the row of single bytes begins that the token belongs to. */
static size_t find_row(const struct regex *regex, size_t i)
{
    while (i > 0 && takes_one(&regex->token[i]) && takes_one(&regex->token[i - 1]))
        i--;
    return i;
}

/* A part that takes as much free text as it can: ".*" and its like, repeated groups. */
static bool is_wildcard(const struct regex_token *token)
{
    if (token->most != REGEX_MANY)
        return false;
    return token->kind == REGEX_CLOSE ||
           (token->kind == REGEX_BYTE && regex_set_has(&token->set, ' ') &&
            regex_set_has(&token->set, 'x') && regex_set_has(&token->set, '0'));
}

/* True if what comes before the token does not say where in the subject it has to be. */
static bool follows_wildcard(const struct regex *regex, size_t i)
{
    while (i > 0 && !is_wildcard(&regex->token[i - 1])) {
        enum regex_kind kind = regex->token[--i].kind;

        if (kind != REGEX_CLOSE && kind != REGEX_OPEN && kind != REGEX_NOTHING)
            return false;
    }
    return true;
}

static bool has_choice(const struct regex_token *token, size_t open)
{
    for (size_t i = open + 1; i < token[open].partner; i++) {
        if (token[i].kind == REGEX_BAR)
            return true;
        if (token[i].kind == REGEX_OPEN)
            i = token[i].partner;
    }
    return token[open].least == 0;
}

/* A part may only be at fault because a group before it was left out, or taken the short way: then
 * that group had got further in the subject, and what stopped it says more. */
static size_t find_omitted(const struct tracer *tracer, size_t best)
{
    const struct regex_token *token = tracer->regex->token;

    for (size_t open = 0; open < best; open++) {
        size_t inner;

        if (token[open].kind != REGEX_OPEN || token[open].in_lookaround ||
            token[open].partner > best || !has_choice(token, open))
            continue;
        inner = find_furthest(tracer, open, token[open].partner);
        if (inner != NONE && token[inner].least > 0 &&
            tracer->depth[inner] > tracer->depth[open] + 1 &&
            trial_of(tracer, inner)->last > trial_of(tracer, best)->last &&
            !follows_wildcard(tracer->regex, find_row(tracer->regex, inner)))
            return inner;
    }
    return best;
}

/* Of all places where the part was tried, the last one is where it should have fitted, unless a
 * wildcard had swallowed everything and gave it back byte by byte. */
static void place(const struct tracer *tracer, size_t best, struct trace *trace)
{
    const struct trial *trial = trial_of(tracer, best);
    size_t row = find_row(tracer->regex, best);
    bool loose = trial_of(tracer, row)->last == tracer->subject_len && trial->first < trial->last &&
                 follows_wildcard(tracer->regex, row);

    trace->subject = loose ? trial->first : trial->last;
    trace->searched = loose && row == best;
}

static size_t measure_word(const struct regex *regex, size_t i, size_t most)
{
    size_t len = 0;

    for (; len < most && i > 0; i--, len++) {
        const struct regex_token *token = &regex->token[i], *before = &regex->token[i - 1];

        if (!token->is_literal || regex_set_has(&token->set, ' ') || !takes_one(before) ||
            !before->is_literal || before->len != 1 || before->end != token->start ||
            regex_set_has(&before->set, ' '))
            break;
    }
    return len;
}

static void report(const struct tracer *tracer, size_t best, struct trace *trace)
{
    size_t item = find_group(tracer, best);
    const struct regex_token *token = &tracer->regex->token[item];

    trace->depth = tracer->depth[best];
    trace->item = token->start;
    trace->item_len = token->end - token->start;
    place(tracer, best, trace);
    if (item == best)
        trace->word = measure_word(tracer->regex, best, trace->subject);
}

/* The part furthest in the text, for patterns that cannot be taken apart. */
static void report_plainly(const struct tracer *tracer, struct trace *trace)
{
    for (size_t at = 0; at <= tracer->text_len; at++) {
        const struct trial *trial = &tracer->trial[at];

        if (!trial->tried)
            continue;
        trace->depth = trace->item = at;
        trace->item_len = trial->len;
        trace->subject = trial->last;
    }
}

int trace_pattern(const struct pattern *pattern, const char *subject, size_t len, struct trace *ret)
{
    const char *text = pattern_text(pattern);
    _cleanup_(regex_freep) struct regex *regex = NULL;
    _cleanup_(freep) struct trial *trial = NULL;
    _cleanup_(freep) size_t *depth = NULL;
    struct tracer tracer = { .text_len = strlen(text), .subject_len = len, .left = STEPS_MAX };
    struct trace trace = { 0 };
    size_t unsupported, i = 0, best;
    int r = regex_scan(text, &regex, &unsupported);

    trial = calloc(tracer.text_len + 1, sizeof(*trial));
    depth = regex ? calloc(regex->count + 1, sizeof(*depth)) : NULL;
    if (r == -ENOMEM || !trial || (regex && !depth))
        return -ENOMEM;
    tracer.regex = regex;
    tracer.trial = trial;
    tracer.depth = depth;
    r = watch(&tracer, text, subject, &trace.gave_up);
    if (r < 0)
        return r;
    if (regex)
        (void)measure(&tracer, &i, 0);
    best = regex ? find_furthest(&tracer, 0, regex->count) : NONE;
    if (best != NONE)
        report(&tracer, find_omitted(&tracer, best), &trace);
    else
        report_plainly(&tracer, &trace);
    *ret = trace;
    return 0;
}
