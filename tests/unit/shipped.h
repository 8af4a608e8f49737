/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole journals of real servers, with the forged entries that were put into them, against the
 * rules in conf.d/ and the table together. */

struct shipped_journal {
    const char *name;     /* of tests/journals/NAME.export and NAME.expect */
    const char *files[3]; /* of the rules, in conf.d/; NULL behind the last */
    unsigned logins, logouts;
};

/* Fails the test unless the journal's logins and the ends of its sessions are just those of its
 * .expect file, in order; there, what has "-" for an address cannot be known and must not be
 * found. */
void check_shipped_journal(const struct shipped_journal *journal);
