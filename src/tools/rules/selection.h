/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-journal.h>

#include "core/cleanup.h"
#include "core/entry.h"

/* Which entries were asked for, in the sense of journalctl(1). */
struct selection;

struct selection *selection_new(void);
struct selection *selection_free(struct selection *selection);
DEFINE_CLEANUP(struct selection *, selection_free)

/* Adds what must hold besides everything else, as -u and -t do; several values of one field are
 * alternatives. The texts are copied. Returns 0 or -ENOMEM. */
int selection_require(struct selection *selection, const char *field, const char *value);

/* Adds "FIELD=value" to the terms; "+" begins an alternative to those before. Returns 0, -ENOMEM,
 * or -EINVAL for other text. */
int selection_add_term(struct selection *selection, const char *text);

/* From when until when, both inclusive. */
void selection_set_since(struct selection *selection, uint64_t usec);
void selection_set_until(struct selection *selection, uint64_t usec);
uint64_t selection_since(const struct selection *selection);
uint64_t selection_until(const struct selection *selection);

/* True if the entry was asked for. */
bool selection_holds(const struct selection *selection, const struct entry *entry);

/* True if nothing is asked for of the fields. */
bool selection_is_everything(const struct selection *selection);

/* Adds matches for the terms, not for the times. Returns 0 or a negative errno. */
int selection_add_matches(const struct selection *selection, sd_journal *journal);

/* Writes "-t imapd _UID=0 + ..."-like text for people: the words, blank-separated; "" if there are
 * none. Returns 0 with a text to be freed, or -ENOMEM. */
int selection_describe(const struct selection *selection, char **ret);
