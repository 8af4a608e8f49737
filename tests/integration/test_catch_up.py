# SPDX-License-Identifier: LGPL-2.1-or-later
"""A lookup that misses has the watcher catch up: watcher and bridge together."""

import re
import select
import signal
import subprocess
import time
import unittest

import journals
import tap
from lookupd import DEADLINE, FOUND, NOT_FOUND, REFUSED, Lookupd
from watcher import Sandbox

STRANGER = '198.51.100.1'

# Nobody has as many inotify watches in here, so the journal can tell nobody that it has changed.
WITHOUT_INOTIFY = ('unshare', '--user', '--map-root-user', 'sh', '-c',
                   'echo 0 >/proc/sys/user/max_inotify_watches && exec "$@"', 'sh')


def wait_until(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f'waited for {what}')
        time.sleep(0.01)


class Both(unittest.TestCase):
    """A watcher and a bridge. The time-out is so long that only a failure reaches it."""

    timeout = '10s'
    wrapper = ()

    def setUp(self):
        self.box = Sandbox(f'CatchUpTimeout={self.timeout}', shipped=None)
        self.addCleanup(self.box.close)
        self.writer = self.box.writer([journals.dovecot_login(journals.now(), '192.0.2.1')])
        self.addCleanup(self.writer.close)
        self.watcher = self.box.start(wrapper=self.wrapper).wait_ready()
        self.server = Lookupd(self.box.map, '--debug', catch_up=self.box.catch_up)
        self.addCleanup(lambda: self.assertEqual(self.server.stop(), 0, self.server.lines))
        # From the first answer the bridge knows the time-out.
        self.assertEqual(self.server.ask('192.0.2.1', STRANGER), [FOUND, NOT_FOUND])
        self.server.wait_line('caught up, request 1')

    def stop_watcher(self):
        """Stops it, and comes back when it has stopped."""
        self.watcher.signal(signal.SIGSTOP)
        wait_until(lambda: self.state() == 'T', 'the watcher to stop')

    def state(self):
        with open(f'/proc/{self.watcher.pid}/stat', encoding='ascii') as file:
            return file.read().rpartition(')')[2].split()[0]

    def go_on(self):
        self.watcher.signal(signal.SIGCONT)

    def log_in(self, address):
        """Writes a login, and comes back when it is in the journal."""
        self.writer.append([journals.dovecot_login(journals.now(), address)])
        command = ['journalctl', f'--directory={self.box.journal}', '--output=cat', '--quiet']
        wait_until(lambda: f'rip={address},' in subprocess.run(
            command, capture_output=True, text=True, check=False).stdout, 'the login')

    def catch_ups(self):
        """How often the watcher has read the journal because it was asked to."""
        return sum('caught up on request' in line for line in list(self.watcher.lines))

    def assert_silent(self, clients):
        self.assertEqual(select.select([client.socket for client in clients], [], [], 0)[0], [])


class Fresh(Both):
    def test_a_login_counts_at_the_first_try(self):
        for number in range(2, 12):
            self.stop_watcher()
            self.log_in(f'192.0.2.{number}')
            with self.server.connect() as client:
                client.send(f'get 192.0.2.{number}\n')
                self.go_on()
                self.assertEqual(client.line(), FOUND)

    def look_into_the_middle(self):
        """Has the watcher read the journal while an entry is being appended."""
        self.stop_watcher()
        self.log_in('192.0.2.2')
        half = journals.HalfWritten(self.box.journal / 'system.journal')
        with self.server.connect() as client:
            client.send('get 192.0.2.2\n')
            self.go_on()
            self.assertEqual(client.line(), NOT_FOUND)
        half.finish()
        return half

    def test_a_login_that_was_half_written(self):
        """libsystemd does not look again for as long as the file has as many entries."""
        self.look_into_the_middle()
        self.assertEqual(self.server.ask('192.0.2.2'), FOUND)

    def test_a_login_that_was_half_written_is_read_at_the_notice(self):
        self.look_into_the_middle().notify()
        self.watcher.wait_event('allow', '192.0.2.2', deadline=10)

    def test_without_catching_up_it_does_not(self):
        self.box.configure('CatchUpTimeout=no')
        mark = self.watcher.mark()
        self.watcher.signal(signal.SIGHUP)
        self.watcher.wait_line('reloaded', after=mark)
        self.assertFalse(self.box.catch_up.exists())
        self.stop_watcher()
        self.log_in('192.0.2.2')
        self.assertEqual(self.server.ask('192.0.2.2'), NOT_FOUND)
        self.go_on()

    def test_an_expired_address_that_logs_in_again(self):
        self.box.configure('CatchUpTimeout=10s\nGrace=1s')
        mark = self.watcher.mark()
        self.watcher.signal(signal.SIGHUP)
        self.watcher.wait_event('expire', '192.0.2.1', after=mark)
        self.stop_watcher()
        self.log_in('192.0.2.1')
        with self.server.connect() as client:
            client.send('get 192.0.2.1\n')
            self.box.configure('CatchUpTimeout=10s')
            self.watcher.signal(signal.SIGHUP)
            self.go_on()
            self.assertEqual(client.line(), FOUND)

    def test_a_new_journal_file(self):
        """What journald does at a rotation, and the login is the first entry of the new file."""
        self.stop_watcher()
        self.box.write([journals.dovecot_login(journals.now(), '192.0.2.9')], 'next.journal')
        with self.server.connect() as client:
            client.send('get 192.0.2.9\n')
            self.go_on()
            self.assertEqual(client.line(), FOUND)


