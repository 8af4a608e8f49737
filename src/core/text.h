/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* Copies bytes that someone else chose into text that is safe to store, log and show: valid UTF-8
 * on one line, without control characters or those that reorder what is displayed; each such
 * character, and each byte that is part of none, becomes '?'. Cuts at `size` - 1 bytes, between
 * characters, and ends with NUL. Blanks at either end become '?', so that the text keeps its shape
 * in a blank-separated record. Returns the length. */
size_t text_sanitise(const void *data, size_t len, char *ret, size_t size);
