/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-journal.h>

/* Opens what Journal= names: a journal file or a directory of such; "" is the local journal.
 * Returns 0 or more, or a negative errno. */
int journal_open_configured(const char *path, sd_journal **ret);