@unittest.skipUnless(subprocess.run([*WITHOUT_INOTIFY, 'true'], capture_output=True,
                                    check=False).returncode == 0, 'no user namespaces')
class Unannounced(Both):
    """The journal is read although it has not said that it changed; by itself, the watcher would
    look every five seconds."""

    wrapper = WITHOUT_INOTIFY

    def test_a_login_counts_at_the_first_try(self):
        begin = time.monotonic()
        for number in range(2, 12):
            self.log_in(f'192.0.2.{number}')
            self.assertEqual(self.server.ask(f'192.0.2.{number}'), FOUND)
        self.assertLess(time.monotonic() - begin, 10 * 5)
        self.assertGreaterEqual(self.catch_ups(), 9)


class Coalescing(Both):
    def test_many_misses_cost_few_readings(self):
        clients = [self.server.connect() for _ in range(100)]
        before = self.catch_ups()
        self.stop_watcher()
        for client in clients:
            client.send(f'get {STRANGER}\n' * 20)
        # It has read from all of them when it answers those that came after them.
        for _ in range(3):
            self.assertEqual(self.server.ask('192.0.2.1'), FOUND)
        self.go_on()
        for client in clients:
            self.assertEqual(client.finish(), NOT_FOUND * 20)
            client.close()
        self.assertLessEqual(self.catch_ups() - before, 4)

    def test_a_busy_watcher_is_asked_once_a_time(self):
        """Clients that ask again as soon as they are answered share the readings, too."""
        clients = [self.server.connect() for _ in range(50)]
        before = self.catch_ups()
        for _ in range(20):
            for client in clients:
                client.send(f'get {STRANGER}\n')
            for client in clients:
                self.assertEqual(client.line(), NOT_FOUND)
        for client in clients:
            client.close()
        self.assertLess(self.catch_ups() - before, 20 * 50 / 2)

    def test_nothing_is_written_when_there_is_nothing_new(self):
        before = self.box.map.stat().st_mtime_ns
        for _ in range(100):
            self.server.ask(STRANGER)
        self.assertEqual(self.box.map.stat().st_mtime_ns, before)


