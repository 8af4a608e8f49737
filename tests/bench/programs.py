# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs that are compared, and how long each takes.

What they write goes to a file system in memory where there is one: programs are measured here, not
disks."""

import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
DEADLINE = 1800  # seconds; only what hangs takes so long

# journald's word that it has dropped something, which the watcher reads too.
_NOTICES = 'MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e _TRANSPORT=driver'
_RULES = ('50-dovecot.conf', '50-courier.conf')

_ENVIRONMENT = {key: value for key, value in os.environ.items()
                if key not in ('JOURNAL_STREAM', 'NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID')}


def matches():
    """What the watcher asks the journal for, by the rules that are enabled by default, in the words
    of journalctl."""
    lines = []
    for name in _RULES:
        text = (SOURCE / 'conf.d' / name).read_text().replace('\\\n', ' ')
        lines += re.findall(r'^Match=(.*)$', text, re.MULTILINE)
    return shlex.split(' + '.join([*lines, _NOTICES]))


def directory():
    """For what a run writes; the caller removes it."""
    memory = '/dev/shm'
    return pathlib.Path(tempfile.mkdtemp(prefix='pbs-bench-',
                                         dir=memory if os.access(memory, os.W_OK) else None))


def output(command):
    """Runs a command to its end. Returns what it printed and how many seconds it took."""
    begin = time.perf_counter()
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            errors='replace', timeout=DEADLINE, env=_ENVIRONMENT)
    seconds = time.perf_counter() - begin
    if result.returncode != 0:
        raise RuntimeError(f'{command[0]}: exit {result.returncode}: {result.stderr[-500:]}')
    return result.stdout, seconds


def numbers(command):
    """Runs a program of the benchmark; for the numbers that it prints, by their names."""
    return {name: int(value) for name, value in
            (line.split() for line in output(command)[0].splitlines())}


class Programs:
    """Where the programs are that were built."""

    def __init__(self, build):
        self.bench = build / 'tests/bench'
        self.watcher = build / 'src/watch/pop-before-smtp'
        self.bridge = build / 'src/lookup/pbs-lookupd'
        self.rules = SOURCE / 'conf.d'


class Daemon:
    """A program that serves until it is ended."""

    def __init__(self, command, **keywords):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=_ENVIRONMENT,
                                        text=True, errors='replace', **keywords)
        self.pid = self.process.pid

    def private_kib(self, *excluded):
        """Private memory, without the pages of the files in `excluded`: they are the system's
        cache, and would be there without this process."""
        total, counts = 0, True
        for line in pathlib.Path(f'/proc/{self.pid}/smaps').read_text().splitlines():
            words = line.split()
            if not words[0].endswith(':'):
                counts = not (len(words) > 5 and any(part in words[5] for part in excluded))
            elif counts and words[0] in ('Private_Clean:', 'Private_Dirty:'):
                total += int(words[1])
        return total

    def wake_ups(self):
        """How often it has given up the processor, for whatever reason."""
        text = pathlib.Path(f'/proc/{self.pid}/status').read_text()
        return sum(int(count) for count in re.findall(r'ctxt_switches:\s+(\d+)', text))

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.end()
        return False


class Server(Daemon):
    """One that prints where it listens."""

    def __init__(self, command):
        super().__init__(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in self.process.stdout:
            if found := re.search(r'listening on 127\.0\.0\.1:(\d+)', line):
                self.port = int(found[1])
                return
        raise RuntimeError(f'{command[0]} does not listen; exit {self.process.wait()}')


class Watcher(Daemon):
    """The watcher on a journal; `seconds` is what it took until it was ready."""

    def __init__(self, programs, place, journal, map_path, settings=''):
        config = place / 'pop-before-smtp.conf'
        rules = place / 'conf.d'
        rules.mkdir(exist_ok=True)
        for name in _RULES:
            if not (rules / name).exists():
                (rules / name).symlink_to(programs.rules / name)
        config.write_text(f'[Watcher]\nLocalNetworks=127.0.0.0/8\n{settings}\n')
        path = place / 'notify'
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
            notifications.bind(str(path))
            notifications.settimeout(DEADLINE)
            _ENVIRONMENT['NOTIFY_SOCKET'] = str(path)
            begin = time.perf_counter()
            try:
                super().__init__([programs.watcher, f'--config={config}', f'--watchlog={journal}',
                                  f'--dbfile={map_path}', f'--logto={place / "log"}'])
            finally:
                del _ENVIRONMENT['NOTIFY_SOCKET']
            self._wait_ready(notifications)
            self.seconds = time.perf_counter() - begin

    def _wait_ready(self, notifications):
        notifications.settimeout(1)
        while True:
            try:
                if b'READY=1' in notifications.recv(65536).splitlines():
                    return
            except TimeoutError:
                if self.process.poll() is not None:
                    raise RuntimeError(f'the watcher ended: exit {self.process.returncode}') \
                        from None
