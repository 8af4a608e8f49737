/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "options.h"

/* `pbs-rules test`. Returns the exit status. */
int test_run(const struct options *options);
