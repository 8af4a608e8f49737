/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Every quantity that someone outside decides is bounded here, once, with the reason. */

/* Bytes of a rule's name, which is part of every record. */
#define RULE_NAME_MAX 32

/* Bytes kept of a user name; longer ones are cut: they are shown, and only compared where a logout
 * has nothing else. */
#define USER_MAX 255

/* Bytes of what tells one session from another. Dovecot's ids have some 16, Courier's an address
 * and a port; one that is longer is followed as a login without a session. */
#define SESSION_MAX 128

/* Bytes of a unit's name, and of the id that systemd gives each of its runs. */
#define UNIT_MAX       255
#define INVOCATION_MAX 32

/* Bytes of a message. A login line is under 1 KiB, and matching costs time by length. */
#define MESSAGE_MAX 8192

/* Bytes of one pattern in a configuration file. */
#define PATTERN_MAX 4096

/* Bytes of a configuration file, and of what postconf prints. Refuses a mistyped
 * --config=/dev/zero. */
#define CONFIG_FILE_MAX (1024 * 1024)

/* Networks in one list, after files and tables are read. */
#define NETWORKS_MAX 65536

/* PCRE2's own defaults let one hostile subject take seconds. The shipped patterns need under 2 000
 * steps for a line of 1 KiB; a hundred thousand stop a runaway after one or two milliseconds. Only
 * where each step looks at all that is left of a long message, as "\S+" behind two wildcards can in
 * one of 8 KiB, it takes a third of a second. */
#define PATTERN_MATCH_LIMIT 100000
#define PATTERN_DEPTH_LIMIT 100000
#define PATTERN_HEAP_KIB    20480

/* Bytes of a lookup request with its newline; tcp_table(5) has the same limit for replies. */
#define REQUEST_MAX 4096

/* Connections that wait for their login at one time: several times what servers let in, and when
 * somebody opens more, the oldest go. */
#define PENDING_MAX 4096

/* For how long they do: RFC 3501 lets an IMAP server wait for half an hour, RFC 1939 a POP3 server
 * for ten minutes. */
#define PENDING_USEC (30 * 60 * UINT64_C(1000000))

/* Bytes of the path of a local socket, by unix(7). */
#define SOCKET_PATH_MAX 107

/* Connections of those who ask the watcher to catch up. There is one bridge; the rest is for more
 * of them, and for those that just went away. */
#define CATCH_UP_PEERS_MAX 64

/* Entries in one transaction: bounds memory, 20 MiB while it lasts, what a failed commit repeats,
 * and how long a signal waits during a backlog, a few tenths of a second. Each transaction copies
 * all the pages that it touches, and a batch of logins touches pages all over the map. */
#define BATCH_MAX 32768

/* The same in a map of so many addresses. */
#define LARGE_MAP           65536
#define BATCH_MAX_LARGE_MAP 4096

/* Records and sessions that are mended in one transaction, in the order in which they stand in the
 * file. All of a million in one made the file 2.8 times as large. */
#define MEND_MAX 16384

/* How long entries are read for one transaction, where somebody sends what patterns are slow on:
 * logins that were read meanwhile wait for its end, and so do signals and the watchdog. */
#define BATCH_USEC UINT64_C(1000000)
