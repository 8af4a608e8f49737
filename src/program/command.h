/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Runs a program found in $PATH, without a shell, and collects at most `size` - 1 bytes of what it
 * prints, with a NUL behind them. Standard input is empty, standard error goes where ours goes.
 *
 * Returns 0; -ENOENT if there is no such program; -ETIMEDOUT if it took longer than `timeout_usec`
 * (it is killed then); -EPROTO if it failed; -E2BIG if it printed more; or another negative errno.
 */
int command_read(const char *const argv[], uint64_t timeout_usec, char *ret, size_t size);
