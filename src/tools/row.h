/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/addr.h"
#include "core/record.h"

/* One line of the list: an address that is allowed now, and why. */
struct row {
    struct addr addr;
    char address[ADDR_TEXT_MAX]; /* as the map's key has it */
    struct record record;
};
