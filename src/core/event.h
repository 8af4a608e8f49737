/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "limits.h"

struct rule;

enum event_kind {
    EVENT_LOGIN,
    EVENT_LOGOUT,
    EVENT_CONNECT, /* somebody came from an address, and may log in later */
    EVENT_FAIL,    /* and will not */
    _EVENT_KIND_MAX,
};

/* The place of a pattern of that kind in a rule's lists, and the configuration key it came by. */
extern const char *const event_kind_keys[_EVENT_KIND_MAX];

/* What one journal entry means. By value, checked and canonical; nothing behind the rules sees the
 * entry's own text. */
struct event {
    enum event_kind kind;
    bool has_addr; /* or else an earlier entry of the same session had it */
    struct addr addr;
    char user[USER_MAX + 1]; /* printable; "" if the entry does not say */
    /* What ties the entries of one session together; "" if nothing does. */
    char session[SESSION_MAX + 1];
    bool ends_user; /* a logout that does not say which of the user's sessions it ends */
    /* Whose entry it is, and in which of its runs; "" unless the rule follows sessions. */
    char unit[UNIT_MAX + 1];
    char invocation[INVOCATION_MAX + 1];
    const struct rule *rule; /* belongs to the rule set */
    unsigned pattern;        /* which of the rule's patterns of that kind it was */
    uint64_t time_usec;      /* the entry's; may lie in the future if a clock was wrong */
};
