# SPDX-License-Identifier: LGPL-2.1-or-later
"""The watcher dies, or is stopped, at each single call by which it locks or writes its map, the
bridge at each by which it repairs what a dead watcher left. Whoever looks then sees the state
before the transaction or the one after it, and the next watcher comes to where an undisturbed one
comes to."""

import os
import shutil
import signal
import time
import unittest

import faults
import journals
import tap
from bridge import Bridge
from journals import MIN, SEC
from lookupd import FOUND, NOT_FOUND, UNAVAILABLE
from watcher import BUILD, DEADLINE, Sandbox

GRACE = 12 * 60 * MIN
ADDRESSES = 50
COMMIT = 45  # calls that a commit makes, at least
# Seconds in which many lookups must be answered that wait for a stopped watcher. It is not the
# bridge's patience that is measured here.
SOON = 10


class Steps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rng = faults.chance()
        cls.box = Sandbox(f'Grace={GRACE // SEC}s')
        cls.addClassCleanup(cls.box.close)
        traffic = faults.Traffic(cls.rng, ADDRESSES)
        now = journals.now()
        # Of some, the time runs out between the first run and the one that is disturbed.
        early = [journals.dovecot_login(now - GRACE + 5 * SEC, f'192.0.2.{n}') for n in range(5)]
        cls.box.write(early + traffic.entries(60, now - 20 * MIN, now - 10 * MIN))
        cls.base = cls.box.directory / 'base.tdb'
        cls.box.start().wait_ready().kill()
        assert '192.0.2.1' in cls.box.list()
        shutil.copyfile(cls.box.map, cls.base)
        cls.before = cls.allowed()
        cls.box.write(traffic.entries(60, now - 9 * MIN, now - SEC))
        time.sleep(max(0, (now + 5 * SEC - journals.now()) / SEC))
        cls.count = cls.box.directory / 'count'
        cls.steps = cls.count_steps()
        cls.after = cls.allowed()
        cls.want = faults.dump(cls.box.map)
        assert cls.before != cls.after

    def setUp(self):
        self.bridge = Bridge(self.box.map, self.box.environment())
        self.addCleanup(self.bridge.end)

    @classmethod
    def allowed(cls):
        """Which addresses are in the map and have time left."""
        return {where for where in cls.box.list() if not where.startswith('192.0.2.')}

    @classmethod
    def stepper(cls, **settings):
        preload = {f'STEPPER_{key.upper()}': str(value) for key, value in settings.items()}
        # The sanitizer would have to be the first library; it works as the second one, too.
        options = f'{os.environ.get("ASAN_OPTIONS", "")}:verify_asan_link_order=0'
        return {'LD_PRELOAD': str(BUILD / 'tests/integration/stepper.so'),
                'STEPPER_FILE': str(cls.box.map), 'ASAN_OPTIONS': options, **preload}

    @classmethod
    def restore(cls):
        """The map as it was, as a new file, as after a restart of the machine."""
        copy = cls.box.directory / 'copy.tdb'
        shutil.copyfile(cls.base, copy)
        copy.rename(cls.box.map)

    @classmethod
    def count_steps(cls):
        """How many calls there are until all is written; the map is then the one to come to."""
        cls.restore()
        watcher = cls.box.start(extra_environment=cls.stepper(count=cls.count)).wait_ready()
        steps = int.from_bytes(cls.count.read_bytes(), 'little')
        watcher.stop()
        return steps

    def disturbed(self, **settings):
        self.restore()
        return self.box.start(extra_environment=self.stepper(**settings))

    def check_resumed(self):
        self.box.release(self.box.start().wait_ready().stop())
        self.assertEqual(faults.dump(self.box.map), self.want)

    def check_answers(self, bridge):
        """All of the state before, or all of the one after, or that it cannot be told."""
        wheres = [faults.address(number) for number in range(ADDRESSES + 5)]
        with bridge.connect() as client:
            start = time.monotonic()
            answers = {where: client.ask(where) for where in wheres}
            took = time.monotonic() - start
        self.assertLess(took, SOON)
        for where, answer in answers.items():
            self.assertIn(answer, (FOUND, NOT_FOUND, UNAVAILABLE), where)
        told = {where for where in wheres if answers[where] != UNAVAILABLE}
        found = {where for where in wheres if answers[where] == FOUND}
        self.assertIn(found, (self.before & told, self.after & told))
        return len(told) == len(wheres)

    def choose(self, number):
        """So many of the steps, half of them in the commit, which comes last; or all of them."""
        every = range(1, self.steps + 1)
        if faults.LONG:
            return list(every)
        return sorted({*self.rng.sample(every[:-COMMIT], number - number // 2),
                       *self.rng.sample(every[-COMMIT:], number // 2)})

    def kill_at(self, step, **settings):
        watcher = self.disturbed(at=step, **settings)
        status = watcher.wait()
        self.assertIn(status, (-signal.SIGKILL, 0), watcher.lines[-5:])
        self.box.release(watcher)
        return status

    def check_killed(self, number, **settings):
        steps = self.choose(number)
        for step in steps:
            with self.subTest(step=step, of=self.steps, **settings):
                self.assertEqual(self.kill_at(step, **settings), -signal.SIGKILL)
                self.assertTrue(self.check_answers(self.bridge), 'the bridge cannot tell')
                self.check_resumed()
        faults.note(f'killed at {len(steps)} of {self.steps} calls, {settings or "before them"}')

    def test_killed_before_each_call(self):
        self.check_killed(6)

    def test_killed_in_the_middle_of_each_write(self):
        self.check_killed(6, half=1)

    def test_killed_before_anybody_looked(self):
        """No bridge repairs it: the next watcher does."""
        self.bridge.end()
        steps = self.choose(4)
        for step in steps:
            with self.subTest(step=step, of=self.steps):
                self.kill_at(step)
                self.check_resumed()

    def test_bridge_killed_while_it_repairs(self):
        self.bridge.end()
        tried = 0
        commits = range(self.steps - COMMIT, self.steps)
        for step in commits if faults.LONG else self.rng.sample(commits, 2):
            self.kill_at(step, half=1)
            left = self.box.directory / 'left.tdb'
            shutil.copyfile(self.box.map, left)
            for at in range(1, 1000):
                environment = self.box.environment(**self.stepper(at=at, half=at % 2))
                shutil.copyfile(left, self.box.map)
                if not self.end_bridge(environment):
                    break
                tried += 1
                with self.subTest(step=step, at=at), Bridge(self.box.map,
                                                            self.box.environment()) as other:
                    self.assertTrue(self.check_answers(other))
            self.check_resumed()
        faults.note(f'bridge killed {tried} times')
        self.assertGreater(tried, 0)

    def end_bridge(self, environment):
        """True if it was killed."""
        with Bridge(self.box.map, environment) as bridge:
            with bridge.connect() as client:
                client.send('get 198.18.0.1\n')
                try:
                    client.line()
                except ConnectionResetError:
                    pass
            if bridge.process.poll() is None and bridge.end() == 0:
                return False
            self.assertEqual(bridge.process.wait(DEADLINE), -signal.SIGKILL)
            return True

    def test_stopped_at_each_call(self):
        """A watcher that does not go on holds its locks: who asks gets an answer all the same."""
        steps, told = self.choose(6), 0
        for step in steps:
            with self.subTest(step=step, of=self.steps):
                watcher = self.disturbed(at=step, signal=int(signal.SIGSTOP))
                state = os.waitid(os.P_PID, watcher.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                self.assertEqual(state.si_code, os.CLD_STOPPED)
                told += self.check_answers(self.bridge)
                watcher.signal(signal.SIGCONT)
                self.box.release(watcher.wait_ready().stop())
                self.assertEqual(faults.dump(self.box.map), self.want)
                self.assertTrue(self.check_answers(self.bridge))
        faults.note(f'stopped at {len(steps)} of {self.steps} calls; the bridge could tell '
                    f'{told} times, and said 400 otherwise')


if __name__ == '__main__':
    tap.main()
