# SPDX-License-Identifier: LGPL-2.1-or-later
"""The watcher's end of the socket by which it is asked to catch up: who may use it, and what
becomes of those who do not behave. Here the tests are the bridge."""

import os
import signal
import socket
import stat
import struct
import unittest

import journals
import tap
from lookupd import DEADLINE, FOUND, NOT_FOUND, Lookupd
from watcher import Sandbox

NOBODY = 65534
STRANGER = '198.51.100.1'


def attempt(path, user, group):
    """What a process of that user and group gets for a request: the answer's length, or the name of
    an error."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
        os.write(theirs, said_to(path).encode())
        os._exit(0)
    os.close(theirs)
    with open(ours, encoding='ascii') as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


def said_to(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as ours:
        try:
            ours.connect(str(path))
            ours.send(bytes(8))
            return str(len(ours.recv(100)))
        except OSError as error:
            return type(error).__name__


class Asker:
    """A bridge that can say anything."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(str(path))
        self.socket.settimeout(DEADLINE)

    def send(self, data):
        self.socket.send(data)
        return self

    def answer(self):
        """The next message; empty at the end of the connection."""
        try:
            return self.socket.recv(100)
        except ConnectionResetError:
            return b''

    def ask(self, number=1):
        """Returns the number and the time-out in microseconds, or None."""
        try:
            data = self.send(struct.pack('=Q', number)).answer()
        except BrokenPipeError:
            return None
        return struct.unpack('=QQ', data) if data else None

    def close(self):
        self.socket.close()


class Server(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox('CatchUpTimeout=250ms')
        self.addCleanup(self.box.close)
        self.box.write([journals.noise(journals.now())])
        self.watcher = self.box.start().wait_ready()
        self.addCleanup(self.stop)

    def stop(self):
        self.watcher.stop()
        self.assertFalse(os.path.lexists(self.box.catch_up))

    def asker(self, path=None):
        opened = Asker(path or self.box.catch_up)
        self.addCleanup(opened.close)
        return opened

    def test_request_and_answer(self):
        asker = self.asker()
        for number in (1, 2, 0, 2**64 - 1):
            self.assertEqual(asker.ask(number), (number, 250000))

    def test_only_the_group_may_use_it(self):
        status = self.box.catch_up.lstat()
        self.assertTrue(stat.S_ISSOCK(status.st_mode))
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o660)
        self.assertEqual(status.st_gid, self.box.directory.stat().st_gid)

    @unittest.skipUnless(os.geteuid() == 0, 'only root can be somebody else')
    def test_others_are_turned_away(self):
        self.box.directory.chmod(0o711)
        self.assertEqual(attempt(self.box.catch_up, NOBODY, NOBODY), 'PermissionError')
        # Also where the file's mode would let them in.
        self.box.catch_up.chmod(0o666)
        self.assertIn(attempt(self.box.catch_up, NOBODY, NOBODY),
                      ('0', 'ConnectionResetError', 'BrokenPipeError'))
        self.watcher.wait_line('turned away one who is not of the socket')
        self.assertEqual(self.asker().ask(), (1, 250000))

    @unittest.skipUnless(os.geteuid() == 0, 'only root can be somebody else')
    def test_the_group_of_the_directory_may(self):
        """The watcher was started by hand, by root; the bridge is not of its group."""
        group = 4711
        self.stop()
        self.box.directory.chmod(0o710)
        os.chown(self.box.directory, -1, group)
        self.watcher = self.box.start().wait_ready()
        self.assertEqual(attempt(self.box.catch_up, NOBODY, group), '16')

    def test_rubbish_is_cut_off(self):
        other = self.asker()
        for data in (b'x', bytes(7), bytes(9), bytes(16), bytes(60000), b''):
            with self.subTest(length=len(data)):
                self.assertEqual(self.asker().send(data).answer(), b'')
                self.assertEqual(other.ask(5), (5, 250000))

    def test_requests_without_waiting_for_the_answers(self):
        """Each may be answered, or be the last of its connection; others notice nothing."""
        asker, other = self.asker(), self.asker()
        asker.ask()
        self.watcher.signal(signal.SIGSTOP)
        for number in range(5):
            asker.send(struct.pack('=Q', number))
        self.watcher.signal(signal.SIGCONT)
        answers = [asker.answer() for _ in range(5)]
        self.assertEqual([answer for answer in answers if answer],
                         [struct.pack('=QQ', number, 250000)
                          for number in range(5) if answers[number]])
        self.assertEqual(other.ask(6), (6, 250000))

    def test_no_more_than_64(self):
        askers = [self.asker() for _ in range(64)]
        self.assertEqual([asker.ask() for asker in askers], [(1, 250000)] * 64)
        self.assertIsNone(self.asker().ask())
        self.watcher.wait_line('turned away one more than may ask')
        # A bridge that finds no room answers all the same.
        with self.box.writer([journals.dovecot_login(journals.now(), '192.0.2.1')]):
            self.watcher.wait_event('allow', '192.0.2.1')
        server = Lookupd(self.box.map, catch_up=self.box.catch_up)
        self.assertEqual(server.ask('192.0.2.1', STRANGER), [FOUND, NOT_FOUND])
        self.assertEqual(server.stop(), 0)
        self.assertEqual([asker.ask(2) for asker in askers], [(2, 250000)] * 64)
        askers.pop().close()
        # The watcher hears of the end of that one before this one's request.
        self.assertEqual(self.asker().ask(), (1, 250000))

    def test_connections_that_come_and_go(self):
        for _ in range(500):
            asker = Asker(self.box.catch_up)
            asker.close()
        self.assertEqual(self.asker().ask(), (1, 250000))

    def test_reload(self):
        old = self.asker()
        self.assertEqual(old.ask(), (1, 250000))
        self.reload('CatchUpTimeout=2s')
        self.assertEqual(old.ask(2), (2, 2000000))
        self.reload('CatchUpTimeout=no')
        self.assertIsNone(old.ask())
        self.assertFalse(os.path.lexists(self.box.catch_up))
        self.reload(f'CatchUpSocket={self.box.directory}/elsewhere')
        self.assertEqual(self.asker(self.box.directory / 'elsewhere').ask(), (1, 100000))
        self.reload('')
        self.assertFalse(os.path.lexists(self.box.directory / 'elsewhere'))
        self.assertEqual(self.asker().ask(), (1, 100000))

    def reload(self, text):
        mark = self.watcher.mark()
        self.box.configure(text)
        self.watcher.signal(signal.SIGHUP)
        self.watcher.wait_line('reloaded', after=mark)

    def test_another_watcher_listens_there(self):
        with Sandbox() as second:
            second.catch_up = self.box.catch_up
            second.configure()
            second.write([journals.noise(journals.now())])
            watcher = second.start().wait_ready()
            watcher.wait_line('another process listens there')
            watcher.stop()
        self.assertEqual(self.asker().ask(), (1, 250000))

    def test_a_map_in_memory_is_not_served(self):
        self.stop()
        self.watcher = self.box.start('--nowrite').wait_ready()
        self.assertFalse(os.path.lexists(self.box.catch_up))


