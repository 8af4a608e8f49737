# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real journald is made to rotate its files and to delete old ones in a tight loop, while thousands
log in each second. Every login is counted, and the watcher holds no more files and no more memory at
the end than at the beginning."""

import os
import threading
import time
import unittest

import faults
import journald
import tap
from watcher import Sandbox

RULE = '''[Rule fast]
Trust=forgeable
Match=SYSLOG_IDENTIFIER=dovecot
Login=^login from (?<addr>[^ ]+) as (?<user>.*)$
'''
ADDRESSES = 2000
RATE = 5000
# journald keeps so much that the reader is behind by seconds before it loses anything.
SETTINGS = 'RuntimeMaxUse=256M\nRuntimeMaxFileSize=8M\nRuntimeMaxFiles=20'


class Rotation(unittest.TestCase):
    def setUp(self):
        reason = journald.unavailable()
        if reason:
            self.skipTest(reason)
        self.journald = journald.Journald(SETTINGS)
        self.addCleanup(self.journald.close)
        self.box = Sandbox(f'MaxEntries={2 * ADDRESSES}', shipped=())
        self.addCleanup(self.box.close)
        self.box.rule('fast.conf', RULE)
        self.sent = 0

    def send(self, number):
        for _ in range(number):
            self.journald.send(f'login from {faults.address(self.sent % ADDRESSES)} '
                               f'as user{self.sent}')
            self.sent += 1

    def rotate(self, stopping):
        self.rotations = 0
        while not stopping.wait(0.2):
            self.journald.rotate()
            self.rotations += 1

    def sample(self, process):
        files = process.open_files()
        deleted = [file for file in files if file.endswith('(deleted)') and '.journal' in file]
        return len(files), len(deleted), process.memory_kib()

    def send_evenly(self, seconds, process):
        """At the rate, or as fast as it goes; returns what the watcher used up meanwhile."""
        samples, start = [], time.monotonic()
        for part in range(seconds * 10):
            self.send(RATE // 10)
            if part % 5 == 4:
                samples.append(self.sample(process))
            left = start + (part + 1) / 10 - time.monotonic()
            if left > 0:
                time.sleep(left)
        took = time.monotonic() - start
        faults.note(f'{self.sent} logins in {took:.1f} s, {self.sent / took:.0f} a second')
        return samples

    def test_every_login_is_counted(self):
        seconds = faults.times(5, 60)
        self.send(ADDRESSES)  # all of them are in the map before anything is measured
        # What the sanitizer keeps of memory that was freed is not the program's.
        options = f'{os.environ.get("ASAN_OPTIONS", "")}:quarantine_size_mb=1'
        watcher = self.box.start(f'--watchlog={self.journald.path}', debug=False,
                                 wrapper=self.journald.wrapper,
                                 extra_environment={'ASAN_OPTIONS': options}).wait_ready()
        watcher.wait_note(rf'{self.sent} logins counted')
        process, stopping = faults.Process(watcher.pid), threading.Event()
        rotor = threading.Thread(target=self.rotate, args=(stopping,), daemon=True)
        rotor.start()
        samples = self.send_evenly(seconds, process)
        stopping.set()
        rotor.join()
        watcher.wait_note(rf'since the start {self.sent} logins counted')
        samples.append(self.sample(process))
        watcher.stop()
        self.report(samples)

    def report(self, samples):
        files, deleted, memory = zip(*samples)
        left = len(self.journald.files())
        faults.note(f'{self.rotations} rotations, {left} files left; descriptors '
                    f'{min(files)} to {max(files)}, of deleted files up to {max(deleted)}, '
                    f'memory {min(memory)} to {max(memory)} KiB, at the end {memory[-1]} KiB')
        self.assertGreater(self.rotations, left, 'nothing was vacuumed')
        self.assertLessEqual(max(files), 60)
        half = len(memory) // 2
        self.assertLess(max(memory[half:]), 1.25 * max(memory[:half]) + 1024)
        held = self.box.list()
        self.assertEqual(set(held), {faults.address(number) for number in range(ADDRESSES)})
        last = {faults.address(number % ADDRESSES): f'user{number}' for number in range(self.sent)}
        self.assertEqual({where: record['user'] for where, record in held.items()}, last)


if __name__ == '__main__':
    tap.main()
