/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "limits.h"

/* What the map knows of an address. Public format: see pop-before-smtp.tdb(5). */
struct record {
    uint64_t expires_usec; /* allowed while now < expires; µs since the epoch */
    uint64_t login_usec;   /* the latest login; µs since the epoch */
    uint32_t sessions;     /* open sessions */
    char rule[RULE_NAME_MAX + 1];
    char user[USER_MAX + 1]; /* printable, "" if the rule does not capture it */
};

#define RECORD_TEXT_MAX (20 + 1 + 20 + 1 + 10 + 1 + RULE_NAME_MAX + 1 + USER_MAX + 1)

/* Writes "EXPIRES LOGIN SESSIONS RULE USER" with a NUL behind it; returns the length without it. */
size_t record_encode(const struct record *record, char ret[static RECORD_TEXT_MAX]);

/* Reads that text. Returns 0, or -EBADMSG for anything that record_encode() would not have written.
 */
int record_decode(const void *data, size_t len, struct record *ret);
