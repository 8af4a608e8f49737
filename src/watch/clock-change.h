/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A descriptor that becomes readable when the real-time clock is set. */

/* Returns the descriptor, which is the caller's, or a negative errno. */
int clock_change_open(void);

/* Makes it wait for the next time. Returns 1 if the clock was set, 0 if it was not, or a negative
 * errno. */
int clock_change_take(int fd);
