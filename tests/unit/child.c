/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "check.h"
#include "child.h"

struct child child_start(child_func func, void *arg)
{
    int up[2], down[2];
    struct child child;

    assert_int_equal(pipe2(up, O_CLOEXEC), 0);
    assert_int_equal(pipe2(down, O_CLOEXEC), 0);
    (void)fflush(NULL);
    child.pid = fork();
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        CHILD_CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
        (void)close(up[0]);
        (void)close(down[1]);
        func(arg, up[1], down[0]);
        _exit(0);
    }
    (void)close(up[1]);
    (void)close(down[0]);
    child.from_child = up[0];
    child.to_child = down[1];
    return child;
}

void child_wait_byte(const struct child *child)
{
    char byte;

    check_int("byte from the child", read(child->from_child, &byte, 1), 1);
}

static int wait_for(struct child *child)
{
    int status;

    (void)close(child->to_child);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    (void)close(child->from_child);
    child->pid = -1;
    return status;
}

void child_finish(struct child *child)
{
    int status = wait_for(child);

    check_true("child ended well", WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void child_kill(struct child *child)
{
    int status;

    assert_int_equal(kill(child->pid, SIGKILL), 0);
    status = wait_for(child);
    /* It may have come to its end before the signal, but not to a bad one. */
    check_true("child was killed or ended well",
               WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}
