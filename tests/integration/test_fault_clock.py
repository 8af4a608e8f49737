# SPDX-License-Identifier: LGPL-2.1-or-later
"""The clock is stepped: forward and back, by minutes and by a day, while the programs run and while
they do not. Nobody is allowed for longer than the grace after his login as the clock reads then, and
no login is lost."""

import os
import signal
import struct
import unittest

import faults
import journals
import tap
from bridge import Bridge
from journals import MIN, SEC
from lookupd import FOUND, NOT_FOUND
from watcher import BUILD, Sandbox

GRACE = 30 * MIN
DAY = 24 * 60 * MIN


class Clock(unittest.TestCase):
    def setUp(self):
        self.rng = faults.chance()
        self.box = Sandbox(f'Grace={GRACE // SEC}s')
        self.addCleanup(self.box.close)
        self.file = self.box.directory / 'clock'
        self.shift = 0
        self._write()
        self.preload = {
            'LD_PRELOAD': str(BUILD / 'tests/integration/shift-clock.so'),
            'SHIFT_CLOCK': str(self.file),
            'ASAN_OPTIONS': f'{os.environ.get("ASAN_OPTIONS", "")}:verify_asan_link_order=0'}
        self.writer = self.box.writer([journals.noise(self.now())])
        self.addCleanup(self.writer.close)
        self.watcher = self.bridge = None
        self.number = 0
        self.start()
        self.bridge = Bridge(self.box.map, self.box.environment(**self.preload))
        self.addCleanup(self.bridge.end)

    def _write(self):
        """In place: the programs have the file mapped."""
        mode = 'r+b' if self.file.exists() else 'wb'
        with open(self.file, mode) as file:
            file.write(struct.pack('=q', self.shift))

    def start(self):
        self.watcher = self.box.start(extra_environment=self.preload).wait_ready()

    def stop(self):
        self.watcher.stop()
        self.box.release(self.watcher)

    def now(self):
        return journals.now() + self.shift

    def step(self, usec):
        """Sets the clock; returns when the programs that run have taken notice."""
        mark = self.watcher.mark()
        self.shift += usec
        self._write()
        self.bridge.process.send_signal(signal.SIGUSR1)
        if self.watcher.process.poll() is None:
            self.watcher.signal(signal.SIGUSR1)
            self.watcher.wait_line('the clock was set', after=mark)
            self.settle()

    def entry(self, where, when=None, user='alice'):
        """As journald would write it now: its own clock goes on evenly, whatever the other does."""
        when = when or self.now()
        entry = journals.dovecot_login(when, where, user)
        steady = b'%d' % (journals.now() - 1600000000 * SEC)
        entry.fields = [(key, steady if key == b'__MONOTONIC_TIMESTAMP' else value)
                        for key, value in entry.fields]
        return entry

    def login(self, where):
        when = self.now()
        mark = self.watcher.mark()
        self.writer.append([self.entry(where, when)])
        if self.watcher.process.poll() is None:
            self.watcher.wait_line(f'(allow|extend) {where}[ ,]', after=mark)
        return when

    def settle(self):
        """Until all that the clock has brought about has been done."""
        self.number += 1
        where = f'203.0.113.{self.number % 250 + 1}'
        self.login(where)

    def check(self, where, want):
        self.assertEqual(self.bridge.ask(where), FOUND if want else NOT_FOUND, where)


