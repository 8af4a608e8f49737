# SPDX-License-Identifier: LGPL-2.1-or-later
"""The system has none left of what the watcher needs to be told of changes: it looks by itself, says
so once, and is told again when there are some."""

import subprocess
import unittest

import faults
import journals
import tap
from journals import SEC
from watcher import Sandbox

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


if __name__ == '__main__':
    tap.main()
