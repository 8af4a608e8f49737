/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/network.h"
#include "core/settings.h"

/* Is told what an administrator should know; `priority` is one of syslog(3). */
typedef void (*local_networks_note_func)(int priority, const char *text);

/* Collects the networks whose clients need no map: loopback, what LocalNetworks= lists, and if it
 * says so what Postfix takes for its own, as "postconf -xh mynetworks" prints it: networks, "!"
 * exceptions, files of them, and cidr: tables. What cannot be used of that (other tables, host
 * names, a Postfix that fails or is missing) is noted and left out: a network too few only means
 * that its clients are listed without need. Without any network and without Postfix, nothing is
 * local. Returns 0, -E2BIG or -ENOMEM. */
int local_networks_collect(const struct settings *settings, local_networks_note_func note,
                           struct networks **ret);
