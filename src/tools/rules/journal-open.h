/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-journal.h>

#include "input.h"

/* Opens the journal that the options name. *reterr_what is then what could not be opened. Returns 0
 * or a negative errno. */
int journal_open(const struct input_journal_options *options, sd_journal **ret,
                 const char **reterr_what);

/* True if it is this host's own. */
bool journal_is_local(const struct input_journal_options *options);
