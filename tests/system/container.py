# SPDX-License-Identifier: LGPL-2.1-or-later
"""A container with a real systemd: an overlay over this machine's /, booted by systemd-nspawn.

To be used within sandbox.run_inside(), which takes the mounts and the processes away again.
"""

import ctypes
import fcntl
import os
import shutil
import socket
import subprocess
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

from sandbox import check, libc, mount, unmount

CLONE_NEWNET = 0x40000000
BOOT_SECONDS = 60
COMMAND_SECONDS = 60
INSTALL_SECONDS = 900

NO_SERVICES = """#!/bin/sh
# No service is started while packages are installed.
exit 101
"""


class Failure(Exception):
    """A command failed; the text holds what it said."""


def wait_until(condition, seconds=10.0, interval=0.1):
    """Calls condition() until it gives something true, and returns that; the last answer otherwise.

    For what has no event to wait on. The deadline is generous, since a pass returns at once.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(interval)


@contextmanager
def dpkg_idle():
    """Keeps this machine's own package manager from changing what lies below the overlay."""
    with open("/var/lib/dpkg/lock-frontend", "a", encoding="ascii") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        yield


def execute(argv, stdin=b"", timeout=COMMAND_SECONDS, must_succeed=True, **options):
    """Runs a command; its output, error messages included, comes back as text."""
    command = " ".join(str(word) for word in argv)
    try:
        done = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=timeout, check=False, **options)
    except subprocess.TimeoutExpired:
        raise Failure(f"{command}: not finished after {timeout} s") from None
    done.stdout = done.stdout.decode(errors="replace")
    if must_succeed and done.returncode != 0:
        raise Failure(f"{command}: exit status {done.returncode}\n{done.stdout}")
    return done


class Container:
    """One overlay and what runs in it."""

    def __init__(self, name, directory, cache):
        self.name = name
        self.directory = Path(directory) / name
        self.root = self.directory / "root"
        self.cache = Path(cache)
        self.leader = None  # process 1 of the container, by its number out here
        self.process = None

    def mount_root(self):
        self.directory.mkdir()
        mount("tmpfs", self.directory, "tmpfs", "mode=0755")
        for part in ("upper", "work", "root"):
            (self.directory / part).mkdir()
        mount("overlay", self.root, "overlay",
              f"lowerdir=/,upperdir={self.directory}/upper,workdir={self.directory}/work")

    def forget_host(self):
        """Takes out what this machine's own state could add to a test."""
        for path in ("var/log/journal", "var/lib/pop-before-smtp", "etc/pop-before-smtp",
                     "usr/lib/pop-before-smtp"):
            shutil.rmtree(self.root / path, ignore_errors=True)
        # A journal on disk, so that rotating and vacuuming mean something.
        self.write("etc/systemd/journald.conf", "[Journal]\nStorage=persistent\n")
        (self.root / "var/log/journal").mkdir()
        self.write("etc/machine-id", uuid.uuid4().hex + "\n")
        self.write("etc/hostname", self.name + "\n")

    def write(self, path, content, mode=0o644, owner=None):
        """Writes a file of the container, also while it runs; a link is replaced, not followed."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_symlink():
            file.unlink()
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(mode)
        if owner is not None:
            os.chown(file, *owner)

    def nspawn(self, *words):
        return ["systemd-nspawn", "--quiet", "--keep-unit", "--register=no",
                f"--machine={self.name}", f"--directory={self.root}", *words]

    def apt_get(self, *words):
        self.cache.mkdir(parents=True, exist_ok=True)
        return execute(self.nspawn(
            "--as-pid2", "--resolv-conf=copy-host", f"--bind={self.cache}:/var/cache/pbs-packages",
            "--setenv=DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes",
            "--option=Dir::Cache::archives=/var/cache/pbs-packages",
            "--option=APT::Keep-Downloaded-Packages=true", "--no-install-recommends", *words),
            timeout=INSTALL_SECONDS)

    def install_packages(self, packages):
        (self.root / "var/cache/pbs-packages").mkdir(exist_ok=True)
        (self.cache / "partial").mkdir(parents=True, exist_ok=True)
        policy = self.root / "usr/sbin/policy-rc.d"
        self.write("usr/sbin/policy-rc.d", NO_SERVICES, 0o755)
        try:
            self.apt_get("install", *packages)
        except Failure:
            # The package lists may be old, or missing as on a fresh machine.
            self.apt_get("update")
            self.apt_get("install", *packages)
        policy.unlink()

    def prepare(self, packages):
        """Makes the overlay and installs packages into it; nothing runs yet."""
        self.mount_root()
        with dpkg_idle():
            self.install_packages(packages)
        self.forget_host()

    def boot(self, *options):
        """Boots to basic.target: what this machine enables for itself has no place in a test."""
        address = str(self.directory / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(address)
            notify.settimeout(BOOT_SECONDS)
            with open(self.directory / "console", "wb") as console:
                self.process = subprocess.Popen(
                    self.nspawn("--private-network", "--notify-ready=yes", "--link-journal=no",
                                *options, "--boot", "systemd.unit=basic.target"),
                    env={**os.environ, "NOTIFY_SOCKET": address}, stdin=subprocess.DEVNULL,
                    stdout=console, stderr=subprocess.STDOUT)
            self.await_ready(notify)

    def await_ready(self, notify):
        ready = False
        while not ready:
            try:
                message = notify.recv(4096).decode()
            except TimeoutError:
                raise Failure("the container does not boot:\n" + self.console()) from None
            for line in message.splitlines():
                if line.startswith("X_NSPAWN_LEADER_PID="):
                    self.leader = int(line.partition("=")[2])
                ready = ready or line == "READY=1"

    def console(self):
        return (self.directory / "console").read_text(errors="replace")

    def command(self, *argv):
        """The command that runs another one in the container, in none of its units."""
        return ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid",
                "--", *argv]

    def install(self, build):
        """Installs what was built, as an administrator does."""
        self.run(shutil.which("meson"), "install", "-C", str(build), "--no-rebuild")

    def run(self, *argv, **options):
        """Runs a command in the container, in none of its units. Returns its output."""
        return self.attempt(*argv, **options).stdout

    def attempt(self, *argv, must_succeed=True, **options):
        """As run(), and the exit status comes too."""
        return execute(self.command(*argv), must_succeed=must_succeed, **options)

    def run_in_unit(self, *argv, user="root", properties=(), **options):
        """Runs a command as a service of the container, the way a user's own process would run."""
        return self.run("systemd-run", "--quiet", "--wait", "--pipe", "--collect", f"--uid={user}",
                        *(f"--property={word}" for word in properties), "--", *argv, **options)

    @contextmanager
    def network(self):
        """Sockets made here by this thread belong to the container's network."""
        with open("/proc/thread-self/ns/net", "rb") as ours, \
                open(f"/proc/{self.leader}/ns/net", "rb") as theirs:
            check(libc.setns(theirs.fileno(), CLONE_NEWNET), "setns")
            try:
                yield
            finally:
                check(libc.setns(ours.fileno(), CLONE_NEWNET), "setns")

    def add_addresses(self, addresses):
        """Makes addresses that clients can have."""
        lines = [f"address add {address}/{128 if ':' in address else 32} dev lo\n"
                 for address in addresses]
        self.run("ip", "-batch", "-", stdin="".join(lines).encode())

    def stop(self):
        """Ends the container, whatever runs there, and gives its memory back."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        unmount(self.root)
        unmount(self.directory)


libc.setns.argtypes = [ctypes.c_int, ctypes.c_int]
