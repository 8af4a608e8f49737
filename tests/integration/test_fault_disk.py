# SPDX-License-Identifier: LGPL-2.1-or-later
"""The disk that the map is on is full, again and again, or cannot be written any more. Who is in
stays in, and once there is a disk again, nothing was skipped."""

import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import faults
import journals
import tap
from bridge import Bridge
from journals import MIN, SEC
from lookupd import FOUND
from watcher import Sandbox, private_mounts


class Disk(unittest.TestCase):
    def begin(self, mount):
        """A watcher whose map is on a disk of its own, a bridge to it, and one who logged in."""
        self.box = Sandbox('MaxEntries=60000')
        self.addCleanup(self.box.close)
        self.disk = self.box.directory / 'disk'
        self.disk.mkdir()
        self.wrapper, reason = private_mounts(mount.format(self.disk))
        if not self.wrapper:
            self.skipTest(f'no file system of its own can be mounted: {reason}')
        self.writer = self.box.writer([journals.dovecot_login(journals.now() - 5 * MIN, '192.0.2.1')])
        self.addCleanup(self.writer.close)
        self.map = self.disk / 'map.tdb'
        self.watcher = self.box.start(f'--dbfile={self.map}', wrapper=self.wrapper).wait_ready()
        self.bridge = Bridge(self.outside(self.map), self.box.environment())
        self.addCleanup(self.bridge.end)
        self.count = 0

    def outside(self, path):
        """The path of a file on that file system, as seen from here."""
        return pathlib.Path(f'/proc/{self.watcher.pid}/root{path}')

    def login(self, number):
        """So many log in, one after the other; returns the last one's address."""
        entries = []
        for _ in range(number):
            self.count += 1
            where = f'198.18.{self.count // 250}.{self.count % 250 + 1}'
            entries.append(journals.dovecot_login(journals.now() - SEC, where, 'u' * 200))
        self.writer.append(entries)
        return where

    def check_served(self, *wheres):
        for where in ('192.0.2.1', *wheres):
            self.assertEqual(self.bridge.ask(where), FOUND, self.bridge.lines[-2:])

    def check_all(self):
        """Everybody is in the map, and each was told of once."""
        self.assertEqual(len(self.box.list(map=self.outside(self.map))), self.count + 1)
        allowed = [event.address for event in self.watcher.events('allow', 'extend')]
        self.assertEqual(len(allowed), len(set(allowed)))
        self.watcher.stop()


class Full(Disk):
    def fill(self):
        """Leaves not one page."""
        file = self.outside(self.disk / 'other')
        with open(file, 'wb', buffering=0) as stream:
            try:
                while stream.write(bytes(4096)):
                    pass
            except OSError:
                pass
        return file

    def test_again_and_again(self):
        self.begin('mount -t tmpfs -o size=64m pbs {}')
        rounds, last, rng = faults.times(2, 30), [], faults.chance()
        for number in range(rounds):
            filler = self.fill()
            mark = self.watcher.mark()
            last.append(self.login(1500))
            if number == 0:  # it is not said again within a minute
                self.watcher.wait_line('writing the map failed.*No space left', after=mark)
            else:
                time.sleep(3 * rng.random())
            self.check_served(*last[:-1])
            filler.unlink()
            self.watcher.wait_event('allow', last[-1], after=mark)
            self.check_served(*last)
        faults.note(f'{rounds} times full, {self.count} logins meanwhile')
        self.check_all()


class Failing(Disk):
    """A file system that met an error, and that its kernel will write to no more."""

    def error_file(self):
        device = pathlib.Path(self.device).name
        return pathlib.Path(f'/sys/fs/ext4/{device}/trigger_fs_error')

    def attach(self):
        image = self.image_directory / 'image'
        with open(image, 'wb') as file:
            file.truncate(64 << 20)
        subprocess.run(['mkfs.ext4', '-q', '-e', 'remount-ro', image], check=True)
        result = subprocess.run(['losetup', '--find', '--show', image], capture_output=True,
                                text=True)
        if result.returncode != 0:
            self.skipTest(f'no loop device: {result.stderr}')
        self.addCleanup(subprocess.run, ['losetup', '--detach', result.stdout.strip()])
        return result.stdout.strip()

    def test_read_only(self):
        for command in ('mkfs.ext4', 'fsck.ext4', 'losetup'):
            if not shutil.which(command):
                self.skipTest(f'there is no {command}')
        directory = tempfile.TemporaryDirectory(prefix='pbs-disk-')
        self.addCleanup(directory.cleanup)
        self.image_directory = pathlib.Path(directory.name)
        self.device = self.attach()
        self.begin(f'mount -t ext4 {self.device} {{}}')
        if not self.error_file().exists():
            self.skipTest('the kernel cannot be told of an error')
        first = self.login(100)
        self.watcher.wait_event('allow', first)
        self.check_served(first)
        self.error_file().write_text('an error for a test\n')
        mark = self.watcher.mark()
        last = self.login(1500)
        self.watcher.wait_line('writing the map failed.*Read-only', after=mark)
        self.check_served(first)
        faults.note('read-only, the bridge goes on')
        self.assertEqual(self.watcher.events('allow')[-1].address, first)

        # Only a repair makes such a file system one that can be written again.
        self.bridge.end()
        self.watcher.stop()
        subprocess.run(['fsck.ext4', '-fy', self.device], capture_output=True)
        self.watcher = self.box.start(f'--dbfile={self.map}', wrapper=self.wrapper).wait_ready()
        self.watcher.wait_event('allow', last)
        self.assertEqual(len(self.box.list(map=self.outside(self.map))), self.count + 1)
        self.watcher.stop()


if __name__ == '__main__':
    tap.main()
