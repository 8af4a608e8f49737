/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "buffer.h"
#include "unit/random.h"

void buffer_add(struct buffer *buffer, const void *data, size_t len)
{
    size_t room = sizeof(buffer->data) - buffer->len;

    if (len > room)
        len = room;
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_add_part(struct buffer *buffer, const void *data, size_t len)
{
    size_t start = random_below(3) ? random_below(len + 1) : 0;
    size_t end = random_below(3) ? start + random_below(len - start + 1) : len;

    buffer_add(buffer, (const char *)data + start, end - start);
}
