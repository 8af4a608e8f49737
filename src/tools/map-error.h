/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Says on standard error what is wrong with a map that could not be read, and what to do; returns
 * the exit status for it. `error` is a negative errno. */
int map_error_complain(const char *path, int error);
