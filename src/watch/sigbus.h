/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* journald up to 254 truncates files that others have mapped, and the reader gets SIGBUS. From here
 * on such an access finds zeros instead, and sigbus_happened() tells. Returns 0 or a negative
 * errno. */
int sigbus_install(void);

/* True if it happened since the last call: what was read meanwhile cannot be relied on. */
bool sigbus_happened(void);
