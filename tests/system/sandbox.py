# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a function in namespaces of its own, so that whatever it leaves behind dies with it.

The function runs as process 1 of a new PID namespace and in a new mount namespace. However it ends,
be it SIGKILL, the kernel then kills every process that it started and drops every mount that it
made; only empty control groups are left to be removed by hand, and that happens here.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
MS_NOSUID_NODEV_NOEXEC = 0x2 | 0x4 | 0x8
MS_REC_PRIVATE = 0x4000 | 0x40000
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, kind, options="", flags=0):
    check(libc.mount(source.encode(), os.fsencode(target), kind.encode(), flags, options.encode()),
          f"mount {kind} on {target}")


def unmount(target):
    """Takes a mount away as soon as nothing uses it any more; none there is no error."""
    libc.umount2(os.fsencode(target), MNT_DETACH)


def control_groups():
    """The directories of our own control groups in the hierarchies that systemd manages."""
    mounts = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        if kind == "cgroup2":
            mounts[""] = fields.split()[4]
        elif kind == "cgroup" and "name=systemd" in options:
            mounts["name=systemd"] = fields.split()[4]
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in mounts:
            yield Path(mounts[controllers] + path)


def remove_group(group):
    for directory, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):
            os.rmdir(directory)


def inside(function, groups):
    # Without its parent nobody would end this process: the signals go to the parent alone.
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")
    os.setsid()
    for group in groups:
        (group / "cgroup.procs").write_text("0")
    check(libc.unshare(CLONE_NEWNS), "unshare")
    check(libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None), "make / private")
    mount("proc", "/proc", "proc", flags=MS_NOSUID_NODEV_NOEXEC)
    return function()


def child(function, groups):
    """The life of the child process; it never returns into the code of the parent."""
    status = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        status = inside(function, groups)
    except BaseException:  # pylint: disable=broad-except; also SystemExit must end here
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class Interrupted(Exception):
    """A signal asks this program to end."""


def interrupt(number, _frame):
    raise Interrupted(signal.Signals(number).name)


def run_inside(function):
    """Calls function() in namespaces of its own and returns what it returns, an exit status."""
    groups = []
    pid = None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        for directory in control_groups():
            group = directory / f"pbs-system-test-{os.getpid()}"
            group.mkdir()
            groups.append(group)
        check(libc.unshare(CLONE_NEWPID), "unshare")
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            child(function, groups)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        pid = None
        return status
    except Interrupted as signalled:
        print(f"Bail out! {signalled}", flush=True)
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if pid:
            # The kernel reports process 1 of the namespace dead when all the others are.
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for group in groups:
            remove_group(group)
