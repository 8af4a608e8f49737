/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "core/addr.h"
#include "core/record.h"

/* What an event, or time, did to the table of those who are allowed, or why it did nothing. */
enum change_kind {
    CHANGE_ALLOW,        /* a new address */
    CHANGE_EXTEND,       /* one that was there */
    CHANGE_EXPIRE,       /* its time is over */
    CHANGE_DISPLACE,     /* it gave way to a newer one of the same user */
    CHANGE_IGNORE_LOCAL, /* in one of our own networks */
    CHANGE_IGNORE_NEVER, /* in a network that is never to be allowed */
    CHANGE_REFUSE,       /* no room for a new address */
    CHANGE_STALE,        /* the login's time was over when it was read */
    CHANGE_CONNECT,      /* a connection that waits for its login */
    CHANGE_FAIL,         /* that waited, and ended without one */
    CHANGE_LOGOUT,       /* a session ended */
    CHANGE_UNKNOWN,      /* it belongs to a session of which nothing is known */
    CHANGE_NEW_RUN,      /* a server was started anew while sessions were open */
    _CHANGE_MAX,
};

struct change {
    enum change_kind kind;
    struct addr addr; /* unspecified for the last two */
    /* The address's record afterwards, or what its last one was. `rule` and `user` are those of the
     * event; `expires_usec` is 0 where there is no record. NEW_RUN: `sessions` is how many were
     * open, and `user` the server's unit. */
    struct record record;
    const char *network; /* which made it IGNORE; belongs to the list of networks */
    bool is_late;        /* ALLOW: only because the session has not ended, for all that is known */
};
