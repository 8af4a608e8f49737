/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/cleanup.h"
#include "core/entry.h"
#include "core/settings.h"
#include "fields.h"
#include "selection.h"

/* Where entries come from: a journal, or text. An entry's cursor is its field "__CURSOR". */

struct input_entry {
    struct entry entry; /* holds until the next call on the input */
    bool is_shown;      /* asked for; others are there for what the rules have to remember */
    bool is_first;      /* what went before it is not known */
};

struct input {
    /* Goes to the next entry. Returns 1; 0 at the end; or a negative errno. */
    int (*next)(struct input *input, struct input_entry *ret);
    struct input *(*free)(struct input *input);
};

static inline struct input *input_free(struct input *input)
{
    return input ? input->free(input) : NULL;
}
DEFINE_CLEANUP(struct input *, input_free)

/* A journal, and what to read of it. All of it belongs to the caller. */
struct input_journal_options {
    const char *const *files; /* NULL-terminated; NULL for none */
    const char *directory;
    const char *name_space;
    const struct settings *settings; /* its journal, if none of these is given */
    struct selection *selection;
    const char *boot;   /* as -b takes it, "" for the current one; NULL for all */
    uint64_t lines;     /* the last so many; UINT64_MAX for all */
    uint64_t back_usec; /* for so long before the first one, what the rules ask for is given too */
    bool only_rules;    /* nothing but that is read */
    bool follow;        /* the end is not the end */
    bool (*is_over)(void); /* asked now and then while following */
};

/* Opens it. *reterr_what is then what could not be opened. Returns 0; -ENOMEDIUM if there is not
 * one journal file that can be read; -ENXIO if there is no such boot; or another negative errno. */
int input_open_journal(const struct input_journal_options *options, struct input **ret,
                       const char **reterr_what);

/* Entries in the Journal Export Format, or lines of text, whichever it looks like. A plain line has
 * the fields of `defaults` besides those that its beginning gives it. Takes `file` never to close
 * it; `selection` and `defaults` belong to the caller. Returns 0; -EPROTONOSUPPORT if it looks like
 * JSON; -ENOMEM or another errno. */
int input_open_text(FILE *file, const struct selection *selection, const struct fields *defaults,
                    uint64_t now_usec, struct input **ret);
