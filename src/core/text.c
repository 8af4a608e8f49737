/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text that strangers choose, made fit to be stored and shown. Names in other scripts stay legible;
 * what could move the cursor, break the line or turn the reading direction does not survive. */

#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The length of the well-formed UTF-8 sequence (Unicode, table 3-7) at the start, and its value; 0
 * if there is none. */
static size_t utf8_sequence(const uint8_t *bytes, size_t len, uint32_t *ret)
{
    static const struct {
        uint8_t first, last, mask;
        size_t len;
        uint32_t least;
    } forms[] = {
        { 0x00, 0x7f, 0x7f, 1, 0 },
        { 0xc2, 0xdf, 0x1f, 2, 0x80 },
        { 0xe0, 0xef, 0x0f, 3, 0x800 },
        { 0xf0, 0xf4, 0x07, 4, 0x10000 },
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        uint32_t value;

        if (bytes[0] < forms[i].first || bytes[0] > forms[i].last || len < forms[i].len)
            continue;
        value = bytes[0] & forms[i].mask;
        for (size_t k = 1; k < forms[i].len; k++) {
            if ((bytes[k] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (bytes[k] & 0x3f);
        }
        if (value < forms[i].least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
            return 0;
        *ret = value;
        return forms[i].len;
    }
    return 0;
}

static bool is_harmless(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } refused[] = {
        { 0x00, 0x1f },       /* C0 controls */
        { 0x7f, 0x9f },       /* DEL and C1 controls */
        { 0x061c, 0x061c },   /* Arabic letter mark, a direction control */
        { 0x200b, 0x200f },   /* invisible, and direction marks */
        { 0x2028, 0x202e },   /* line and paragraph separators, direction overrides */
        { 0x2060, 0x206f },   /* invisible, and direction isolates */
        { 0xfeff, 0xfeff },   /* byte order mark */
        { 0xe0000, 0xe007f }, /* invisible tags */
    };

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (c >= refused[i].first && c <= refused[i].last)
            return false;
    return true;
}

size_t text_sanitise(const void *data, size_t len, char *ret, size_t size)
{
    const uint8_t *bytes = data;
    size_t used = 0;

    for (size_t i = 0; i < len;) {
        uint32_t c = bytes[i];
        /* Nearly all are printable ASCII. */
        bool is_plain = c >= ' ' && c <= '~';
        size_t n = is_plain ? 1 : utf8_sequence(bytes + i, len - i, &c);
        bool keep = is_plain || (n > 0 && is_harmless(c));

        if (used + (keep ? n : 1) >= size)
            break;
        if (keep)
            memcpy(ret + used, bytes + i, n);
        else
            ret[used] = '?';
        used += keep ? n : 1;
        i += n > 0 ? n : 1;
    }
    if (used > 0 && ret[0] == ' ')
        ret[0] = '?';
    if (used > 0 && ret[used - 1] == ' ')
        ret[used - 1] = '?';
    ret[used] = 0;
    return used;
}

uint32_t text_hash(const void *data, size_t len)
{
    const unsigned char *bytes = data;
    uint32_t hash = 2166136261;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 16777619;
    return hash;
}
