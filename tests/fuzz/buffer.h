/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* Bytes that are put together; what does not fit is dropped. Room for a message of the greatest
 * length that is looked at, and more. */
struct buffer {
    size_t len;
    char data[12288];
};

void buffer_add(struct buffer *buffer, const void *data, size_t len);
void buffer_add_text(struct buffer *buffer, const char *text);

/* Some of the bytes: the beginning, the end or what is between, of random length. */
void buffer_add_part(struct buffer *buffer, const void *data, size_t len);