class Waiting(Both):
    def test_hits_do_not_wait_for_misses(self):
        self.stop_watcher()
        waiting = [self.server.connect() for _ in range(50)]
        for client in waiting:
            client.send(f'get {STRANGER}\n')
        with self.server.connect() as other:
            for _ in range(200):
                self.assertEqual(other.ask('192.0.2.1'), FOUND)
                self.assertEqual(other.ask('unknown'), NOT_FOUND)
        self.assert_silent(waiting)
        self.go_on()
        for client in waiting:
            self.assertEqual(client.line(), NOT_FOUND)
            client.close()

    def test_answers_stay_in_order(self):
        """Also behind a miss, and with those in front that are answered at once."""
        self.stop_watcher()
        with self.server.connect() as client, self.server.connect() as half_closed:
            client.send(f'get 192.0.2.1\nget {STRANGER}\nget 192.0.2.1\njunk\nget unknown\n'
                        f'get {STRANGER}\nget 192.0.2.1\nget {STRANGER}')
            half_closed.send(f'get {STRANGER}\nget 192.0.2.1\nget 192.0.')
            half_closed.socket.shutdown(1)
            self.assertEqual(client.line(), FOUND)
            self.assert_silent([client, half_closed])
            self.go_on()
            self.assertEqual([client.line() for _ in range(6)],
                             [NOT_FOUND, FOUND, REFUSED, NOT_FOUND, NOT_FOUND, FOUND])
            client.send('\n')
            self.assertEqual(client.line(), NOT_FOUND)
            self.assertEqual(half_closed.rest(), NOT_FOUND + FOUND + REFUSED)

    def test_requests_that_came_together_wait_together(self):
        """A request that was whole when the others were caught up for is not asked for again."""
        before = self.catch_ups()
        with self.server.connect() as client:
            client.send(f'get {STRANGER}\n' * 200)
            self.assertEqual([client.line() for _ in range(200)], [NOT_FOUND] * 200)
        self.assertLessEqual(self.catch_ups() - before, 3)

    def test_clients_that_go_away_while_they_wait(self):
        self.stop_watcher()
        clients = [self.server.connect() for _ in range(20)]
        for client in clients:
            client.send(f'get {STRANGER}\n' * 30)
        with self.server.connect() as other:
            other.ask('unknown')
            for client in clients[::2]:
                client.reset()
            self.assertEqual(other.ask('192.0.2.1'), FOUND)
            self.server.wait_asleep()
            self.go_on()
            for client in clients[1::2]:
                self.assertEqual(client.finish(), NOT_FOUND * 30)
                client.close()
            self.assertEqual(other.ask(STRANGER), NOT_FOUND)

    def test_a_flood_of_misses_that_nobody_reads_the_answers_of(self):
        with self.server.connect() as other, self.server.connect(send_buffer=65536) as flooder:
            def ping():
                self.assertEqual(other.ask('192.0.2.1'), FOUND)
                self.assertEqual(other.ask(STRANGER), NOT_FOUND)
            data = f'get {STRANGER}\n'.encode()
            sent = flooder.send_until_blocked(data, ping, 1 << 26)
            self.assertLess(sent, 1 << 26)
            self.assertEqual(flooder.finish(), NOT_FOUND * (sent // len(data)) +
                             (REFUSED if sent % len(data) else ''))


class Absent(Both):
    """A watcher that does not answer: with the time-out that it has by default."""

    timeout = '100ms'

    def time_to_miss(self):
        begin = time.monotonic()
        self.assertEqual(self.server.ask(STRANGER), NOT_FOUND)
        return time.monotonic() - begin

    def wait_caught_up(self):
        before = self.catch_ups()

        def caught_up():
            self.server.ask(STRANGER)
            return self.catch_ups() > before
        wait_until(caught_up, 'the watcher to be asked')

    def test_stopped(self):
        self.stop_watcher()
        first = self.time_to_miss()
        self.assertGreater(first, 0.09)
        self.assertLess(first, 1)
        self.server.wait_line('the watcher does not answer within 100 ms')
        # Nobody else pays for it, however long it takes.
        self.assertLess(sum(self.time_to_miss() for _ in range(100)), 0.1 * 100 / 2)
        mark = len(self.server.lines)
        self.go_on()
        # It does answer, and is believed again when it does so in time.
        self.server.wait_line('too late', after=mark)
        self.server.wait_line('answers in time again', after=mark)
        self.wait_caught_up()
        self.assertEqual(self.server.count_lines('does not answer within'), 1)

    def test_restarted(self):
        self.watcher.stop()
        self.assertFalse(self.box.catch_up.exists())
        self.assertLess(sum(self.time_to_miss() for _ in range(50)), 0.1 * 50 / 2)
        self.watcher = self.box.start().wait_ready()
        self.wait_caught_up()

    def test_killed_while_it_is_asked(self):
        self.stop_watcher()
        with self.server.connect() as client:
            client.send(f'get {STRANGER}\n')
            self.watcher.kill()
            self.assertEqual(client.line(), NOT_FOUND)
        self.assertTrue(self.box.catch_up.is_socket())
        self.assertLess(sum(self.time_to_miss() for _ in range(50)), 0.1 * 50 / 2)
        self.watcher = self.box.start().wait_ready()
        self.wait_caught_up()

    def test_it_costs_nothing_while_nothing_is_asked(self):
        """No timer of it runs in a bridge at rest, whatever it waits for from the watcher."""
        self.stop_watcher()
        self.time_to_miss()
        self.server.wait_line('the watcher does not answer')
        self.server.wait_asleep()
        before = self.switches()
        select.select([], [], [], 1)
        self.assertLessEqual(self.switches() - before, 1)
        self.go_on()

    def switches(self):
        with open(f'/proc/{self.server.pid}/status', encoding='ascii') as file:
            return int(re.search(r'^voluntary_ctxt_switches:\s+(\d+)', file.read(),
                                 re.MULTILINE)[1])


if __name__ == '__main__':
    tap.main()
