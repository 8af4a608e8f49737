# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests that inject faults share: how often they try, traffic, and somebody who asks.

Each of these tests has a short form, and with PBS_LONG=1 in the environment a long one. What is
random follows from a number that PBS_SEED sets, and that is printed; without it, the short form is
the same each time, and the long one is not."""

import collections
import contextlib
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

import journals
from journals import SEC
from watcher import BUILD, DEADLINE

LONG = os.environ.get('PBS_LONG', '') not in ('', '0')
SEED = int(os.environ.get('PBS_SEED') or (time.time_ns() % 1000000 if LONG else 1))


def times(short, long):
    return long if LONG else short


def note(text):
    """A line of TAP that is no result: how often something was tried, what was measured."""
    print(f'# {text}', flush=True)


def chance():
    note(f'PBS_SEED={SEED}')
    return random.Random(SEED)


def dump(path):
    """All that a map holds, byte for byte; the file must be whole."""
    result = subprocess.run([BUILD / 'tests/integration/dump-map', path], capture_output=True,
                            text=True, timeout=DEADLINE)
    if result.returncode != 0:
        raise AssertionError(f'{path} cannot be dumped: exit {result.returncode} {result.stderr}')
    pairs = (line.split(' ') for line in result.stdout.splitlines())
    return {bytes.fromhex(key): bytes.fromhex(value) for key, value in pairs}


def address(number):
    """Number 0 to 65535."""
    return f'198.18.{number >> 8}.{number & 255}' if number % 3 else f'2001:db8::1:{number:x}'


class Traffic:
    """Logins and logouts as they come from Dovecot and Courier: entries of a fixed number of
    addresses, in the order of time."""

    def __init__(self, rng, addresses=3000):
        self.rng = rng
        self.addresses = addresses
        self.open = []
        self.count = 0
        self.used = set()

    def _login(self, when):
        self.count += 1
        where = address(self.rng.randrange(self.addresses))
        user = f'user{self.rng.randrange(500)}'
        self.used.add(where)
        if self.rng.random() < 0.5:
            session = f'S{self.count:x}'
            self.open.append((journals.dovecot_logout, session, user))
            return journals.dovecot_login(when, where, user, session)
        port = 1024 + self.count % 60000
        self.open.append((journals.courier_logout, where, port, user))
        return journals.courier_login(when, where, user, port)

    def entry(self, when):
        if self.open and self.rng.random() < 0.48:
            index = self.rng.randrange(len(self.open))
            self.open[index], self.open[-1] = self.open[-1], self.open[index]
            make, *rest = self.open.pop()
            return make(when, *rest)
        return self._login(when)

    def entries(self, count, first, last):
        """So many, from the one time to the other."""
        return [self.entry(first + (last - first) * number // count) for number in range(count)]


class Asker:
    """A client that keeps asking a bridge about addresses, as an smtpd does, and keeps the answers.

    `choose` gives the next address; `judge`, called with the address and the answer, returns what
    is wrong with it, if anything is. An answer that does not come is wrong."""

    def __init__(self, bridge, choose, judge, pause=0.0005):
        self.bridge, self.choose, self.judge, self.pause = bridge, choose, judge, pause
        self.answers = collections.Counter()
        self.wrong = []
        self.slowest = 0.0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            with self.bridge.connect() as client:
                while not self.stopping.wait(self.pause):
                    where = self.choose()
                    start = time.monotonic()
                    answer = client.ask(where)
                    self.slowest = max(self.slowest, time.monotonic() - start)
                    self.answers[answer.rstrip('\n')] += 1
                    problem = self.judge(where, answer)
                    if problem:
                        self.wrong.append(f'{where}: {answer!r}: {problem}')
        except Exception as error:  # a thread's exceptions are nobody's otherwise
            self.wrong.append(f'the client failed: {error!r}')

    def stop(self):
        """Returns all that was wrong."""
        self.stopping.set()
        self.thread.join(DEADLINE)
        if self.thread.is_alive():
            self.wrong.append('an answer does not come')
        return self.wrong

    def __str__(self):
        told = ', '.join(f'{count} × {answer}' for answer, count in self.answers.most_common())
        return f'{told}; slowest {self.slowest * 1000:.0f} ms'


class Process:
    """What the kernel says of a running program."""

    def __init__(self, pid):
        self.directory = pathlib.Path(f'/proc/{pid}')

    def cpu_seconds(self):
        fields = (self.directory / 'stat').read_text().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def open_files(self):
        """Where its descriptors lead; it goes on opening and closing files meanwhile."""
        found = []
        for entry in (self.directory / 'fd').iterdir():
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink(entry))
        return found

    def memory_kib(self):
        """Memory of its own; pages of files that are mapped do not count."""
        for line in (self.directory / 'status').read_text().splitlines():
            if line.startswith('RssAnon:'):
                return int(line.split()[1])
        raise RuntimeError('no RssAnon')
