/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "limits.h"

/* One session that has not ended, as the map keeps it: its key says which one, its value what is
 * known of it. Both are public and are described in pop-before-smtp.tdb(5). */

enum session_state {
    SESSION_PENDING, /* connected, but not logged in */
    SESSION_OPEN,
};

struct session {
    enum session_state state;
    uint64_t since_usec; /* the latest login, or the connect; µs since the epoch */
    struct addr addr;
    char unit[UNIT_MAX + 1];
    char user[USER_MAX + 1];
};

struct session_key {
    char rule[RULE_NAME_MAX + 1];
    char invocation[INVOCATION_MAX + 1];
    char session[SESSION_MAX + 1];
};

#define SESSION_KEY_TEXT_MAX (1 + RULE_NAME_MAX + 1 + INVOCATION_MAX + 1 + SESSION_MAX + 1)
#define SESSION_TEXT_MAX     (8 + 20 + 1 + ADDR_TEXT_MAX + 1 + UNIT_MAX + 1 + USER_MAX + 1)

/* Writes "@RULE/INVOCATION/SESSION" with a NUL behind it; returns the length without it. */
size_t session_key_encode(const struct session_key *key, char ret[static SESSION_KEY_TEXT_MAX]);

/* Writes "STATE SINCE ADDRESS UNIT USER", where STATE is "pending" or "open". */
size_t session_encode(const struct session *session, char ret[static SESSION_TEXT_MAX]);

/* Read these texts. They return 0, or -EBADMSG for anything that would not have been written. */
int session_key_decode(const void *data, size_t len, struct session_key *ret);
int session_decode(const void *data, size_t len, struct session *ret);
