/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* True if standard error is the stream to the journal that systemd made for this service.
 * $JOURNAL_STREAM alone does not tell: children inherit it, whose standard error may be something
 * else by then (systemd.exec(5)). */
bool journal_stream_is_stderr(void);
