/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <string.h>

#include "fake-entry.h"

/* `fields` is what the entry's userdata points to, from const to const. */
static int get(const struct entry *entry, const char *field, const void **ret, size_t *ret_len)
{
    for (const struct fake_field *f = entry->userdata; f->name; f++) {
        if (strcmp(f->name, field) != 0)
            continue;
        if (f->error)
            return f->error;
        *ret = f->data;
        *ret_len = f->len;
        return 0;
    }
    return -ENOENT;
}

struct entry fake_entry(const struct fake_field *fields, uint64_t realtime_usec)
{
    return (struct entry){
        .get = get,
        .userdata = (void *)fields,
        .realtime_usec = realtime_usec,
    };
}
