/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `pbs-rules explain` and `pbs-list --explain`: the entries for which an address is allowed. */

struct explain_options {
    const char *address;
    const char *config;       /* NULL: the installed one */
    const char *map_file;     /* NULL: the configured one */
    const char *const *files; /* as in struct input_journal_options */
    const char *directory, *name_space;
};

/* Prints the map's record of the address and then the journal's entries about it, the newest first.
 * Returns the exit status: 0 if the map holds the address, 1 if it does not, or what tells that
 * something cannot be read, which has been complained about. */
int explain_run(const struct explain_options *options);
