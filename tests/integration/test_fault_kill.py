# SPDX-License-Identifier: LGPL-2.1-or-later
"""The watcher is killed at random instants of one long run. What comes out is what a run that
nobody disturbed gives: records, sessions and cursor, byte for byte."""

import collections
import subprocess
import time
import unittest

import faults
import journals
import tap
from bridge import Bridge
from journals import MIN, SEC
from watcher import DEADLINE, Sandbox, events, program

LOGINS = ('allow', 'extend', 'ignore', 'refuse', 'stale')
GRACE = 60 * MIN


class Runs:
    """One watcher after the other, each killed at its own time; all write to one log."""

    def __init__(self, box, rng):
        self.box, self.rng = box, rng
        self.log = box.directory / 'log'
        self.typical = 0.0

    def _start(self):
        with open(self.log, 'ab') as log:
            return subprocess.Popen(
                [program('pop-before-smtp'), *self.box.options(), '--debug', '--logto=-'],
                env=self.box.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def measure(self):
        """How long it takes to read what there is; the instants of the kills are chosen by it."""
        scratch = self.box.directory / 'scratch.tdb'
        before = time.monotonic()
        self.box.start(f'--dbfile={scratch}').wait_ready().kill()
        self.typical = time.monotonic() - before

    def kill_one(self):
        process = self._start()
        try:
            process.wait(self.rng.random() * 1.5 * self.typical)
        except subprocess.TimeoutExpired:
            process.kill()
        if process.wait(DEADLINE) != -9:
            raise AssertionError(f'exit {process.returncode}: {self.log.read_text()[-3000:]}')


def told(lines):
    return collections.Counter((event.address, event.user, event.rule)
                               for event in events(lines) if event.kind in LOGINS)


class Killed(unittest.TestCase):
    def setUp(self):
        self.rng = faults.chance()
        self.traffic = faults.Traffic(self.rng)
        now = journals.now()
        count = faults.times(6000, 100000)
        # The time of some runs out while the kills go on; the others stay.
        self.over = now + 5 * SEC
        self.entries = (
            self.traffic.entries(count // 5, now - GRACE - 5 * SEC, self.over - GRACE)
            + self.traffic.entries(count - count // 5, now - 30 * MIN, now - SEC))

    def judge(self, where, answer):
        if answer not in ('200 OK\n', '500 not found\n', '400 map is not available\n'):
            return 'no answer of a bridge'
        if answer == '200 OK\n' and where not in self.traffic.used:
            return 'nobody logged in from there'
        return None

    def choose(self):
        return faults.address(self.rng.randrange(2 * self.traffic.addresses))

    def kill_often(self, box, kills):
        """Feeds half of the journal at once, for long batches, and half of it bit by bit."""
        half = len(self.entries) // 2
        step = -(-half // kills)
        runs = Runs(box, self.rng)
        with box.writer(self.entries[:1]) as writer:
            writer.append(self.entries[1:half])
            runs.measure()
            with Bridge(box.map, box.environment()) as bridge:
                asker = faults.Asker(bridge, self.choose, self.judge)
                for number in range(kills):
                    writer.append(self.entries[half + number * step:half + (number + 1) * step])
                    runs.kill_one()
                # Where others use the processors, no run may have come so far as to have a map.
                until = time.monotonic() + DEADLINE
                while not asker.answers['200 OK'] and time.monotonic() < until:
                    runs.typical *= 1.5
                    runs.kill_one()
                wrong = asker.stop()
        faults.note(f'{kills} kills of runs of {runs.typical * 1000:.0f} ms, '
                    f'{len(self.entries)} entries; bridge: {asker}')
        self.assertEqual(wrong, [])
        self.assertGreater(asker.answers['200 OK'], 0)
        return runs

    def finish(self, box, path):
        """The last run, until it has removed what has run out: being told to stop comes first."""
        watcher = box.start(f'--dbfile={path}').wait_ready()
        until = time.monotonic() + DEADLINE
        while any(b'0' <= value[:1] <= b'9' and int(value.split()[0]) <= journals.now()
                  for key, value in faults.dump(path).items() if key[:1] not in b'.@'):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        watcher.stop()
        return watcher, faults.dump(path)

    def test_random_instants(self):
        with Sandbox(f'Grace={GRACE // SEC}s') as box:
            runs = self.kill_often(box, faults.times(25, 1000))
            left = self.over / SEC - time.time()
            time.sleep(max(left, 0))  # the entries' time has to run out before the comparison
            last, killed = self.finish(box, box.map)

            other = box.directory / 'undisturbed.tdb'
            whole, undisturbed = self.finish(box, other)
            self.assertEqual({key: (killed.get(key), undisturbed.get(key))
                              for key in {*killed, *undisturbed}
                              if killed.get(key) != undisturbed.get(key)}, {})
            self.assertGreater(len(killed), 1000)
            self.assertTrue(any(key.startswith(b'@') for key in killed))
            self.assertTrue(any(key.startswith(b'.cursor/') for key in killed))
            # Nothing was told twice, though a kill may have cost a line of the log.
            lines = runs.log.read_text(errors='replace').splitlines() + last.lines
            self.assertEqual(told(lines) - told(whole.lines), collections.Counter())


if __name__ == '__main__':
    tap.main()
