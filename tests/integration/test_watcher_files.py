# SPDX-License-Identifier: LGPL-2.1-or-later
"""Strange files where the watcher's log or pid file is to be, as a local user may put them."""

import os
import signal
import socket
import stat
import unittest

import journals
import tap
from watcher import Sandbox


def login(number):
    return journals.dovecot_login(journals.now(), f'192.0.2.{number}', f'user{number}')


def strange_files(directory):
    """What a local user can put where a file of ours is to be, if he may write there: a name for
    it, how to make it, and what is said of it."""
    other = directory / 'other'

    def link_to(target):
        return lambda path: path.symlink_to(target)

    def listener(path):
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(str(path))

    kinds = [('link', link_to(other), 'symbolic link'),
             ('link to nothing', link_to(directory / 'nothing'), 'symbolic link'),
             ('link to a device', link_to('/dev/null'), 'symbolic link'),
             ('second name', lambda path: path.hardlink_to(other), 'hard links'),
             ('directory', lambda path: path.mkdir(), 'something else than a regular file'),
             ('FIFO', os.mkfifo, 'something else than a regular file'),
             ('socket', listener, 'something else than a regular file')]
    if os.geteuid() == 0:
        kinds.append(('device', lambda path: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3)),
                      'something else than a regular file'))
    return other, kinds


def seen(path):
    status = path.lstat()
    return status.st_mode, status.st_ino, status.st_size, status.st_mtime_ns


def remove(path):
    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


class StrangeFiles(unittest.TestCase):
    """In place of the log or the pid file: refused in words, not waited for, left as they are."""

    def each(self, options, put_reader=False):
        with Sandbox() as box:
            box.write([login(1)])
            place = box.directory / 'place'
            other, kinds = strange_files(box.directory)
            other.write_text('4711\n')
            for name, make, words in kinds:
                make(place)
                before = seen(place)
                reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK) if put_reader and \
                    place.is_fifo() else None
                with self.subTest(name):
                    result = box.run(*(option.format(place) for option in options))
                    self.assertEqual(result.returncode, 1, result.stderr)
                    self.assertRegex(result.stderr, rf'={place}\b.*: .*{words}')
                    self.assertEqual(seen(place), before)
                    self.assertEqual(other.read_text(), '4711\n')
                    self.assertFalse((box.directory / 'nothing').exists())
                if reader is not None:
                    self.assertEqual(os.read(reader, 1), b'')
                    os.close(reader)
                remove(place)
            self.assertFalse(box.map.exists(), 'it has begun to work')

    def test_log(self):
        self.each(['--logto={}'])

    def test_log_that_somebody_reads(self):
        self.each(['--logto={}'], put_reader=True)

    def test_pid_file(self):
        self.each(['--daemon={}'])

    def test_log_after_a_reload(self):
        """What took the file's place is not written to; messages go on to where they went."""
        with Sandbox() as box, box.writer([login(1)]) as writer:
            log, old = box.directory / 'own.log', box.directory / 'own.log.1'
            other, kinds = strange_files(box.directory)
            other.write_text('mine\n')
            watcher = box.start(f'--logto={log}', log=False).wait_ready()
            log.rename(old)
            for number, (name, make, words) in enumerate(kinds, 2):
                with self.subTest(name):
                    make(log)
                    before, notes = seen(log), len(watcher.notes)
                    watcher.signal(signal.SIGHUP)
                    watcher.wait_note('^READY=1$', after=notes)
                    writer.append([login(number)])
                    watcher.wait_note(rf'^STATUS=.*\b{number} logins', after=notes)
                    self.assertEqual(seen(log), before)
                    self.assertIn(words, old.read_text())
                    self.assertIn(f'allow 192.0.2.{number} ', old.read_text())
                    self.assertEqual(other.read_text(), 'mine\n')
                    remove(log)
            watcher.stop()


if __name__ == '__main__':
    tap.main()
