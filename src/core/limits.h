/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every quantity that someone outside decides is bounded here, once, with the reason. */

#define RULE_NAME_MAX                                                                              \
    32 /* bytes; a rule's name is part of every record and of @RULE/SESSION keys */

#define USER_MAX                                                                                   \
    255 /* bytes kept of a user name; longer ones are cut: they are shown, never compared */

#define MESSAGE_MAX                                                                                \
    8192 /* bytes; a login line is under 1 KiB, and matching costs time by length                  \
          */

#define PATTERN_MAX 4096 /* bytes of one pattern in a configuration file */

#define CONFIG_FILE_MAX (1024 * 1024) /* bytes; refuses a mistyped --config=/dev/zero */

#define NETWORKS_MAX 65536 /* networks in one list, after files and tables are read */

/* PCRE2's own defaults let one hostile subject take seconds. The shipped patterns need under 2 000
 * steps for a line of 1 KiB; a hundred thousand stop a runaway after about a millisecond. */
#define PATTERN_MATCH_LIMIT 100000
#define PATTERN_DEPTH_LIMIT 100000
#define PATTERN_HEAP_KIB    20480

#define REQUEST_MAX                                                                                \
    4096 /* bytes of a lookup request with its newline; tcp_table(5) replies have it */

#define BATCH_MAX                                                                                  \
    4096 /* entries in one transaction: bounds memory and what a failed commit repeats */
