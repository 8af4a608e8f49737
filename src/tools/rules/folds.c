/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shapes are found by a balanced tree (tsearch(3)), and kept in the order in which they came. */

#include "folds.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "core/shape.h"

/* Far more than anybody reads. */
#define FOLDS_MAX 4096

struct shape {
    char text[SHAPE_MAX];
    size_t at; /* in the list */
};

struct folds {
    void *tree; /* of struct shape */
    struct fold *list;
    size_t count, last, beyond;
};

struct folds *folds_new(void)
{
    return calloc(1, sizeof(struct folds));
}

struct folds *folds_free(struct folds *folds)
{
    if (!folds)
        return NULL;
    tdestroy(folds->tree, free);
    for (size_t i = 0; i < folds->count; i++)
        free((char *)folds->list[i].text);
    free(folds->list);
    free(folds);
    return NULL;
}

static int compare_shapes(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int add_shape(struct folds *folds, const char *text)
{
    struct fold *list = reallocarray(folds->list, folds->count + 1, sizeof(*list));
    _cleanup_(freep) struct shape *shape = calloc(1, sizeof(*shape));

    if (list)
        folds->list = list;
    if (!list || !shape)
        return -ENOMEM;
    memcpy(shape->text, text, sizeof(shape->text));
    shape->at = folds->count;
    if (!tsearch(shape, &folds->tree, compare_shapes))
        return -ENOMEM;
    folds->last = folds->count;
    folds->list[folds->count++] = (struct fold){ .shape = shape->text, .count = 1 };
    TAKE_PTR(shape);
    return 0;
}

int folds_add(struct folds *folds, const void *message, size_t len, bool *ret_is_new)
{
    char text[SHAPE_MAX] = "";
    struct shape **found;
    int r;

    shape_fold(message, len, text);
    found = tfind(text, &folds->tree, compare_shapes);
    if (found) {
        folds->list[(*found)->at].count++;
        *ret_is_new = false;
        return 0;
    }
    if (folds->count == FOLDS_MAX) {
        folds->beyond++;
        *ret_is_new = false;
        return 0;
    }
    r = add_shape(folds, text);
    if (r == 0)
        *ret_is_new = true;
    return r;
}

void folds_set_text(struct folds *folds, char *text)
{
    free((char *)folds->list[folds->last].text);
    folds->list[folds->last].text = text;
}

static int compare_counts(const void *a, const void *b)
{
    const struct fold *const *x = a, *const *y = b;

    if ((*x)->count != (*y)->count)
        return (*x)->count < (*y)->count ? 1 : -1;
    return (*x > *y) - (*x < *y);
}

int folds_sort(struct folds *folds, const struct fold ***ret, size_t *ret_count)
{
    const struct fold **sorted = calloc(folds->count + 1, sizeof(*sorted));

    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < folds->count; i++)
        sorted[i] = &folds->list[i];
    qsort(sorted, folds->count, sizeof(*sorted), compare_counts);
    *ret = sorted;
    *ret_count = folds->count;
    return 0;
}

size_t folds_count(const struct folds *folds)
{
    return folds->count;
}

size_t folds_beyond(const struct folds *folds)
{
    return folds->beyond;
}
