/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Thompson's construction, from the end of the pattern to its start, so that each part knows what
 * comes after it. Repetitions with counts are written out. */

#include "automaton.h"

#include <errno.h>
#include <stdlib.h>

/* A pattern of 4 KiB has no more parts than bytes; repetitions may double that some times. */
#define NODES_MAX 16384

struct builder {
    const struct regex_token *token;
    struct automaton *automaton;
    bool full;
};

struct automaton *automaton_free(struct automaton *automaton)
{
    if (automaton)
        free(automaton->node);
    free(automaton);
    return NULL;
}

static uint16_t add(struct builder *builder, enum automaton_kind kind, uint16_t next,
                    uint16_t other)
{
    struct automaton *automaton = builder->automaton;

    if (automaton->count == NODES_MAX) {
        builder->full = true;
        return 0;
    }
    automaton->node[automaton->count] =
        (struct automaton_node){ .kind = kind, .next = { next, other } };
    return automaton->count++;
}

static uint16_t build_choice(struct builder *builder, size_t begin, size_t end, uint16_t next);

/* What a lookahead refuses must not be overstated, and conditions within it would be left out. */
static bool can_guard(const struct builder *builder, size_t open)
{
    for (size_t i = open + 1; i < builder->token[open].partner; i++) {
        const struct regex_token *token = &builder->token[i];

        if (token->kind == REGEX_BOUNDARY || token->kind == REGEX_START ||
            (token->kind == REGEX_OPEN && token->group != REGEX_PLAIN) || token->possessive)
            return false;
    }
    return true;
}

static uint16_t build_group(struct builder *builder, size_t open, uint16_t next)
{
    const struct regex_token *token = &builder->token[open];
    bool is_addr = token->name == PATTERN_ADDR;
    uint16_t body;

    if (token->group == REGEX_NOT_AHEAD && can_guard(builder, open)) {
        uint16_t refuse = add(builder, AUTOMATON_REFUSE, 0, 0);

        body = build_choice(builder, open + 1, token->partner, refuse);
        return add(builder, AUTOMATON_GUARD, next, body);
    }
    if (token->group >= REGEX_AHEAD)
        return next;
    if (is_addr)
        next = add(builder, AUTOMATON_LEAVE, next, 0);
    body = build_choice(builder, open + 1, token->partner, next);
    return is_addr ? add(builder, AUTOMATON_ENTER, body, 0) : body;
}

static uint16_t build_once(struct builder *builder, size_t i, uint16_t next)
{
    const struct regex_token *token = &builder->token[i];
    uint16_t node;

    switch (token->kind) {
    case REGEX_BYTE:
        node = add(builder, AUTOMATON_BYTE, next, 0);
        builder->automaton->node[node].token = token;
        return node;
    case REGEX_START:
        return add(builder, AUTOMATON_START, next, 0);
    case REGEX_END:
        return add(builder, AUTOMATON_END, next, 0);
    case REGEX_OPEN:
        return build_group(builder, i, next);
    case REGEX_CLOSE:
    case REGEX_BAR:
    case REGEX_BOUNDARY:
    case REGEX_NOTHING:
        break;
    }
    return next;
}

static uint16_t build_repeated(struct builder *builder, size_t i, uint16_t next)
{
    const struct regex_token *token = &builder->token[i];
    uint16_t first = next;

    if (token->most == REGEX_MANY) {
        first = add(builder, AUTOMATON_SPLIT, 0, next);

        uint16_t body = build_once(builder, i, first);

        builder->automaton->node[first].next[0] = body;
    } else
        for (uint32_t n = token->least; n < token->most && !builder->full; n++) {
            uint16_t body = build_once(builder, i, first);

            first = add(builder, AUTOMATON_SPLIT, body, next);
        }
    for (uint32_t n = 0; n < token->least && !builder->full; n++)
        first = build_once(builder, i, first);
    return first;
}

static uint16_t build_sequence(struct builder *builder, size_t begin, size_t end, uint16_t next)
{
    while (end > begin && !builder->full) {
        end--;
        if (builder->token[end].kind == REGEX_CLOSE)
            end = builder->token[end].partner;
        next = build_repeated(builder, end, next);
    }
    return next;
}

/* The tokens from `begin` to before `end`, with the alternatives among them. */
static uint16_t build_choice(struct builder *builder, size_t begin, size_t end, uint16_t next)
{
    for (size_t i = begin; i < end; i++) {
        if (builder->token[i].kind == REGEX_OPEN)
            i = builder->token[i].partner;
        else if (builder->token[i].kind == REGEX_BAR) {
            uint16_t one = build_sequence(builder, begin, i, next);
            uint16_t others = build_choice(builder, i + 1, end, next);

            return add(builder, AUTOMATON_SPLIT, one, others);
        }
    }
    return build_sequence(builder, begin, end, next);
}

int automaton_build(const struct regex *regex, struct automaton **ret)
{
    _cleanup_(automaton_freep) struct automaton *automaton = calloc(1, sizeof(*automaton));
    struct builder builder = { .token = regex->token, .automaton = automaton };
    uint16_t accept;

    if (!automaton)
        return -ENOMEM;
    automaton->node = calloc(NODES_MAX, sizeof(*automaton->node));
    if (!automaton->node)
        return -ENOMEM;
    accept = add(&builder, AUTOMATON_ACCEPT, 0, 0);
    automaton->start = build_choice(&builder, 0, regex->count, accept);
    if (builder.full)
        return -E2BIG;
    *ret = TAKE_PTR(automaton);
    return 0;
}
