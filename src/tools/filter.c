/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Targets are few (what fits on a command line), so each row is held against each of them. */

#include "filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/network.h"

struct target {
    const char *text;
    struct addr addr;
    struct networks *prefix; /* the one prefix; NULL for an address */
    bool found;
};

struct filter {
    struct target *target;
    size_t targets;
    const char **user;
    size_t users;
    bool held;
};

struct filter *filter_new(void)
{
    return calloc(1, sizeof(struct filter));
}

struct filter *filter_free(struct filter *filter)
{
    if (filter) {
        for (size_t i = 0; i < filter->targets; i++)
            networks_free(filter->target[i].prefix);
        free(filter->target);
        free(filter->user);
    }
    free(filter);
    return NULL;
}

static int parse_prefix(const char *text, struct networks **ret)
{
    _cleanup_(networks_freep) struct networks *prefix = NULL;
    int r;

    /* The list's exceptions have no meaning here. */
    if (text[0] == '!')
        return -EINVAL;
    prefix = networks_new();
    if (!prefix)
        return -ENOMEM;
    r = networks_add(prefix, text, strlen(text));
    if (r < 0)
        return r;
    *ret = TAKE_PTR(prefix);
    return 0;
}

int filter_add_target(struct filter *filter, const char *text)
{
    struct target *grown =
        reallocarray(filter->target, filter->targets + 1, sizeof(*filter->target));
    struct target target = { .text = text };

    if (!grown)
        return -ENOMEM;
    filter->target = grown;
    if (addr_parse_lookup(text, strlen(text), &target.addr) < 0) {
        int r = parse_prefix(text, &target.prefix);

        if (r < 0)
            return r;
    }
    filter->target[filter->targets++] = target;
    return 0;
}

int filter_add_user(struct filter *filter, const char *pattern)
{
    const char **grown = reallocarray(filter->user, filter->users + 1, sizeof(*filter->user));

    if (!grown)
        return -ENOMEM;
    filter->user = grown;
    filter->user[filter->users++] = pattern;
    return 0;
}

void filter_set_held(struct filter *filter)
{
    filter->held = true;
}

static bool user_matches(const struct filter *filter, const char *user)
{
    for (size_t i = 0; i < filter->users; i++)
        if (fnmatch(filter->user[i], user, 0) == 0)
            return true;
    return filter->users == 0;
}

static bool target_holds(const struct target *target, const struct row *row, unsigned ipv6_bits)
{
    struct addr group;

    if (target->prefix)
        return networks_contain(target->prefix, &row->addr, NULL);
    group = addr_group(&target->addr, ipv6_bits);
    return addr_compare(&group, &row->addr) == 0;
}

bool filter_accepts(struct filter *filter, const struct row *row, unsigned ipv6_bits)
{
    bool accepted = filter->targets == 0;

    if (!user_matches(filter, row->record.user) || (filter->held && row->record.sessions == 0))
        return false;
    for (size_t i = 0; i < filter->targets; i++)
        if (target_holds(&filter->target[i], row, ipv6_bits))
            accepted = filter->target[i].found = true;
    return accepted;
}

const char *filter_absent(const struct filter *filter, size_t i)
{
    for (size_t k = 0; k < filter->targets; k++)
        if (!filter->target[k].found && i-- == 0)
            return filter->target[k].text;
    return NULL;
}