class Steps(Clock):
    def test_day_forward(self):
        self.login('192.0.2.1')
        self.check('192.0.2.1', True)
        self.step(DAY)
        self.check('192.0.2.1', False)
        self.assertNotIn(b'192.0.2.1', faults.dump(self.box.map))
        self.login('192.0.2.2')
        self.check('192.0.2.2', True)
        self.stop()

    def test_day_back(self):
        self.login('192.0.2.1')
        self.step(-DAY)
        self.login('192.0.2.2')
        self.check('192.0.2.2', True)
        self.step(GRACE - MIN)
        self.check('192.0.2.2', True)
        self.step(2 * MIN)
        self.check('192.0.2.1', False)
        self.check('192.0.2.2', False)
        self.stop()

    def test_day_forward_and_back(self):
        self.step(DAY)
        self.login('192.0.2.1')
        self.step(-DAY)
        self.login('192.0.2.2')
        self.step(GRACE + SEC)
        self.check('192.0.2.1', False)
        self.check('192.0.2.2', False)
        self.stop()

    def test_restarts_after_a_step_back(self):
        self.step(DAY)
        self.login('192.0.2.1')
        self.step(-DAY)
        for _ in range(4):
            self.stop()
            self.step(GRACE // 3)
            self.start()
        self.check('192.0.2.1', False)
        self.stop()

    def test_restarts_with_a_cursor_from_the_future(self):
        """To read the journal again does not prolong what is from the future."""
        self.step(DAY)
        self.login('192.0.2.1')
        self.stop()
        self.step(-DAY)
        for _ in range(4):
            self.start()
            self.stop()
            self.step(GRACE // 3)
        self.start()
        self.check('192.0.2.1', False)
        self.stop()

    def test_reloads_after_a_step_back(self):
        self.step(DAY)
        self.login('192.0.2.1')
        self.step(-DAY)
        for _ in range(4):
            self.step(GRACE // 3)
            mark = self.watcher.mark()
            self.watcher.signal(signal.SIGHUP)
            self.watcher.wait_line('reloaded', after=mark)
            self.settle()
        self.check('192.0.2.1', False)
        self.stop()

    def test_step_back_while_stopped(self):
        """Logins from before the step and from after it, none of which was read yet."""
        self.stop()
        self.login('192.0.2.1')
        self.step(-DAY)
        self.login('192.0.2.2')
        self.start()
        self.check('192.0.2.1', True)
        self.check('192.0.2.2', True)
        self.step(GRACE + SEC)
        self.check('192.0.2.1', False)
        self.check('192.0.2.2', False)
        self.stop()

    def test_step_forward_while_stopped(self):
        self.stop()
        self.login('192.0.2.1')
        self.step(DAY)
        self.login('192.0.2.2')
        self.start()
        self.check('192.0.2.1', False)
        self.check('192.0.2.2', True)
        self.stop()


class Random(Clock):
    """Against a model: what the clock read at the last login, set back with the clock."""

    def setUp(self):
        super().setUp()
        self.logins = {}
        self.readings = {}
        self.unread = []
        self.is_running = True

    def mend(self):
        """What a watcher makes of the clock's reading now."""
        now = self.now()
        for where, when in [*self.logins.items(), *self.unread]:
            self.logins[where] = min(now, max(when, self.logins.get(where, 0)))
        self.unread = []
        self.logins = {where: when for where, when in self.logins.items() if now < when + GRACE}

    def act(self):
        number = self.rng.random()
        if number < 0.5:
            where = f'192.0.2.{self.rng.randrange(1, 20)}'
            when = self.login(where)
            self.unread.append((where, when))
            self.readings.setdefault(where, []).append(when)
        elif number < 0.65:
            (self.stop if self.is_running else self.start)()
            self.is_running = not self.is_running
        else:
            self.step(self.rng.choice((DAY, -DAY, 5 * MIN, -5 * MIN, GRACE, -GRACE, MIN)))
        if self.is_running:
            self.mend()

    def check_one(self, where):
        """A start with a cursor from the future reads the journal again. Then a login counts from
        the time that its entry bears once more, though the clock was set back in between."""
        now, answer = self.now(), self.bridge.ask(where)
        again = [when for when in self.readings.get(where, []) if when <= now < when + GRACE]
        if now < self.logins.get(where, -GRACE) + GRACE:
            self.assertEqual(answer, FOUND)
        elif answer == FOUND:
            self.assertNotEqual(again, [], 'allowed for longer than the grace')
            self.logins[where] = max(again)

    def test_random_steps(self):
        steps = faults.times(30, 1000)
        for number in range(steps):
            self.act()
            for where in (f'192.0.2.{last}' for last in range(1, 20)):
                self.check_one(where)
        faults.note(f'{steps} logins, steps of the clock, stops and starts')


if __name__ == '__main__':
    tap.main()
