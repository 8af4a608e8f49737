/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* True if the stream is a terminal that shows colours and nobody asked for none: NO_COLOR, and
 * SYSTEMD_COLORS, which wins. */
bool colour_wanted(FILE *file);