class Place(unittest.TestCase):
    """What may stand where the socket is to be."""

    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.box.write([journals.noise(journals.now())])

    def start(self):
        return self.box.start().wait_ready()

    def test_the_socket_of_a_watcher_that_was_killed(self):
        self.start().kill()
        self.assertTrue(self.box.catch_up.is_socket())
        watcher = self.start()
        self.assertEqual(Asker(self.box.catch_up).ask(), (1, 100000))
        watcher.stop()

    def test_things_that_are_no_socket_are_left_alone(self):
        victim = self.box.directory / 'victim'
        victim.write_text('kept')
        for make in (lambda path: path.write_text('kept'),
                     lambda path: path.symlink_to(victim),
                     lambda path: path.symlink_to('/nonexistent'),
                     lambda path: path.mkdir()):
            make(self.box.catch_up)
            before = self.box.catch_up.lstat()
            watcher = self.start()
            watcher.wait_line('there is something else than a socket')
            watcher.stop()
            self.assertEqual(self.box.catch_up.lstat(), before)
            self.assertEqual(victim.read_text(), 'kept')
            self.box.catch_up.rmdir() if self.box.catch_up.is_dir() else self.box.catch_up.unlink()

    def test_what_took_its_place_is_not_removed(self):
        watcher = self.start()
        self.box.catch_up.unlink()
        self.box.catch_up.write_text('kept')
        watcher.stop()
        self.assertEqual(self.box.catch_up.read_text(), 'kept')

    def test_no_directory(self):
        self.box.catch_up = self.box.directory / 'missing' / 'catch-up'
        self.box.configure()
        watcher = self.start()
        watcher.wait_line('no such directory')
        watcher.stop()


if __name__ == '__main__':
    tap.main()
