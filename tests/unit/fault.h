/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Calls that fail when the test says so: those of the program's own objects, which the linker turns
 * to fault.c (see meson.build), not those that libraries make among themselves. */

/* From now on the call with that number, counted from 0, fails once: for want of memory, or as if
 * the disk were full if it is one that writes to a map. */
void fault_arm(unsigned number);

/* The same for calls of TDB alone, where it then tells of that TDB_ERROR, and of no errno. */
void fault_arm_tdb(unsigned number, int code);

/* Nothing fails any more. Returns 0 if nothing did, or else the negative errno that it failed with.
 */
int fault_disarm(void);
