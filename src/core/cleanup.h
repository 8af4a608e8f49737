/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Scope-bound ownership: `_cleanup_(freep) char *text` is freed when it goes out of scope, unless
 * TAKE_PTR() has moved it out before. */

#define _cleanup_(function) __attribute__((cleanup(function)))

#define TAKE_PTR(pointer)                                                                          \
    ({                                                                                             \
        __typeof__(pointer) *_slot = &(pointer);                                                   \
        __typeof__(pointer) _taken = *_slot;                                                       \
        *_slot = NULL;                                                                             \
        _taken;                                                                                    \
    })

#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int *_slot = &(fd);                                                                        \
        int _taken = *_slot;                                                                       \
        *_slot = -1;                                                                               \
        _taken;                                                                                    \
    })

/* Makes `destroy`p(), the cleanup function for variables of `type`, which leaves NULL alone. */
#define DEFINE_CLEANUP(type, destroy)                                                              \
    static inline void destroy##p(type *slot)                                                      \
    {                                                                                              \
        if (*slot)                                                                                 \
            destroy(*slot);                                                                        \
    }

static inline void freep(void *slot)
{
    free(*(void **)slot);
}

static inline void closep(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)
