/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What rule.c, rule-verify.c and judge.c share. */

#include "rule.h"

struct patterns {
    struct pattern **items;
    size_t count;
};

struct matches {
    struct match **items;
    size_t count;
};

struct rule {
    char name[RULE_NAME_MAX + 1];
    bool enabled, forgeable;
    uint64_t grace_usec, max_session_usec;
    struct matches matches;   /* one of them has to hold */
    struct matches requires_; /* all of them */
    struct patterns patterns[_EVENT_KIND_MAX];
    char *peer_field;
    struct pattern *peer;
    struct cuts *cuts; /* NULL if the server's logger does not cut lines */
};

/* True if sessions are told apart by what the patterns capture, false if by the process. */
bool rule_names_sessions(const struct rule *rule);

/* True if what one entry says can depend on another. */
bool rule_follows_sessions(const struct rule *rule);
