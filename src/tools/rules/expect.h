/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "core/cleanup.h"
#include "core/entry.h"
#include "replay.h"

/* Comparing the logins and logouts that the rules found with those that there should be. A file has
 * a line for each: "login" or "logout", the address, the user and the message, with TABs between
 * them; a TAB inside is written "\x09", a newline "\x0a". The address "-" means that nobody can
 * know it: any will do, and so will no such event at all. */
struct expect;

/* Reads the file. Returns 0; -EBADMSG with the number of the wrong line in *reterr_line; or another
 * negative errno. */
int expect_read(const char *path, struct expect **ret, unsigned *reterr_line);
struct expect *expect_free(struct expect *expect);
DEFINE_CLEANUP(struct expect *, expect_free)

/* Adds what was found. Returns 0 or -ENOMEM. */
int expect_add(struct expect *expect, const struct outcome *outcome, const struct entry *entry);

/* Prints what is missing with "-" and what is too much with "+" in front, in its place among what
 * is right, and nothing if all is. Returns 0, 1 if there is a difference, -ENOMEM, or
 * -E2BIG if the lists are too long and too different. */
int expect_print(const struct expect *expect, FILE *file);
