/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "table-support.h"

/* What the table should come to, written down from pop-before-smtp.rules(5): arrays, and no thought
 * for speed. There is one, which begins empty. */

#define ADDRESSES 12
#define KEYS      14 /* session ids a rule */
#define RULES     4
#define USERS     3
#define FULL      9 /* addresses, and open sessions */

struct model_session {
    bool there, open;
    uint64_t since;
    unsigned address, user;
};

struct model_address {
    bool there;
    uint64_t expires, login;
    uint64_t grace; /* until when its logins by themselves would allow it */
};

struct model {
    struct model_session sessions[RULES][KEYS];
    struct model_address addresses[ADDRESSES];
    unsigned runs[RULES]; /* which run of its unit the rule last saw */
    size_t unfollowed;
};

struct model_event {
    enum event_kind kind;
    unsigned rule, key, user, run, address; /* key KEYS: none; address ADDRESSES: none */
    uint64_t time;
};

extern struct model model;

/* The stage's rules by number. */
const struct rule *model_rule(unsigned number);

/* How many sessions of an address are open; how many are, or are pending; how many addresses. */
unsigned model_open_of(unsigned address);
size_t model_count(bool open);
size_t model_addresses(void);

/* `stage` has the rules. */
void model_begin(const struct stage *stage);

/* The event's run is not the one that its unit's sessions are of; returns how many were open. */
size_t model_new_run(const struct model_event *event, uint64_t now);

enum change_kind model_apply(const struct model_event *event, uint64_t now);
void model_pass(uint64_t now);
void model_restart(void);
