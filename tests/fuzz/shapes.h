/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The lines that each server of conf.d/ writes, with slots for what differs. A slot is a letter in
 * braces; "{{" is a brace.
 *
 * From the client:
 *   U  the user name as this server writes it (struct habit)
 *   B  the same, cut to `other_max`
 *   R  the user name as it came; O: without newlines
 *   W  some other text as it came: a password, a folder, what a stranger's server says
 *   K  the name of a mechanism: no blanks, upper case
 *   H  the host's name: by whoever runs the DNS for the address, but only what can be in such a
 *      name
 *   I  what the client's identd says: no blanks
 * Not from the client:
 *   A  its address; M: IPv4 as ::ffff:a.b.c.d
 *   C  "H [M]", or "[M]", cut to 80 bytes
 *   N  a number, P a port, S the id of the session */

enum shape_kind {
    SHAPE_LOGIN,   /* somebody logged in */
    SHAPE_CONNECT, /* somebody connected, which servers of two lines have before all others */
    SHAPE_LOGOUT,
    SHAPE_OTHER, /* none of them: failed logins, warnings */
};

struct shape {
    enum shape_kind kind;
    const char *text;
};

/* How a server changes the name that it got before it logs it. */
struct habit {
    size_t max;           /* it cuts longer ones to so many bytes, or characters; 0: it does not */
    const char *cut_mark; /* which it puts there; can be NULL */
    size_t other_max;     /* for slot B */
    char control; /* what it writes for control characters and broken UTF-8; 0: leaves them */
    const char *refuses; /* bytes that no name has which it lets log in; can be NULL */
    /* From how many bytes on it may cut a line, and to how many it does at most; 0: never. */
    size_t line_min, line_max;
    const char *next_line; /* it writes the rest behind a newline as another entry that begins so */
};

struct server {
    const char *rule;
    const char *unit; /* with slots */
    const char *identifier, *uid, *priority;
    const struct shape *shapes; /* ends with NULL for text */
    bool knows_ipv6;
    struct habit habit;
};

/* Ends with NULL for rule. A rule can have several. */
extern const struct server servers[];
