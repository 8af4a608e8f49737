/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the journal gives holds only until it is asked for the next field, so that all of it is
 * copied. An entry has some twenty fields and one kilobyte. What does not fit is left where it is,
 * and asked for when it is wanted. */

#include "journal-fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"

#define FIELDS_MAX 64
#define BYTES_MAX  (4 * MESSAGE_MAX)

struct field {
    const char *name, *value; /* in `bytes` */
    size_t name_len, value_len;
};

struct journal_fields {
    bool is_read;
    bool is_whole; /* what is not here is not there */
    size_t count, used;
    struct field items[FIELDS_MAX];
    char bytes[BYTES_MAX];
};

struct journal_fields *journal_fields_new(void)
{
    struct journal_fields *fields = malloc(sizeof(*fields));

    if (fields)
        journal_fields_clear(fields);
    return fields;
}

struct journal_fields *journal_fields_free(struct journal_fields *fields)
{
    free(fields);
    return NULL;
}

void journal_fields_clear(struct journal_fields *fields)
{
    fields->is_read = false;
}

/* Takes the "NAME=value" apart. Returns false if it is not of that form. */
static bool split(const void *data, size_t len, struct field *ret)
{
    const char *text = data, *equals = memchr(text, '=', len);

    if (!equals)
        return false;
    ret->name = text;
    ret->name_len = (size_t)(equals - text);
    ret->value = equals + 1;
    ret->value_len = len - ret->name_len - 1;
    if (ret->value_len > MESSAGE_MAX + 1)
        ret->value_len = MESSAGE_MAX + 1;
    return true;
}

static bool add(struct journal_fields *fields, const void *data, size_t len)
{
    struct field field;
    size_t size;

    if (fields->count == FIELDS_MAX || !split(data, len, &field))
        return false;
    size = field.name_len + 1 + field.value_len;
    if (size > BYTES_MAX - fields->used)
        return false;
    memcpy(fields->bytes + fields->used, data, size);
    field.name = fields->bytes + fields->used;
    field.value = field.name + field.name_len + 1;
    fields->used += size;
    fields->items[fields->count++] = field;
    return true;
}

static void read_all(struct journal_fields *fields, sd_journal *journal)
{
    const void *data;
    size_t len;
    int r;

    fields->is_read = fields->is_whole = true;
    fields->count = fields->used = 0;
    sd_journal_restart_data(journal);
    while ((r = sd_journal_enumerate_data(journal, &data, &len)) > 0)
        if (!add(fields, data, len))
            fields->is_whole = false;
    if (r < 0)
        fields->is_whole = false;
}

static int ask_journal(sd_journal *journal, const char *name, const void **ret, size_t *ret_len)
{
    struct field field;
    const void *data;
    size_t len;
    int r = sd_journal_get_data(journal, name, &data, &len);

    if (r < 0)
        return r;
    if (!split(data, len, &field))
        return -EBADMSG;
    *ret = field.value;
    *ret_len = field.value_len;
    return 0;
}

int journal_fields_get(struct journal_fields *fields, sd_journal *journal, const char *name,
                       const void **ret, size_t *ret_len)
{
    size_t name_len = strlen(name);

    if (!fields->is_read)
        read_all(fields, journal);
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[i];

        if (field->name_len == name_len && memcmp(field->name, name, name_len) == 0) {
            *ret = field->value;
            *ret_len = field->value_len;
            return 0;
        }
    }
    return fields->is_whole ? -ENOENT : ask_journal(journal, name, ret, ret_len);
}
