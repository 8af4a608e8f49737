/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two runs of the pattern's automaton on one message that nobody has written yet, byte by byte:
 * one run is through with its address before the other begins with its own, and both accept. All
 * pairs of places where the two can be are searched, the near ones first.
 *
 * The runs are of the message from where the pattern begins to match. Lookaheads that refuse
 * something are left out at first, since most patterns are safe without them, and followed along
 * only if they could be what keeps a pattern safe; of the others see automaton.h. */

#include "ambiguity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton.h"
#include "cleanup.h"

/* Shipped patterns need some thousand pairs. */
#define STATES_MAX 65536
#define SLOTS      (2 * STATES_MAX)

/* Lookaheads that are under way in a run. Another one would be left out, so that the search may
 * find a message that the pattern does not match. */
#define GUARDS_MAX 6

/* Ways from one byte to the next. */
#define STEPS_MAX 4096

enum phase {
    BEFORE,
    WITHIN,
    BEHIND,
};

struct run {
    uint16_t node; /* a byte's, an end's or the accepting one */
    uint16_t phase;
    uint16_t guards;
    uint16_t guard[GUARDS_MAX]; /* bytes' and ends' nodes of lookaheads; unused ones are 0 */
};

struct state {
    struct run run[2];
};

/* How one gets from a node to the next one that stands for something in the message. */
struct step {
    uint16_t node;
    bool enters, leaves;
    uint16_t guards;
    uint16_t guard[GUARDS_MAX]; /* where lookaheads begin on the way */
};

struct steps {
    size_t count;
    struct step step[STEPS_MAX];
};

struct search {
    const struct automaton *automaton;
    size_t bytes; /* one for each set of bytes that the pattern does not tell apart */
    unsigned char byte[256];
    struct state *state;
    uint32_t *parent;
    unsigned char *taken; /* the byte that led to each */
    uint32_t *slot;       /* hash table of the states' numbers + 1 */
    size_t count;
    struct steps steps[2], guard_steps;
    bool overflow;
    bool follow_guards, has_guards;
    bool *on_way; /* nodes of the way that is being followed, against going in circles */
};

static void search_clear(struct search *search)
{
    free(search->state);
    free(search->parent);
    free(search->taken);
    free(search->slot);
    free(search->on_way);
    free(search);
}

static void search_clearp(struct search **search)
{
    if (*search)
        search_clear(*search);
}

/* --- bytes --- */

static bool told_apart(const struct regex *regex, unsigned char a, unsigned char b)
{
    for (size_t i = 0; i < regex->count; i++)
        if (regex->token[i].kind == REGEX_BYTE &&
            regex_set_has(&regex->token[i].set, a) != regex_set_has(&regex->token[i].set, b))
            return true;
    return false;
}

/* Chooses the bytes that examples are made of; legible ones are preferred. */
static void choose_bytes(struct search *search, const struct regex *regex)
{
    for (unsigned i = 0; i < 256; i++) {
        unsigned char byte = (unsigned char)(i + '0'); /* digits, letters, and then the rest */
        size_t k = 0;

        while (k < search->bytes && told_apart(regex, search->byte[k], byte))
            k++;
        if (k == search->bytes)
            search->byte[search->bytes++] = byte;
    }
}

/* --- steps --- */

static void follow(struct search *search, uint16_t node, struct step way, bool at_start,
                   bool at_end, struct steps *ret)
{
    const struct automaton_node *item = &search->automaton->node[node];

    if (item->kind == AUTOMATON_BYTE || item->kind == AUTOMATON_ACCEPT ||
        item->kind == AUTOMATON_REFUSE || (item->kind == AUTOMATON_END && !at_end)) {
        if (ret->count == STEPS_MAX) {
            search->overflow = true;
            return;
        }
        way.node = node;
        ret->step[ret->count++] = way;
        return;
    }
    if (search->on_way[node] || (item->kind == AUTOMATON_START && !at_start))
        return;
    search->on_way[node] = true;
    way.enters |= item->kind == AUTOMATON_ENTER;
    way.leaves |= item->kind == AUTOMATON_LEAVE;
    if (item->kind == AUTOMATON_SPLIT)
        follow(search, item->next[1], way, at_start, at_end, ret);
    search->has_guards |= item->kind == AUTOMATON_GUARD;
    if (item->kind == AUTOMATON_GUARD && search->follow_guards && way.guards < GUARDS_MAX)
        way.guard[way.guards++] = item->next[1];
    follow(search, item->next[0], way, at_start, at_end, ret);
    search->on_way[node] = false;
}

