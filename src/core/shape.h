/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* Bytes of a shape with its final NUL. */
#define SHAPE_MAX 256

/* Folds a message to its shape, so that messages that differ only in whom and what they are about
 * have the same one: "N" for digits, "ADDR" for an address, and "..." for what stands in quotes
 * and in round, square, curly and pointed brackets. The text is safe to show (see text.h). Returns
 * its length. */
size_t shape_fold(const void *data, size_t len, char ret[static SHAPE_MAX]);
