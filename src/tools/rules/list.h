/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "core/settings.h"

/* `pbs-rules list`: each rule with its origin, whether it is enabled, and the journalctl(1) command
 * that shows the entries its Match= selects, to be pasted into a shell. As JSON, an object a line:
 * {"rule", "origin", "enabled", "match": [...], "require": [...], "login", "logout", "connect",
 * "fail": how many patterns, "journalctl": "..."}. Returns 0 or -ENOMEM. */
int list_rules(const struct settings *settings, bool json, FILE *file);
