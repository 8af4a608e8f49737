/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <signal.h>
#include <stdint.h>

/* How long a look-up waits for locks that the map's writer holds: far longer than any commit takes,
 * but not for ever if the writer was stopped in the middle of one. */

/* The flag that is set when it is not worth waiting any longer; for map_give_up_on(). Returns 0 or
 * a negative errno. */
int patience_install(volatile sig_atomic_t **ret);

/* To be called when there is something new to do: from now on there is a new span of patience.
 * After one that ran out it is a short one, until a look-up ends in time. The time is monotonic. */
void patience_renew(uint64_t now_usec);

/* Around each look-up. */
void patience_begin(void);
void patience_end(void);
