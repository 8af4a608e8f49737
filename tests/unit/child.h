/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

/* Another process of a test. It must not fail the way a test does, since that would go on with the
 * tests that follow: it says what is wrong and ends. */

#define CHILD_CHECK(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: in the child: not so: %s\n", __FILE__, __LINE__, #condition);  \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

struct child {
    pid_t pid;
    int from_child; /* end of file when the child ends */
    int to_child;   /* closing it tells the child something, or nothing, as it likes */
};

/* Runs func(arg, ...) in a child that dies with this process. The child exits with status 0 when
 * func returns; it may write to `to_parent` and read from `from_parent`. */
typedef void (*child_func)(void *arg, int to_parent, int from_parent);
struct child child_start(child_func func, void *arg);

/* Waits for one byte from the child: fails the test if it ends without it. */
void child_wait_byte(const struct child *child);

/* Waits for the child's end and fails the test unless it was a good one. */
void child_finish(struct child *child);

/* Kills the child with SIGKILL and waits for its end. */
void child_kill(struct child *child);
