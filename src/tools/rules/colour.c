/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "colour.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool colour_wanted(FILE *file)
{
    static const char *const off[] = { "0", "no", "n", "false", "f", "off" };
    const char *systemd = getenv("SYSTEMD_COLORS"), *none = getenv("NO_COLOR"),
               *terminal = getenv("TERM");

    if (systemd && *systemd) {
        for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
            if (strcasecmp(systemd, off[i]) == 0)
                return false;
        return true;
    }
    return isatty(fileno(file)) && !(none && *none) && terminal && strcmp(terminal, "dumb") != 0;
}
