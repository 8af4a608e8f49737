# SPDX-License-Identifier: LGPL-2.1-or-later
"""Both programs are stopped and restarted in a loop, in order and by SIGKILL, while people log in
and mail servers ask. As with systemd, somebody else holds the bridge's socket: no connection is
refused, no answer is wrong, no login is lost."""

import os
import signal
import socket
import threading
import time
import unittest

import faults
import journals
import tap
from journals import MIN, SEC
from lookupd import FOUND, NOT_FOUND, Client, Lookupd
from watcher import DEADLINE, Sandbox

ENDS = (signal.SIGTERM, signal.SIGKILL)


class Caller:
    """Asks as an smtpd does: on one connection for as long as it lasts, and anew after its end."""

    def __init__(self, port, expect):
        self.port, self.expect = port, expect
        self.asked = self.connections = 0
        self.wrong, self.client = [], None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _ask(self, where):
        """The answer, on a new connection if the old one ended before it came."""
        while True:
            if self.client is None:
                self.client = Client(socket.create_connection(('127.0.0.1', self.port), DEADLINE))
                self.connections += 1
            try:
                answer = self.client.ask(where)
            except (ConnectionResetError, BrokenPipeError):
                answer = ''
            if answer:
                return answer
            self.client.close()
            self.client = None

    def _run(self):
        try:
            while not self.stopping.wait(0.0005):
                where, want = self.expect()
                answer = self._ask(where)
                self.asked += 1
                if answer != want:
                    self.wrong.append(f'{where}: {answer!r}, not {want!r}')
        except Exception as error:  # a refused connection, too
            self.wrong.append(repr(error))

    def stop(self):
        self.stopping.set()
        self.thread.join(DEADLINE)
        if self.thread.is_alive():
            self.wrong.append('an answer does not come')
        if self.client:
            self.client.close()
        return self.wrong


class Restarts(unittest.TestCase):
    def setUp(self):
        self.rng = faults.chance()
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.allowed = [faults.address(number) for number in range(40)]
        now = journals.now()
        self.writer = self.box.writer([journals.dovecot_login(now - MIN, where)
                                       for where in self.allowed])
        self.addCleanup(self.writer.close)
        self.watcher = self.box.start().wait_ready()
        self.socket = socket.create_server(('127.0.0.1', 0), backlog=128)
        self.addCleanup(self.socket.close)
        self.bridges = [self.bridge()]
        self.addCleanup(lambda: self.bridges[-1].stop())
        self.callers = [Caller(self.socket.getsockname()[1], self.expect) for _ in range(3)]
        self.logins = 0

    def bridge(self):
        return Lookupd(self.box.map, listen=(), passed=[self.socket])

    def expect(self):
        """Somebody who is in, or a stranger, and what is to be answered."""
        if self.rng.random() < 0.7:
            return self.rng.choice(self.allowed), FOUND
        return f'203.0.113.{self.rng.randrange(1, 250)}', NOT_FOUND

    def login(self):
        """Somebody logs in meanwhile."""
        self.logins += 1
        self.writer.append([journals.dovecot_login(journals.now() - SEC,
                                                   faults.address(1000 + self.logins))])

    def restart_watcher(self):
        number = self.rng.choice(ENDS)
        self.watcher.signal(number)
        self.assertEqual(self.watcher.wait(), 0 if number == signal.SIGTERM else -number)
        self.box.release(self.watcher)
        self.login()
        self.watcher = self.box.start().wait_ready()

    def restart_bridge(self):
        number = self.rng.choice(ENDS)
        status = self.bridges[-1].stop(number)
        # It may have been hit before it took signals.
        self.assertIn(status, (0, -number))
        self.bridges[-1] = self.bridge()

    def pause(self, pid):
        """Stopped for a while, at some instant."""
        os.kill(pid, signal.SIGSTOP)
        self.login()
        time.sleep(self.rng.random() / 5)
        os.kill(pid, signal.SIGCONT)

    def finish(self, what):
        asked, connections, wrong = 0, 0, []
        for caller in self.callers:
            wrong += caller.stop()
            asked += caller.asked
            connections += caller.connections
        faults.note(f'{what}; {asked} questions on {connections} connections, {self.logins} logins')
        self.assertEqual(wrong, [])
        self.assertGreater(asked, 100)
        self.watcher.stop()
        self.box.start().wait_ready().stop()
        self.assertEqual(set(self.box.list()),
                         {*self.allowed, *(faults.address(1000 + number)
                                           for number in range(1, self.logins + 1))})

    def test_restarted_and_stopped(self):
        actions = (self.restart_watcher, self.restart_bridge,
                   lambda: self.pause(self.watcher.pid), lambda: self.pause(self.bridges[-1].pid))
        rounds = faults.times(25, 500)
        for _ in range(rounds):
            self.login()
            self.rng.choice(actions)()
        self.finish(f'{rounds} times restarted or stopped')


if __name__ == '__main__':
    tap.main()
