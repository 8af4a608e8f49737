/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Going to the background the old way, for systems that are not run by systemd. */

/* Forks. The parent stays until background_ready() or the child's end, and exits with what the
 * child then has to say; only the child returns. The child has a session of its own, works in "/",
 * and has written its number to `pid_file`, which must not be a link or hold anything but a number.
 * Returns 0 or a negative errno. */
int background_enter(const char *pid_file);

/* In words, why background_enter() failed. */
const char *background_error_text(int error);

/* In the child: lets the parent go, and the terminal with it. Returns 0 or a negative errno. */
int background_ready(void);

/* In the child, at the end: removes the file that background_enter() wrote. */
void background_leave(void);
