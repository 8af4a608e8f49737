# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sessions: an address is allowed while one is open, and for its grace after the last one. What the
Perl program got wrong about them is in test_parity.py."""

import signal
import unittest

import journals
import tap
from journals import MIN, SEC
from watcher import Sandbox

HOUR = 60 * MIN
CLIENT = '192.0.2.10'
OTHER = '192.0.2.20'

# A server that says who connects on one line, and who has logged in on another.
TWO_LINES = '''[Rule two]
Match=_SYSTEMD_UNIT=two.service
Connect=^connect from (?<addr>\\S+)$
Login=^user (?<user>\\S+) logged in$
Fail=^(?:bad password|gave up)$
Logout=^bye$
'''


def two(when, message, pid, invocation='e1' * 16, unit='two.service'):
    return journals.entry(when, message, _SYSTEMD_UNIT=unit, _UID=0, _PID=pid,
                          SYSLOG_IDENTIFIER='two', _SYSTEMD_INVOCATION_ID=invocation)


class Sessions(unittest.TestCase):
    def replay(self, *entries, config='', rule=None):
        """What the map holds when the watcher has read the entries, which end now."""
        with Sandbox(config) as box:
            if rule:
                box.rule('90-test.conf', rule)
            box.write(sorted(entries, key=lambda entry: entry.usec))
            watcher = box.start().wait_ready().stop()
            self.watcher = watcher
            return box.list()

    def setUp(self):
        self.now = journals.now() - SEC

    def check(self, held, address, sessions, expires):
        self.assertIn(address, held)
        record = held[address]
        self.assertEqual((record['sessions'], record['expires_usec']), (sessions, expires))

    def test_open_session_outlasts_the_grace(self):
        start = self.now - 3 * HOUR
        held = self.replay(journals.dovecot_login(start, CLIENT, session='a1'),
                           journals.dovecot_login(start, OTHER))
        self.check(held, CLIENT, 1, start + 24 * HOUR)
        self.assertNotIn(OTHER, held)

    def test_grace_begins_when_the_last_session_ends(self):
        end = self.now - 10 * MIN
        held = self.replay(journals.dovecot_login(end - 3 * HOUR, CLIENT, session='a1'),
                           journals.dovecot_login(end - 2 * HOUR, CLIENT, session='a2'),
                           journals.dovecot_logout(end - HOUR, 'a2'),
                           journals.dovecot_logout(end, 'a1'))
        self.check(held, CLIENT, 0, end + 30 * MIN)

    def test_one_of_two_sessions_ends(self):
        start = self.now - 3 * HOUR
        held = self.replay(journals.dovecot_login(start, CLIENT, session='a1'),
                           journals.dovecot_login(start + SEC, CLIENT, session='a2'),
                           journals.dovecot_logout(start + MIN, 'a2'))
        self.check(held, CLIENT, 1, start + SEC + 24 * HOUR)

    def test_duplicate_and_unknown_logouts_change_nothing(self):
        start = self.now - 20 * MIN
        held = self.replay(journals.dovecot_login(start, CLIENT, session='a1'),
                           journals.dovecot_login(start, CLIENT, session='a2'),
                           *[journals.dovecot_logout(start + SEC, 'a1') for _ in range(3)],
                           journals.dovecot_logout(start + SEC, 'never-seen'),
                           journals.dovecot_login(start, OTHER),
                           journals.dovecot_logout(start + SEC, 'nor-this'))
        self.check(held, CLIENT, 1, start + 24 * HOUR)
        self.check(held, OTHER, 0, start + 30 * MIN)

    def test_two_lines(self):
        start = self.now - 10 * MIN
        held = self.replay(two(start, f'connect from {CLIENT}', 7),
                           two(start, f'connect from {OTHER}', 8),
                           two(start, 'connect from 6.6.6.6', 9),
                           two(start + SEC, 'user bob logged in', 8),
                           two(start + SEC, 'bad password', 9),
                           two(start + 2 * SEC, 'user eve logged in', 9),
                           two(start + 3 * SEC, 'user alice logged in', 7),
                           two(start + 4 * SEC, 'bye', 7),
                           rule=TWO_LINES)
        self.assertEqual(set(held), {CLIENT, OTHER})
        self.check(held, CLIENT, 0, start + 4 * SEC + 30 * MIN)
        self.check(held, OTHER, 1, start + SEC + 24 * HOUR)
        self.assertEqual((held[CLIENT]['user'], held[OTHER]['user']), ('alice', 'bob'))
        self.watcher.wait_line('a login names no address')


class Restarts(unittest.TestCase):
    """Sessions, and connections that wait for their login, outlast the watcher."""

    def entries(self):
        start = journals.now() - HOUR
        return [two(start, f'connect from {CLIENT}', 7),
                two(start + SEC, f'connect from {OTHER}', 8),
                journals.dovecot_login(start + 2 * SEC, '192.0.2.30', session='a1'),
                two(start + 3 * SEC, 'user alice logged in', 7),
                journals.courier_login(start + 4 * SEC, '192.0.2.40', port=5),
                journals.dovecot_login(start + 5 * SEC, '192.0.2.30', session='a2'),
                two(start + 6 * SEC, 'user bob logged in', 8),
                journals.dovecot_logout(start + 7 * SEC, 'a1'),
                journals.courier_logout(start + 40 * MIN, '192.0.2.40', port=5),
                two(start + 41 * MIN, 'bye', 8),
                journals.dovecot_logout(start + 42 * MIN, 'a2')]

    def sandbox(self):
        box = Sandbox()
        box.rule('90-test.conf', TWO_LINES)
        return box

    def check(self, end):
        entries = self.entries()
        with self.sandbox() as box:
            box.write(entries)
            box.start().wait_ready().stop()
            whole = box.list()
        self.assertEqual({address: record['sessions'] for address, record in whole.items()},
                         {CLIENT: 1, OTHER: 0, '192.0.2.30': 0, '192.0.2.40': 0})
        for cut in range(1, len(entries)):
            with self.subTest(cut=cut), self.sandbox() as box:
                box.write(entries[:cut])
                end(box.start().wait_ready())
                box.write(entries[cut:])
                box.start().wait_ready().stop()
                self.assertEqual(box.list(), whole)

    def test_stopped_between_any_two_entries(self):
        self.check(lambda watcher: watcher.stop())

    def test_killed_between_any_two_entries(self):
        self.check(lambda watcher: watcher.kill())


class Live(unittest.TestCase):
    def test_allowed_while_open(self):
        """The grace is two seconds; a marker tells that it is over."""
        with Sandbox('Grace=2s') as box, box.writer([journals.noise(journals.now())]) as writer:
            watcher = box.start().wait_ready()
            writer.append([journals.dovecot_login(journals.now(), CLIENT, session='a1'),
                           journals.dovecot_login(journals.now(), OTHER)])
            watcher.wait_event('expire', OTHER)
            self.assertEqual(set(box.list()), {CLIENT})
            end = journals.now()
            writer.append([journals.dovecot_logout(end, 'a1')])
            watcher.wait_event('logout', CLIENT)
            self.assertEqual(box.list()[CLIENT]['expires_usec'], end + 2 * SEC)
            watcher.wait_event('expire', CLIENT)
            watcher.wait_note('STATUS=0 addresses allowed, 0 sessions open')
            watcher.stop()

    def test_reload_without_the_rule_ends_its_sessions(self):
        with Sandbox() as box:
            start = journals.now() - HOUR
            box.write([journals.dovecot_login(start, CLIENT, session='a1'),
                       journals.courier_login(start, OTHER, port=1)])
            watcher = box.start().wait_ready()
            before = box.list()
            box.rule('95-off.conf', '[Rule dovecot]\nLogout=\n')
            now = journals.now()
            watcher.signal(signal.SIGHUP)
            watcher.wait_line('^reloaded')
            held = box.list()
            self.assertEqual(held[OTHER], before[OTHER])
            self.assertEqual(held[CLIENT]['sessions'], 0)
            self.assertLessEqual(held[CLIENT]['expires_usec'], journals.now() + 30 * MIN)
            self.assertGreaterEqual(held[CLIENT]['expires_usec'], now + 30 * MIN)
            watcher.stop()

    def test_more_sessions_than_entries(self):
        with Sandbox('MaxEntries=3') as box:
            start = journals.now() - MIN
            box.write([journals.dovecot_login(start, CLIENT, session=f'a{number}')
                       for number in range(5)])
            watcher = box.start().wait_ready()
            watcher.wait_line('more open sessions than MaxEntries=')
            self.assertEqual(box.list()[CLIENT]['sessions'], 3)
            watcher.stop()


if __name__ == '__main__':
    tap.main()
