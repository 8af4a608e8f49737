# SPDX-License-Identifier: LGPL-2.1-or-later
"""Journal files are cut short under the reader, overwritten, made unreadable, or go away with their
directory. The watcher says so, does not spin, does not end, and goes on with what comes then."""

import os
import shutil
import time
import unittest

import faults
import journals
import tap
from journals import MIN, SEC
from watcher import Sandbox

# A pause after a failure is at most 30 s.
RECOVERY = 90
# Of the time that passes, the part that a program may use that has nothing to do.
SPIN = 0.5


class Journal(unittest.TestCase):
    def setUp(self):
        self.rng = faults.chance()
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.count = 0

    def entries(self, number=1):
        """Logins of now, each from an address of its own."""
        made = []
        for _ in range(number):
            self.count += 1
            made.append(journals.dovecot_login(journals.now() - SEC, faults.address(self.count)))
        return made

    def start(self, number=50, file='old.journal'):
        self.box.write(self.entries(number), file)
        self.watcher = self.box.start().wait_ready()
        self.process = faults.Process(self.watcher.pid)
        self.began, self.cpu = time.monotonic(), self.process.cpu_seconds()

    def file(self, name='old.journal'):
        return self.box.journal / name

    def login(self, file):
        """Somebody logs in, and is let in."""
        mark = self.watcher.mark()
        self.box.write(self.entries(), file)
        self.watcher.wait_event('allow', faults.address(self.count), after=mark,
                                deadline=RECOVERY)

    def end(self):
        """Everybody is in, and the CPU was not used up meanwhile."""
        passed = time.monotonic() - self.began
        used = self.process.cpu_seconds() - self.cpu
        self.assertLess(used, 1 + SPIN * passed)
        self.watcher.stop()
        self.assertEqual(set(self.box.list()),
                         {faults.address(number) for number in range(1, self.count + 1)})
        faults.note(f'{used:.2f} s of CPU in {passed:.1f} s')


class Files(Journal):
    def test_cut_short(self):
        """At any size, while the reader has it mapped; then there is a new file."""
        self.start()
        rounds = faults.times(6, 300)
        for number in range(rounds):
            name, following = f'file{number}.journal', f'file{number + 1}.journal'
            self.login(name)
            size = self.file(name).stat().st_size
            os.truncate(self.file(name), self.rng.randrange(size) if number % 3 else 0)
            self.login(following)
            if number % 2:
                self.file(name).unlink()
        faults.note(f'{rounds} files cut short')
        self.end()

    def test_cut_short_while_it_reads(self):
        """A long backlog, whose file loses its pages meanwhile. What was in there may be gone, but
        what comes then is not."""
        rounds = faults.times(2, 20)
        for number in range(rounds):
            self.box.write(self.entries(3000), f'long{number}.journal')
            watcher = self.box.start()
            watcher.wait_line(f'allow {faults.address(self.count - 2999 + 100)}[ ,]')
            path = self.file(f'long{number}.journal')
            os.truncate(path, self.rng.randrange(path.stat().st_size // 4096) * 4096)
            self.box.write(self.entries(), f'next{number}.journal')
            watcher.wait_event('allow', faults.address(self.count), deadline=RECOVERY)
            watcher.stop()
            self.box.release(watcher)
            path.unlink()

    def test_overwritten(self):
        """Bytes of a file that is being followed change."""
        self.start()
        rounds = faults.times(6, 300)
        for number in range(rounds):
            name, following = f'file{number}.journal', f'file{number + 1}.journal'
            self.box.write(self.entries(20), name)
            self.watcher.wait_event('allow', faults.address(self.count), deadline=RECOVERY)
            data = bytearray(self.file(name).read_bytes())
            used = len(data.rstrip(b'\0'))
            with open(self.file(name), 'r+b') as file:
                for _ in range(1 + self.rng.randrange(50)):
                    file.seek(self.rng.randrange(used))
                    file.write(self.rng.randbytes(1 + self.rng.randrange(16)))
            self.login(following)
        faults.note(f'{rounds} files overwritten')
        self.end()

    def test_unreadable(self):
        """For root there is no such file, so this one is no journal."""
        self.start()
        for number in range(faults.times(3, 50)):
            self.file(f'unreadable{number}.journal').write_bytes(self.rng.randbytes(70000))
            os.chmod(self.file(f'unreadable{number}.journal'), 0)
            self.login('new.journal')
        self.end()

    def test_deleted_and_made_anew(self):
        self.start()
        rounds = faults.times(5, 300)
        for _ in range(rounds):
            self.file().unlink()
            self.login('old.journal')
        faults.note(f'{rounds} times deleted and made anew')
        self.end()


class Directory(Journal):
    def test_vanishes_and_comes_back(self):
        self.start()
        rounds = faults.times(2, 20)
        for _ in range(rounds):
            shutil.rmtree(self.box.journal)
            self.box.journal.mkdir()
            self.login('new.journal')
            self.login('new.journal')
        faults.note(f'{rounds} times gone and back')
        self.end()

    def test_comes_back_late(self):
        self.start()
        shutil.rmtree(self.box.journal)
        time.sleep(faults.times(3, 60))  # it is missed for a while
        self.box.journal.mkdir()
        self.login('new.journal')
        self.end()

    def test_moved_away_and_back(self):
        self.start()
        away = self.box.directory / 'away'
        self.box.journal.rename(away)
        time.sleep(faults.times(1, 40))  # it is missed for a while
        away.rename(self.box.journal)
        self.login('old.journal')
        self.login('new.journal')
        self.end()


if __name__ == '__main__':
    tap.main()
