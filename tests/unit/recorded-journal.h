/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole journals of real servers, with the forged entries that were put into them, against rules of
 * conf.d/ and the table together. */

struct recorded_journal {
    const char *name;     /* of tests/journals/NAME.export and NAME.expect */
    const char *files[3]; /* of the rules, in conf.d/; NULL behind the last */
    unsigned logins, logouts;
    const char *untold[3]; /* how the messages begin that tell nothing; NULL behind the last */
};

/* Fails the test unless the journal's logins and the ends of its sessions are just those of its
 * .expect file, in order. Those that have "-" for an address there, and those that are `untold`,
 * may be missing; how many there are all the same is what `logins` and `logouts` say. */
void check_recorded_journal(const struct recorded_journal *journal);
