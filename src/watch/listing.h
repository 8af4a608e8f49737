/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Prints how many addresses are allowed now, and each of them, in numeric order: what --list has
 * always done; pbs-list(1) does more. Returns an exit status of sysexits(3). */
int listing_print(const char *map_path);
