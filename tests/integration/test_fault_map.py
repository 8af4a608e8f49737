# SPDX-License-Identifier: LGPL-2.1-or-later
"""The map is damaged: cut short, flipped bytes, nothing in it, something else in its place. The
watcher makes it anew from the journal and keeps the old file, or refuses and leaves it alone; the
bridge, which sees it before the watcher does, lets nobody in whom the journal does not."""

import os
import shutil
import unittest

import faults
import journals
import tap
from bridge import Bridge
from journals import MIN, SEC
from lookupd import FOUND, NOT_FOUND, UNAVAILABLE
from watcher import Sandbox

GRACE = 12 * 60 * MIN
ADDRESSES = 60
EX_REFUSED = range(1, 127)
STEP = 4096


def until(entries, where):
    return entries[where]['expires_usec']


class Damaged(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rng = faults.chance()
        cls.box = Sandbox(f'Grace={GRACE // SEC}s\nMaxEntries=2000')
        cls.addClassCleanup(cls.box.close)
        now = journals.now()
        traffic = faults.Traffic(cls.rng, ADDRESSES)
        cls.box.write(traffic.entries(300, now - 20 * MIN, now - MIN))
        cls.box.start().wait_ready().stop()
        cls.whole = cls.box.list()
        cls.want = faults.dump(cls.box.map)
        cls.good = cls.box.map.read_bytes()
        cls.wheres = [faults.address(number) for number in range(2 * ADDRESSES)]

    def setUp(self):
        self.put(self.good)
        self.bridge = Bridge(self.box.map, self.box.environment())
        self.addCleanup(self.bridge.end)
        self.outcomes = {}

    def put(self, data):
        """The data as a new file in the map's place."""
        path = self.box.directory / 'put.tdb'
        path.write_bytes(data)
        path.rename(self.box.map)

    def aside(self):
        return list(self.box.directory.glob('map.tdb.corrupt-*'))

    def check_bridge(self):
        """No answer is wrong that lets somebody in."""
        with self.bridge.connect() as client:
            for where in self.wheres:
                answer = client.ask(where)
                self.assertIn(answer, (FOUND, NOT_FOUND, UNAVAILABLE), where)
                if where not in self.whole:
                    self.assertNotEqual(answer, FOUND, where)

    def check_held(self):
        """Nobody is in who did not log in; nobody for longer than somebody who logged in then."""
        held = self.box.list()
        self.assertEqual(set(held) - set(self.whole), set())
        if held == self.whole:
            return 'as it was'
        changed = [where for where in self.whole if held.get(where) != self.whole[where]]
        longer = [where for where in held if until(held, where) > until(self.whole, where)]
        return f'{len(changed)} changed, {len(longer)} of them longer'

    def check(self, data):
        """Puts the data there and lets both programs at it; says how it ended."""
        self.put(data)
        self.check_bridge()
        inode = self.box.map.stat().st_ino
        watcher = self.box.start()
        try:
            watcher.wait_ready()
        except AssertionError:
            self.assertIn(watcher.wait(), EX_REFUSED, watcher.lines[-3:])
            self.assertEqual(self.box.map.read_bytes(), data)
            self.assertEqual(self.box.map.stat().st_ino, inode)
            self.assertEqual(self.aside(), [])
            return 'refused'
        finally:
            if watcher.ended:
                self.box.release(watcher)
        self.check_bridge()
        watcher.stop()
        self.box.release(watcher)
        aside = self.aside()
        if not aside:
            return f'kept, {self.check_held()}'
        self.assertEqual([path.read_bytes() for path in aside], [data])
        aside[0].unlink()
        self.assertEqual(faults.dump(self.box.map), self.want)
        return 'made anew, whole'

    def count(self, outcome):
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def tell(self, what):
        told = ', '.join(f'{count} × {outcome}' for outcome, count in self.outcomes.items())
        faults.note(f'{what}: {told}')

    def test_cut_short(self):
        """At each 4 KiB, and right beside."""
        places = [max(0, at + more) for at in range(0, len(self.good), STEP) for more in (0, -1, 1)]
        if not faults.LONG:
            places = self.rng.sample(places, 8)
        for at in places:
            with self.subTest(at=at):
                self.count(self.check(self.good[:at]))
        self.tell(f'cut short at {len(places)} places')

    def test_flipped_bytes(self):
        number = faults.times(15, 1000)
        for seed in range(number):
            data = bytearray(self.good)
            for _ in range(1 + self.rng.randrange(20)):
                end = len(data) if self.rng.randrange(2) else 16384
                data[self.rng.randrange(end)] ^= 1 << self.rng.randrange(8)
            with self.subTest(seed=seed):
                self.count(self.check(bytes(data)))
        self.tell(f'{number} seeds of flipped bytes')

    def test_flipped_bytes_of_records(self):
        """Where they hurt most: in what is stored, not in the empty parts of the file."""
        used = [at for at in range(0, len(self.good), 16)
                if any(self.good[at:at + 16]) and self.good[at:at + 16] != b'\x42' * 16]
        number = faults.times(15, 1000)
        for seed in range(number):
            data = bytearray(self.good)
            for _ in range(1 + self.rng.randrange(3)):
                data[self.rng.choice(used) + self.rng.randrange(16)] = self.rng.randrange(256)
            with self.subTest(seed=seed):
                self.count(self.check(bytes(data)))
        self.tell(f'{number} seeds of changed bytes in records')

    def test_nothing_in_it(self):
        self.assertEqual(self.check(b''), 'made anew, whole')

    def test_zeros(self):
        self.assertEqual(self.check(bytes(len(self.good))), 'refused')

    def test_something_else(self):
        for data in (b'root:x:0:0:root:/root:/bin/bash\n', os.urandom(100000),
                     b'SQLite format 3\0' + bytes(4080)):
            self.assertEqual(self.check(data), 'refused')

    def test_tdb_of_another_program(self):
        other = self.box.directory / 'other.tdb'
        shutil.copyfile(self.box.map, other)
        data = other.read_bytes().replace(b'.format', b'INFO/ve')
        self.assertNotEqual(data, self.good)
        # Its hash does not fit the key now: it is damaged, and not known to be ours or not.
        self.assertIn(self.check(data), ('refused', 'made anew, whole'))


if __name__ == '__main__':
    tap.main()
