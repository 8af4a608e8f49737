/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Copies bytes that someone else chose into text that is safe to store, log and show: valid UTF-8
 * on one line, without control characters or those that reorder what is displayed; each such
 * character, and each byte that is part of none, becomes '?'. Cuts at `size` - 1 bytes, between
 * characters, and ends with NUL. Blanks at either end become '?', so that the text keeps its shape
 * in a blank-separated record. Returns the length. */
size_t text_sanitise(const void *data, size_t len, char *ret, size_t size);

/* FNV-1a. Whoever makes two names collide only has a record looked at in vain. */
uint32_t text_hash(const void *data, size_t len);
