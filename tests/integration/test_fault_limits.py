# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the watcher may have is used up. No inotify watches: it looks by itself, says so once, and
is told again when there are some. No descriptors: it stops where it is rather than pass over a file,
says why, and goes on from there when there are more. No memory: it ends, and the next run has lost
nothing."""

import collections
import subprocess
import unittest

import faults
import journals
import tap
from journals import SEC
from watcher import Sandbox, program

LIMIT = '/proc/sys/user/max_inotify_watches'


def namespace(commands):
    """A command prefix that runs a program in a user namespace with limits of its own."""
    wrapper = ['unshare', '--user', '--map-root-user', 'sh', '-c', f'{commands} && exec "$@"', 'sh']
    attempt = subprocess.run([*wrapper, 'true'], capture_output=True, text=True)
    return wrapper if attempt.returncode == 0 else None, attempt.stderr


class Inotify(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        wrapper, reason = namespace(f'echo 0 > {LIMIT}')
        if not wrapper:
            self.skipTest(f'no limit of its own: {reason}')
        self.count = 0
        self.box.write([self.entry()], 'old.journal')
        self.watcher = self.box.start(wrapper=wrapper).wait_ready()

    def entry(self):
        self.count += 1
        return journals.dovecot_login(journals.now() - SEC, f'192.0.2.{self.count}')

    def login(self, file):
        mark = self.watcher.mark()
        self.box.write([self.entry()], file)
        self.watcher.wait_event('allow', f'192.0.2.{self.count}', after=mark)

    def set_limit(self, number):
        subprocess.run(['nsenter', f'--target={self.watcher.pid}', '--user', 'sh', '-c',
                        f'echo {number} > {LIMIT}'], check=True)

    def test_none_left(self):
        process = faults.Process(self.watcher.pid)
        before = process.cpu_seconds()
        for number in range(faults.times(1, 10)):
            self.login('old.journal')
            self.login(f'new{number}.journal')
            (self.box.journal / f'new{number}.journal').unlink()
        self.assertLess(process.cpu_seconds() - before, 2 * self.count)
        self.watcher.wait_line('cannot be watched')
        self.set_limit(1000)
        self.watcher.wait_line('is watched again')
        self.login('last.journal')
        self.watcher.stop()
        told = [line for line in self.watcher.lines if 'watched' in line]
        self.assertEqual(len(told), 2, told)
        allowed = [event.address for event in self.watcher.events('allow', 'extend')]
        self.assertEqual(allowed, [f'192.0.2.{number}' for number in range(1, self.count + 1)])


class Descriptors(unittest.TestCase):
    """A journal has one file at first, and then more than may be open."""

    LIMIT = 60
    FILES = 50

    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.count = 0
        self.add_file()

    def add_file(self):
        """A new file, with one login."""
        self.count += 1
        self.box.write([journals.dovecot_login(journals.now() - SEC, faults.address(self.count))],
                       f'{self.count}.journal')

    def start(self, soft, hard):
        return self.box.start(wrapper=('prlimit', f'--nofile={soft}:{hard}'))

    def allowed(self):
        return set(self.box.list())

    def all(self):
        return {faults.address(number) for number in range(1, self.count + 1)}

    def test_used_up_while_it_runs(self):
        watcher = self.start(self.LIMIT, self.LIMIT).wait_ready()
        while self.count < self.FILES:
            self.add_file()
        watcher.wait_line('reading the journal failed.*: too few files .* LimitNOFILE=')
        process = faults.Process(watcher.pid)
        before = process.cpu_seconds()
        allowed = self.allowed()
        self.assertLess(len(allowed), self.FILES)
        # The oldest ones are deleted, as journald does.
        for number in range(1, self.FILES):
            if faults.address(number) in allowed:
                (self.box.journal / f'{number}.journal').unlink()
        watcher.wait_event('allow', faults.address(self.FILES))
        self.assertLess(process.cpu_seconds() - before, 2)
        self.add_file()
        watcher.wait_event('allow', faults.address(self.count))
        self.assertEqual(self.allowed(), self.all())
        told = [line for line in watcher.lines if 'reading the journal failed' in line]
        self.assertEqual(len(told), 1, told)
        watcher.stop()

    def test_used_up_and_restarted(self):
        """What was passed over by nobody is there for the next run."""
        watcher = self.start(self.LIMIT, self.LIMIT).wait_ready()
        while self.count < self.FILES:
            self.add_file()
        watcher.wait_line('reading the journal failed.*: too few files ')
        watcher.stop()
        self.start(self.LIMIT, 4096).wait_ready().stop()
        self.assertEqual(self.allowed(), self.all())

    def test_too_few_from_the_start(self):
        while self.count < self.FILES:
            self.add_file()
        watcher = self.start(self.LIMIT, self.LIMIT)
        self.assertNotEqual(watcher.wait(), 0)
        watcher.wait_line('journal .* cannot be opened: too few files .* LimitNOFILE=')
        self.start(self.LIMIT, 4096).wait_ready().stop()
        self.assertEqual(self.allowed(), self.all())


class Addresses(unittest.TestCase):
    """A limit on the address space makes allocations fail, wherever it strikes."""

    MIB = 1 << 20

    def limited(self, mib):
        return ['prlimit', f'--as={mib * self.MIB}']

    def test_little_at_the_start(self):
        """Nothing is taken for damage or for a mistake in the configuration; nothing is lost."""
        with Sandbox() as box:
            if subprocess.run([*self.limited(200), program('pop-before-smtp'), '--version'],
                              capture_output=True).returncode != 0:
                self.skipTest('needs a build without AddressSanitizer')
            box.write([journals.dovecot_login(journals.now() - SEC, faults.address(number))
                       for number in range(1, 100)])
            box.start().wait_ready().stop()
            before = box.list()
            box.write([journals.dovecot_login(journals.now() - SEC, faults.address(100))],
                      '2.journal')
            said = collections.Counter()
            for mib in range(6, 33):
                result = box.run(wrapper=self.limited(mib))
                # 127: the program itself cannot be loaded.
                self.assertIn(result.returncode, (1, 77, 127), result.stderr)
                said[result.stderr.splitlines()[-1].rpartition(': ')[2]] += 1
                self.assertEqual(box.list(), before)
                self.assertEqual(list(box.directory.glob('*corrupt*')), [])
            self.assertGreater(said['Cannot allocate memory'] + said['out of memory'], 0, said)
            self.assertGreater(
                said['too little memory may be had to have all of it; raise LimitAS='], 0, said)
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {*before, faults.address(100)})


if __name__ == '__main__':
    tap.main()
