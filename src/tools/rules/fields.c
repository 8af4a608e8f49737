/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names and values lie one behind the other in one buffer that is used again for the next entry.
 * Offsets, not pointers, because it may move when it grows. */

#include "fields.h"

#include <errno.h>
#include <string.h>

/* As many as journald takes for one entry. */
#define FIELDS_MAX 1024

struct field {
    size_t name, name_len, value, value_len;
};

struct fields {
    char *data;
    size_t len, capacity;
    struct field field[FIELDS_MAX];
    size_t count;
};

struct fields *fields_new(void)
{
    return calloc(1, sizeof(struct fields));
}

struct fields *fields_free(struct fields *fields)
{
    if (fields)
        free(fields->data);
    free(fields);
    return NULL;
}

void fields_clear(struct fields *fields)
{
    fields->len = fields->count = 0;
}

static int append(struct fields *fields, const void *data, size_t len, size_t *ret)
{
    if (len > fields->capacity - fields->len) {
        size_t capacity = 2 * (fields->len + len);
        char *grown = realloc(fields->data, capacity);

        if (!grown)
            return -ENOMEM;
        fields->data = grown;
        fields->capacity = capacity;
    }
    if (len > 0)
        memcpy(fields->data + fields->len, data, len);
    *ret = fields->len;
    fields->len += len;
    return 0;
}

int fields_add(struct fields *fields, const char *name, size_t name_len, const void *value,
               size_t value_len)
{
    struct field *field = &fields->field[fields->count];
    int r;

    if (fields->count == FIELDS_MAX)
        return 0;
    r = append(fields, name, name_len, &field->name);
    if (r == 0)
        r = append(fields, value, value_len, &field->value);
    if (r < 0)
        return r;
    field->name_len = name_len;
    field->value_len = value_len;
    fields->count++;
    return 0;
}

int fields_add_word(struct fields *fields, const char *word)
{
    size_t name_len = strcspn(word, "=");
    const char *value = word + name_len + (word[name_len] == '=');

    return fields_add(fields, word, name_len, value, strlen(value));
}

static const struct field *find(const struct fields *fields, const char *name, size_t len)
{
    for (size_t i = 0; i < fields->count; i++)
        if (fields->field[i].name_len == len &&
            memcmp(fields->data + fields->field[i].name, name, len) == 0)
            return &fields->field[i];
    return NULL;
}

int fields_add_missing(struct fields *fields, const struct fields *other)
{
    size_t before = fields->count;
    int r = 0;

    for (size_t i = 0; i < other->count && r == 0; i++) {
        const struct field *field = &other->field[i];
        const char *name = other->data + field->name;
        const struct field *found = find(fields, name, field->name_len);

        /* The same name twice among those of `other` is an entry with two values. */
        if (!found || (size_t)(found - fields->field) >= before)
            r = fields_add(fields, name, field->name_len, other->data + field->value,
                           field->value_len);
    }
    return r;
}

static int get_field(const struct entry *entry, const char *name, const void **ret, size_t *ret_len)
{
    const struct fields *fields = entry->userdata;
    const struct field *field = find(fields, name, strlen(name));

    if (!field)
        return -ENOENT;
    *ret = fields->data + field->value;
    *ret_len = field->value_len;
    return 0;
}

struct entry fields_entry(struct fields *fields, uint64_t realtime_usec)
{
    return (struct entry){
        .get = get_field,
        .userdata = fields,
        .realtime_usec = realtime_usec,
    };
}
