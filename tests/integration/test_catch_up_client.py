# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bridge's end of the socket by which it asks the watcher to catch up, with a watcher that does
not behave: the tests are that one."""

import socket
import struct
import time
import unittest

import tap
from lookupd import DEADLINE, FOUND, NOT_FOUND, Directory, Lookupd, make_map, run

STRANGER = '198.51.100.1'


class FakeWatcher:
    """A watcher that can say anything."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.settimeout(DEADLINE)
        self.listener.bind(str(path))
        self.listener.listen()
        self.peer = None

    def request(self):
        """The number of the next request; None at the end of the connection."""
        if not self.peer:
            self.peer, _ = self.listener.accept()
            self.peer.settimeout(DEADLINE)
        data = self.peer.recv(100)
        return struct.unpack('=Q', data)[0] if data else None

    def answer(self, number, timeout_usec=100000):
        self.send(struct.pack('=QQ', number, timeout_usec))

    def send(self, data):
        self.peer.send(data)

    def hang_up(self):
        self.peer.close()
        self.peer = None

    def close(self):
        self.listener.close()
        if self.peer:
            self.peer.close()


class Client(unittest.TestCase):
    """The bridge, with a watcher that does not behave."""

    def setUp(self):
        self.directory = Directory()
        self.addCleanup(self.directory.close)
        make_map(self.directory.map, '192.0.2.10=1800')
        self.watcher = FakeWatcher(self.directory.path / 'catch-up')
        self.addCleanup(self.watcher.close)
        self.server = Lookupd(self.directory.map, '--debug',
                              catch_up=self.directory.path / 'catch-up')
        self.addCleanup(lambda: self.assertEqual(self.server.stop(), 0, self.server.lines))
        self.client = self.server.connect()
        self.addCleanup(self.client.close)

    def miss(self):
        self.client.send(f'get {STRANGER}\n')

    def learn(self, timeout_usec):
        """Has the bridge know another time-out."""
        self.miss()
        number = self.watcher.request()
        self.watcher.answer(number, timeout_usec)
        self.assertEqual(self.client.line(), NOT_FOUND)
        return number

    def test_the_map_is_asked_again(self):
        self.learn(10000000)
        self.client.send('get 192.0.2.77\n')
        number = self.watcher.request()
        make_map(self.directory.map, '192.0.2.77=1800')
        self.watcher.answer(number)
        self.assertEqual(self.client.line(), FOUND)

    def test_numbers_are_never_used_twice(self):
        self.assertEqual([self.learn(100000) for _ in range(5)], [1, 2, 3, 4, 5])
        self.miss()
        self.assertEqual(self.watcher.request(), 6)
        self.watcher.hang_up()
        self.assertEqual(self.client.line(), NOT_FOUND)

    def test_a_late_answer_is_not_that_to_the_next_request(self):
        self.miss()
        self.assertEqual(self.watcher.request(), 1)
        self.assertEqual(self.client.line(), NOT_FOUND)
        self.server.wait_line('the watcher does not answer within 100 ms')
        self.watcher.answer(1, 10000000)
        # The bridge asks, with nobody waiting, whether it was just that once.
        self.assertEqual(self.watcher.request(), 2)
        self.watcher.answer(2, 10000000)
        self.server.wait_line('answers in time again')
        self.miss()
        self.assertEqual(self.watcher.request(), 3)
        self.watcher.answer(1, 10000000)
        self.assertIsNone(self.watcher.request())
        self.server.wait_line('answers what it was not asked')
        self.assertEqual(self.client.line(), NOT_FOUND)

    def test_always_late(self):
        """The first one pays; the others do not, and it is asked less and less."""
        self.miss()
        number = self.watcher.request()
        self.assertEqual(self.client.line(), NOT_FOUND)
        self.server.wait_line('the watcher does not answer within 100 ms')
        self.watcher.answer(number)
        number = self.watcher.request()
        begin = time.monotonic()
        while time.monotonic() - begin < 0.15:
            self.miss()
            self.assertEqual(self.client.line(), NOT_FOUND)
        self.watcher.answer(number)
        self.server.wait_line('request 2, .*too late')
        begin = time.monotonic()
        for _ in range(100):
            self.miss()
            self.assertEqual(self.client.line(), NOT_FOUND)
        self.assertLess(time.monotonic() - begin, 0.1 * 100 / 2)
        self.assertLessEqual(self.server.count_lines('caught up, request'), 3)

    def test_rubbish(self):
        for data in (b'x', bytes(8), bytes(15), bytes(16), bytes(17), bytes(1000),
                     struct.pack('=QQ', 0, 100000), struct.pack('=QQ', 2**64 - 1, 100000)):
            with self.subTest(data=data[:20]):
                self.until_asked()
                self.watcher.send(data)
                self.assertEqual(self.client.line(), NOT_FOUND)
                self.assertIsNone(self.watcher.request())
                self.watcher.hang_up()

    def until_asked(self):
        """A bridge that has just been hung up on does not call at once."""
        self.miss()
        self.watcher.listener.settimeout(0.01)
        while not self.watcher.peer:
            try:
                self.watcher.request()
            except TimeoutError:
                self.assertEqual(self.client.line(), NOT_FOUND)
                self.miss()
        self.watcher.listener.settimeout(DEADLINE)

    def test_hung_up_on_while_clients_wait(self):
        self.learn(10000000)
        with self.server.connect() as other:
            self.miss()
            number = self.watcher.request()
            other.send(f'get {STRANGER}\n')
            self.watcher.hang_up()
            self.assertEqual((self.client.line(), other.line()), (NOT_FOUND, NOT_FOUND))
            self.until_asked()
            self.watcher.answer(number + 1)
            self.assertEqual(self.client.line(), NOT_FOUND)

    def test_those_that_come_later_wait_for_the_next(self):
        self.learn(10000000)
        with self.server.connect() as other:
            self.miss()
            first = self.watcher.request()
            other.send('get 192.0.2.77\n')
            self.assertEqual(self.server.ask('192.0.2.10'), FOUND)
            self.watcher.answer(first, 10000000)
            self.assertEqual(self.client.line(), NOT_FOUND)
            second = self.watcher.request()
            self.assertEqual(second, first + 1)
            make_map(self.directory.map, '192.0.2.77=1800')
            self.watcher.answer(second, 10000000)
            self.assertEqual(other.line(), FOUND)

    def test_other_questions_are_not_asked(self):
        self.assertEqual(self.client.ask('192.0.2.10'), FOUND)
        self.assertEqual(self.client.ask('unknown'), NOT_FOUND)
        self.assertEqual(self.learn(100000), 1)


class Options(unittest.TestCase):
    def test_wrong_paths(self):
        for value in ('catch-up', '/' + 107 * 'x'):
            with self.subTest(value=value):
                result = run('--listen=127.0.0.1:0', f'--catch-up={value}')
                self.assertEqual(result.returncode, 2)
                self.assertIn('must be an absolute path of at most 107 bytes', result.stderr)

    def test_no_watcher_to_ask(self):
        directory = Directory()
        self.addCleanup(directory.close)
        make_map(directory.map, '192.0.2.10=1800')
        for where in ('', directory.path / 'nobody', directory.path):
            server = Lookupd(directory.map, catch_up=where)
            self.assertEqual(server.ask(STRANGER, '192.0.2.10'), [NOT_FOUND, FOUND])
            self.assertEqual(server.stop(), 0)


if __name__ == '__main__':
    tap.main()
