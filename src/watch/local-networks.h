/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/network.h"

/* Adds what Postfix takes for its own networks, as "postconf -xh mynetworks" says: networks, "!"
 * exceptions, files of them, and cidr: tables. What it cannot use (other tables, host names) it
 * warns of and leaves out: a network too few only means that its clients are listed without need.
 * Returns 0, -ENOENT if there is no Postfix, -ENOMEM, or another negative errno, logged. */
int local_networks_import(struct networks *networks);

/* Adds 127.0.0.0/8 and ::1. Returns 0 or -ENOMEM. */
int local_networks_add_loopback(struct networks *networks);