/* Adds the places of a lookahead from `node` on. Returns false if it has found what it refuses. */
static bool add_guards(struct search *search, struct run *run, uint16_t node, bool at_end)
{
    struct steps *steps = &search->guard_steps;

    steps->count = 0;
    follow(search, node, (struct step){ 0 }, false, at_end, steps);
    for (size_t i = 0; i < steps->count; i++) {
        uint16_t k = 0, to = steps->step[i].node;

        if (search->automaton->node[to].kind == AUTOMATON_REFUSE)
            return false;
        while (k < run->guards && run->guard[k] != to)
            k++;
        if (k == run->guards && k < GUARDS_MAX)
            run->guard[run->guards++] = to;
    }
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;

    return (x > y) - (x < y);
}

/* What becomes of a run by a step on a byte. Returns false if a lookahead ends it. */
static bool advance(struct search *search, const struct run *from, const struct step *step,
                    unsigned char byte, struct run *ret)
{
    *ret = (struct run){ .node = step->node, .phase = from->phase };
    if (ret->phase == BEFORE && step->enters)
        ret->phase = WITHIN;
    if (ret->phase == WITHIN && step->leaves)
        ret->phase = BEHIND;
    for (uint16_t i = 0; i < from->guards; i++) {
        const struct automaton_node *item = &search->automaton->node[from->guard[i]];

        if (item->kind == AUTOMATON_BYTE && regex_set_has(&item->token->set, byte) &&
            !add_guards(search, ret, item->next[0], false))
            return false;
    }
    for (uint16_t i = 0; i < step->guards; i++)
        if (!add_guards(search, ret, step->guard[i], false))
            return false;
    qsort(ret->guard, ret->guards, sizeof(ret->guard[0]), compare_numbers);
    return true;
}

static void list_steps(struct search *search, const struct run *run, unsigned char byte,
                       struct steps *ret)
{
    const struct automaton_node *item = &search->automaton->node[run->node];

    ret->count = 0;
    if (item->kind == AUTOMATON_ACCEPT)
        ret->step[ret->count++] = (struct step){ .node = run->node };
    else if (item->kind == AUTOMATON_BYTE && regex_set_has(&item->token->set, byte))
        follow(search, item->next[0], (struct step){ 0 }, false, false, ret);
}

/* --- states --- */

static size_t hash(const struct state *state)
{
    const unsigned char *bytes = (const unsigned char *)state;
    uint64_t sum = UINT64_C(14695981039346656037); /* FNV-1a */

    for (size_t i = 0; i < sizeof(*state); i++)
        sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
    return (size_t)(sum % SLOTS);
}

static void add_state(struct search *search, const struct state *state, uint32_t parent,
                      unsigned char byte)
{
    size_t slot = hash(state);

    for (; search->slot[slot] != 0; slot = (slot + 1) % SLOTS)
        if (memcmp(&search->state[search->slot[slot] - 1], state, sizeof(*state)) == 0)
            return;
    if (search->count == STATES_MAX) {
        search->overflow = true;
        return;
    }
    search->state[search->count] = *state;
    search->parent[search->count] = parent;
    search->taken[search->count] = byte;
    search->slot[slot] = (uint32_t)++search->count;
}

/* Only pairs matter in which the first run can be done with its address before the second begins.
 */
static bool is_of_use(const struct state *state)
{
    return state->run[1].phase == BEFORE || state->run[0].phase == BEHIND;
}

/* The second run must not begin with its address in the very step in which the first one is done:
 * pieces side by side are a tag that belongs to the address or not, as "::ffff:" does. */
static bool is_in_order(const struct state *from, const struct state *to)
{
    return from->run[0].phase == BEHIND || to->run[1].phase == BEFORE ||
           from->run[1].phase != BEFORE;
}

static void expand(struct search *search, uint32_t number, unsigned char byte)
{
    struct state from = search->state[number], to;

    for (int k = 0; k < 2; k++)
        list_steps(search, &from.run[k], byte, &search->steps[k]);
    for (size_t a = 0; a < search->steps[0].count && !search->overflow; a++) {
        memset(&to, 0, sizeof(to));
        if (!advance(search, &from.run[0], &search->steps[0].step[a], byte, &to.run[0]))
            continue;
        for (size_t b = 0; b < search->steps[1].count && !search->overflow; b++)
            if (advance(search, &from.run[1], &search->steps[1].step[b], byte, &to.run[1]) &&
                is_of_use(&to) && is_in_order(&from, &to))
                add_state(search, &to, number, byte);
    }
}

