/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cleanup.h"

/* Misses of the same shape, counted, with what is to be said of the first of them. */
struct folds;

struct fold {
    const char *shape;
    size_t count;
    const char *text; /* NULL until it is set */
};

struct folds *folds_new(void);
struct folds *folds_free(struct folds *folds);
DEFINE_CLEANUP(struct folds *, folds_free)

/* Counts a message. *ret_is_new tells that it is the first of its shape; then folds_set_text() may
 * follow. Shapes beyond a limit are counted together, since strangers choose them. Returns 0 or
 * -ENOMEM. */
int folds_add(struct folds *folds, const void *message, size_t len, bool *ret_is_new);

/* Sets the text of the shape that was added last; takes it. */
void folds_set_text(struct folds *folds, char *text);

/* All shapes, the most frequent first, of equal ones the first seen; for the caller to free(), and
 * valid until the next folds_add(). Returns 0 or -ENOMEM. */
int folds_sort(struct folds *folds, const struct fold ***ret, size_t *ret_count);

size_t folds_count(const struct folds *folds);

/* How many messages had none of these shapes. */
size_t folds_beyond(const struct folds *folds);
