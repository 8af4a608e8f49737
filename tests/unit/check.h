/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Comparisons that say what was tested, what came and what should have come; the first one that
 * fails ends the test. `what` names the case, most often by its input. */

#define check_true(what, condition)                                                                \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("%s: not so: %s", (what), #condition);                                        \
    } while (0)

#define check_int(what, got, want)                                                                 \
    do {                                                                                           \
        long long _got = (got), _want = (want);                                                    \
        if (_got != _want)                                                                         \
            fail_msg("%s: %s: got %lld, want %lld", (what), #got, _got, _want);                    \
    } while (0)

#define check_unsigned(what, got, want)                                                            \
    do {                                                                                           \
        unsigned long long _got = (got), _want = (want);                                           \
        if (_got != _want)                                                                         \
            fail_msg("%s: %s: got %llu, want %llu", (what), #got, _got, _want);                    \
    } while (0)

#define check_text(what, got, want)                                                                \
    do {                                                                                           \
        const char *_got = (got), *_want = (want);                                                 \
        if (!_got || !_want ? _got != _want : strcmp(_got, _want) != 0)                            \
            fail_msg("%s: %s: got \"%s\", want \"%s\"", (what), #got, _got ? _got : "(null)",      \
                     _want ? _want : "(null)");                                                    \
    } while (0)

#define check_bytes(what, got, got_len, want, want_len)                                            \
    do {                                                                                           \
        size_t _got_len = (got_len), _want_len = (want_len);                                       \
        const void *_got = (got), *_want = (want);                                                 \
        if (_got_len != _want_len || (_got_len > 0 && memcmp(_got, _want, _got_len) != 0))         \
            fail_msg("%s: %s: got %zu bytes \"%.*s\", want %zu bytes \"%.*s\"", (what), #got,      \
                     _got_len, (int)_got_len, (const char *)_got, _want_len, (int)_want_len,       \
                     (const char *)_want);                                                         \
    } while (0)
