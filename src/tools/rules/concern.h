/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "core/entry.h"
#include "core/rule.h"

/* True if an entry that no rule took is near enough to one, enabled or not, that an administrator
 * may wonder why: the rule speaks for it, or names its unit or syslog identifier, or one of its
 * patterns would match the message. All others are of other programs. */
bool concerns_rules(const struct rules *rules, const struct entry *entry);
