/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Whether the system still gives what sd_journal needs for the files that it finds by itself. It
 * keeps to itself that it could not open a file, or add a watch (systemd 252). */

/* To be asked after sd_journal has followed changes. Returns 0, or -EMFILE or -ENOMEM if files may
 * be missing: who then reads on passes over what is in them, for good. */
int journal_room_check(void);

/* If there is a watch left for us, sd_journal got its own. */
bool journal_room_has_watches(void);
