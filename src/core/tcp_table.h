/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "addr.h"

/* The server's side of Postfix's tcp_table(5) protocol, on buffers:
 *
 *     request:  "get" SP key NL            key with %XX for bytes that are not printable ASCII
 *     reply:    "200" SP text NL           found
 *               "500" SP text NL           not found
 *               "400" SP text NL           cannot tell; the client drops the connection
 *
 * NL is LF alone; the text is never empty, and holds neither "%" nor bytes to be escaped. */

enum tcp_table_request {
    TCP_TABLE_ADDRESS, /* asks for one address */
    TCP_TABLE_OTHER,   /* asks for something that cannot be in the map: a host name, a network */
    TCP_TABLE_BAD,     /* not a request of this protocol */
};

enum tcp_table_reply {
    TCP_TABLE_FOUND,
    TCP_TABLE_NOT_FOUND,
    TCP_TABLE_UNAVAILABLE, /* we cannot tell */
    TCP_TABLE_REFUSED,     /* not a request of this protocol */
    TCP_TABLE_TOO_LONG,    /* a line that has no end within REQUEST_MAX bytes */
};

/* Reads one line without its LF. *ret is set for TCP_TABLE_ADDRESS only. */
enum tcp_table_request tcp_table_parse(const char *line, size_t len, struct addr *ret);

#define TCP_TABLE_REPLY_MAX 32

/* The reply's whole text with its LF, a constant of at most TCP_TABLE_REPLY_MAX bytes. */
const char *tcp_table_reply(enum tcp_table_reply reply);
