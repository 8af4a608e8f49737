# SPDX-License-Identifier: LGPL-2.1-or-later
"""One user logs in from very many addresses, and many users fill the map. Whoever else is in keeps
what he has, byte for byte, until his time is over."""

import ipaddress
import time
import unittest

import faults
import journals
import tap
from journals import MIN
from watcher import Sandbox

FLOOD = faults.times(5000, 100000)
CROWDED = 'more addresses than MaxAddressesPerUser='
FULL = 'the map is full, new addresses are not let in'
MOST = 64  # by default
MOST_ENTRIES = 1000


def place(number):
    """Addresses that nobody else has."""
    return str(ipaddress.ip_address('2001:db8:f::' if number % 2 else '10.0.0.0') + number)


def of_addresses(held):
    """Without what the map says of itself: how far the journal was read."""
    return {key: value for key, value in held.items() if not key.startswith(b'.')}


class World(unittest.TestCase):
    def setUp(self):
        self.rng = faults.chance()
        self.start = journals.now() - 20 * MIN

    def box(self, settings):
        """With the shipped rules and, unlike other tests, the limit for each user that is the
        default."""
        box = Sandbox()
        self.addCleanup(box.close)
        box.config.write_text(f'[Watcher]\nCatchUpSocket={box.catch_up}\nGrace=12h\n'
                              f'LocalNetworks=127.0.0.0/8\n{settings}\n')
        return box

    def run_over(self, box, entries):
        """The watcher reads the journal to its end. Returns it, and the seconds it took."""
        box.write(entries)
        begin = time.monotonic()
        watcher = box.start(debug=False).wait_ready()
        took = time.monotonic() - begin
        watcher.stop()
        return watcher, took

    def check_warning(self, watcher, text, count, took):
        """Said once a minute at most, and what was said last counts no more than there were."""
        said = [line for line in watcher.lines if text in line]
        self.assertTrue(1 <= len(said) <= 1 + took / 60, said)
        self.assertIn('(1 time since the start)', said[0])
        status = [note for note in watcher.notes if note.startswith('STATUS=')][-1]
        self.assertIn(f'{count} refused', status)


class OneUser(World):
    def flood(self):
        """Eve's logins from one place after the other, half of them with sessions that stay open."""
        span = 10 * MIN
        for number in range(FLOOD):
            when = self.start + span * number // FLOOD
            session = f'E{number}' if self.rng.random() < 0.5 else None
            yield journals.dovecot_login(when, place(number), 'eve', session)

    def test_pushes_out_his_own_oldest_alone(self):
        traffic = faults.Traffic(self.rng, 3000)
        others = traffic.entries(4000, self.start, self.start + 15 * MIN)
        box = self.box('MaxEntries=20000')
        _, quiet = self.run_over(box, others)
        want = of_addresses(faults.dump(box.map))
        self.assertGreater(len(want), 1000)

        box = self.box('MaxEntries=20000')
        watcher, took = self.run_over(box, journals.merge(others, list(self.flood())))
        held = of_addresses(faults.dump(box.map))
        hers = {key for key, value in held.items()
                if value.endswith(b' eve') or b' eve ' in value or key.startswith(b'@dovecot/E')}
        places = {key.decode() for key in hers if not key.startswith(b'@')}
        self.assertEqual(places, {place(number) for number in range(FLOOD - MOST, FLOOD)})
        self.assertEqual({key: value for key, value in held.items() if key not in hers}, want)
        sessions = [record['sessions'] for where, record in box.list().items() if where in places]
        self.assertEqual(sum(sessions), len(hers) - len(places))

        self.check_warning(watcher, CROWDED, 0, took)
        faults.note(f'{FLOOD} addresses of one user among {len(others)} logins and logouts: '
                    f'{len(places)} left, nobody else\'s changed; read in {took:.2f} s, '
                    f'{quiet:.2f} s without them, '
                    f'{(took - quiet) / FLOOD * 1e6:.0f} µs for each')


class ManyUsers(World):
    def crowd(self, count, start):
        """Each another user's, from another address."""
        return [journals.dovecot_login(start + number, place(number), f'new{number}')
                for number in range(count)]

    def fill(self, box):
        """Fills the map; returns what it then holds."""
        first = [journals.dovecot_login(self.start - 10 * MIN + number, faults.address(number),
                                        f'user{number}', f'S{number}' if number % 2 else None)
                 for number in range(MOST_ENTRIES)]
        self.run_over(box, first)
        held = of_addresses(faults.dump(box.map))
        self.assertEqual(len(box.list()), MOST_ENTRIES)
        return held

    def test_full_map_takes_from_nobody(self):
        box = self.box(f'MaxEntries={MOST_ENTRIES}')
        before = self.fill(box)
        watcher, took = self.run_over(box, self.crowd(FLOOD, self.start))
        self.assertEqual(of_addresses(faults.dump(box.map)), before)
        self.check_warning(watcher, FULL, FLOOD, took)
        # Those who are in can stay.
        self.run_over(box, [journals.dovecot_login(self.start + MIN, faults.address(0), 'user0')])
        after = of_addresses(faults.dump(box.map))
        self.assertEqual({key for key in before if after.pop(key, None) != before[key]},
                         {faults.address(0).encode()})
        self.assertEqual(after, {})
        faults.note(f'{FLOOD} logins from new addresses while the map is full: all refused, none '
                    f'of {MOST_ENTRIES} entries changed; {took:.2f} s')

    def test_warned_of_once_a_minute(self):
        if not faults.LONG:
            self.skipTest('takes a minute; PBS_LONG=1')
        box = self.box(f'MaxEntries={MOST_ENTRIES}')
        before = self.fill(box)
        with box.writer([journals.noise(journals.now())]) as writer:
            watcher = box.start(debug=False).wait_ready()
            count = said = 0
            begin = time.monotonic()
            while said < 2:
                writer.append([journals.dovecot_login(journals.now(), place(count), f'n{count}')])
                count += 1
                watcher.wait_note(f'{count} refused')
                warned = [line for line in watcher.lines if FULL in line]
                if len(warned) > said:
                    said = len(warned)
                    self.assertIn(f'({count} time', warned[-1])
            self.assertGreaterEqual(time.monotonic() - begin, 60)
            watcher.stop()
        self.assertEqual(of_addresses(faults.dump(box.map)), before)
        faults.note(f'{count} refusals in {time.monotonic() - begin:.0f} s: {said} warnings')


if __name__ == '__main__':
    tap.main()