static bool accepts(struct search *search, const struct run *run)
{
    struct run at_end = { 0 };

    if (run->phase != BEHIND)
        return false;
    for (uint16_t i = 0; i < run->guards; i++)
        if (!add_guards(search, &at_end, run->guard[i], true))
            return false;
    if (search->automaton->node[run->node].kind == AUTOMATON_ACCEPT)
        return true;
    search->steps[0].count = 0;
    follow(search, run->node, (struct step){ 0 }, false, true, &search->steps[0]);
    for (size_t i = 0; i < search->steps[0].count; i++)
        if (search->automaton->node[search->steps[0].step[i].node].kind == AUTOMATON_ACCEPT)
            return true;
    return false;
}

static void add_first_states(struct search *search)
{
    const struct run origin = { .phase = BEFORE };
    struct state state;

    for (int k = 0; k < 2; k++) {
        search->steps[k].count = 0;
        follow(search, search->automaton->start, (struct step){ 0 }, true, false,
               &search->steps[k]);
    }
    for (size_t a = 0; a < search->steps[0].count && !search->overflow; a++)
        for (size_t b = 0; b < search->steps[1].count && !search->overflow; b++) {
            memset(&state, 0, sizeof(state));
            if (advance(search, &origin, &search->steps[0].step[a], 0, &state.run[0]) &&
                advance(search, &origin, &search->steps[1].step[b], 0, &state.run[1]) &&
                is_of_use(&state) && state.run[1].phase == BEFORE)
                add_state(search, &state, UINT32_MAX, 0);
        }
}

/* --- the answer --- */

/* The wildcard that the second run is in when the first one begins with its address. */
static size_t find_culprit(const struct search *search, const struct regex *regex, uint32_t number)
{
    uint32_t at = number;
    const struct automaton_node *item;
    size_t token;

    while (search->parent[at] != UINT32_MAX &&
           search->state[search->parent[at]].run[0].phase != BEFORE)
        at = search->parent[at];
    item = &search->automaton->node[search->state[at].run[1].node];
    token = item->token ? (size_t)(item->token - regex->token) : 0;
    for (size_t i = token + 1; i-- > 0;)
        if (regex->token[i].kind == REGEX_BYTE && regex->token[i].most == REGEX_MANY)
            return i;
    return token;
}

static void answer(const struct search *search, const struct regex *regex, uint32_t number,
                   struct ambiguity *ret)
{
    size_t len = 0;

    ret->result = AMBIGUITY_FOUND;
    ret->token = find_culprit(search, regex, number);
    for (uint32_t at = number; search->parent[at] != UINT32_MAX; at = search->parent[at])
        len++;
    ret->len = len < sizeof(ret->example) ? len : sizeof(ret->example);
    for (uint32_t at = number; len-- > 0; at = search->parent[at])
        if (len < sizeof(ret->example))
            ret->example[len] = (char)search->taken[at];
}

static void run_search(struct search *search, const struct regex *regex, struct ambiguity *ret)
{
    search->count = 0;
    search->overflow = false;
    memset(search->slot, 0, SLOTS * sizeof(*search->slot));
    add_first_states(search);
    for (uint32_t i = 0; i < search->count && !search->overflow; i++) {
        struct state state = search->state[i];

        if (accepts(search, &state.run[0]) && accepts(search, &state.run[1])) {
            answer(search, regex, i, ret);
            return;
        }
        for (size_t k = 0; k < search->bytes && !search->overflow; k++)
            expand(search, i, search->byte[k]);
    }
    ret->result = search->overflow ? AMBIGUITY_UNDECIDED : AMBIGUITY_NONE;
}

int ambiguity_find(const struct regex *regex, struct ambiguity *ret)
{
    _cleanup_(search_clearp) struct search *search = calloc(1, sizeof(*search));
    _cleanup_(automaton_freep) struct automaton *automaton = NULL;
    int r = automaton_build(regex, &automaton);

    if (r == -E2BIG) {
        ret->result = AMBIGUITY_UNDECIDED;
        return 0;
    }
    if (r < 0 || !search)
        return -ENOMEM;
    search->automaton = automaton;
    search->state = calloc(STATES_MAX, sizeof(*search->state));
    search->parent = calloc(STATES_MAX, sizeof(*search->parent));
    search->taken = calloc(STATES_MAX, sizeof(*search->taken));
    search->slot = calloc(SLOTS, sizeof(*search->slot));
    search->on_way = calloc(automaton->count, sizeof(*search->on_way));
    if (!search->state || !search->parent || !search->taken || !search->slot || !search->on_way)
        return -ENOMEM;
    choose_bytes(search, regex);
    run_search(search, regex, ret);
    if (ret->result == AMBIGUITY_NONE || !search->has_guards)
        return 0;
    search->follow_guards = true;
    run_search(search, regex, ret);
    return 0;
}
