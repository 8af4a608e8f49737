# SPDX-License-Identifier: LGPL-2.1-or-later
"""A watcher that ends and starts again neither loses nor repeats a login."""

import collections
import unittest

import journals
import tap
from journals import MIN, SEC
from watcher import Sandbox, rules, sanitised

LOGINS = ('allow', 'extend', 'ignore', 'refuse', 'stale')


def two_servers():
    """Two recordings in one journal, all of it within the last minutes."""
    last = journals.now() - 5 * SEC
    lists = [journals.move(journals.shorten_pauses(journals.recorded(name), SEC), last)
             for name in ('dovecot', 'courier')]
    return journals.merge(*lists)


def logins(*watchers):
    return [(event.address, event.user, event.rule)
            for watcher in watchers for event in watcher.events(*LOGINS)]


class Interrupted(unittest.TestCase):
    def setUp(self):
        self.entries = two_servers()
        with Sandbox() as box:
            box.write(self.entries)
            watcher = box.start().wait_ready().stop()
            self.whole = box.list()
            self.logins = logins(watcher)
        expected = sum(len(journals.expected(name, 'login')) for name in ('dovecot', 'courier'))
        self.assertEqual(len(self.logins), expected)
        self.assertEqual(len(self.whole), 3)

    def check(self, end, cuts):
        cuts = [0, *(len(self.entries) * cut // 100 for cut in cuts), len(self.entries)]
        watchers = []
        with Sandbox() as box:
            for start, stop in zip(cuts, cuts[1:]):
                box.write(self.entries[start:stop])
                watchers.append(end(box.start().wait_ready()))
            self.assertEqual(box.list(), self.whole)
            self.assertEqual(logins(*watchers), self.logins)

    def test_stopped_in_the_middle(self):
        for cut in (1, 30, 50, 77, 99):
            with self.subTest(percent=cut):
                self.check(lambda watcher: watcher.stop(), [cut])

    def test_stopped_many_times(self):
        self.check(lambda watcher: watcher.stop(), range(10, 100, 10))

    def test_killed_in_the_middle(self):
        for cut in (30, 50, 77):
            with self.subTest(percent=cut):
                self.check(lambda watcher: watcher.kill(), [cut])

    def test_killed_while_it_reads(self):
        """Wherever the kill hits, the map is that of a whole run, and nothing is told of twice."""
        for number in (1, 20, 60):
            with self.subTest(number=number), Sandbox() as box:
                box.write(self.entries)
                first = box.start()
                first.wait_line('^', after=number)
                first.kill()
                second = box.start().wait_ready().stop()
                self.assertEqual(box.list(), self.whole)
                told = collections.Counter(logins(first, second))
                self.assertEqual(told - collections.Counter(self.logins), collections.Counter())

    def test_new_logins_while_it_was_stopped(self):
        with Sandbox() as box:
            box.write(self.entries)
            box.start().wait_ready().stop()
            box.write([journals.dovecot_login(journals.now(), '192.0.2.99', 'late')])
            second = box.start().wait_ready().stop()
            self.assertEqual(logins(second), [('192.0.2.99', 'late', 'dovecot')])

    def test_nothing_new(self):
        with Sandbox() as box:
            box.write(self.entries)
            box.start().wait_ready().stop()
            second = box.start().wait_ready().stop()
            self.assertEqual(logins(second), [])
            self.assertEqual(box.list(), self.whole)

    def test_entries_ran_out_while_it_was_stopped(self):
        with Sandbox('Grace=2s') as box:
            box.write([journals.dovecot_login(journals.now(), '192.0.2.10')])
            box.start().wait_ready().kill()
            self.assertEqual(set(box.list()), {'192.0.2.10'})
            second = box.start().wait_ready()
            second.wait_event('expire', '192.0.2.10')
            self.assertEqual(box.list(), {})


class LostPlace(unittest.TestCase):
    """The stored cursor does not lead to where the reading ended."""

    def start(self):
        return journals.now() - 5 * MIN

    def series(self, start, first, last, **fields):
        """Logins from 192.0.2.FIRST to 192.0.2.LAST, a second apart."""
        return [journals.dovecot_login(start + number * SEC, f'192.0.2.{number}', f'user{number}',
                                       **fields) for number in range(first, last + 1)]

    def addresses(self, *numbers):
        return {f'192.0.2.{number}' for number in numbers}

    def test_journal_was_replaced(self):
        start = self.start()
        with Sandbox() as box:
            box.write(self.series(start, 1, 5))
            box.start().wait_ready().stop()
            before = box.list()
            (box.journal / 'system.journal').unlink()
            box.write(self.series(start, 6, 9), 'other.journal')
            second = box.start().wait_ready().stop()
            self.assertEqual([event.address for event in second.events('allow')],
                             [f'192.0.2.{number}' for number in range(6, 10)])
            held = box.list()
            self.assertEqual(set(held), self.addresses(*range(1, 10)))
            self.assertEqual({key: held[key] for key in before}, before)

    def test_journal_was_replaced_by_a_copy_that_goes_on(self):
        start = self.start()
        with Sandbox() as box:
            box.write(self.series(start, 1, 5))
            box.start().wait_ready().stop()
            (box.journal / 'system.journal').unlink()
            box.write(self.series(start, 1, 9), 'other.journal')
            second = box.start().wait_ready().stop()
            self.assertEqual([event.address for event in second.events('allow')],
                             [f'192.0.2.{number}' for number in range(6, 10)])
            self.assertEqual(set(box.list()), self.addresses(*range(1, 10)))

    def test_two_entries_at_the_time_of_the_lost_cursor(self):
        """The second of two entries of the same microsecond is not taken for the first."""
        start = self.start()
        both = [journals.dovecot_login(start, f'192.0.2.{number}') for number in (1, 2)]
        with Sandbox() as box:
            box.write(both[:1])
            box.start().wait_ready().stop()
            (box.journal / 'system.journal').unlink()
            box.write(both, 'other.journal')
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), self.addresses(1, 2))

    def test_cursor_outside_the_matches(self):
        """The entry that the cursor names is none that the rules ask for now; the next one is."""
        start = self.start()
        both, one = rules(), rules('50-dovecot')
        first = [journals.dovecot_login(start + SEC, '192.0.2.1'),
                 journals.courier_login(start + 2 * SEC, '192.0.2.2'),
                 journals.dovecot_login(start + 3 * SEC, '192.0.2.3'),
                 journals.courier_login(start + 4 * SEC, '192.0.2.4')]
        then = [journals.dovecot_login(start + 5 * SEC, '192.0.2.5'),
                journals.courier_login(start + 6 * SEC, '192.0.2.6'),
                journals.dovecot_login(start + 7 * SEC, '192.0.2.7')]
        with Sandbox(shipped=both) as box:
            box.write(first)
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), self.addresses(1, 2, 3, 4))
            for path in set(both) - set(one):
                (box.rules / path.name).unlink()
            box.write(then)
            second = box.start().wait_ready().stop()
            self.assertEqual([event.address for event in second.events(*LOGINS)],
                             ['192.0.2.5', '192.0.2.7'])
            self.assertEqual(set(box.list()), self.addresses(1, 2, 3, 4, 5, 7))

    def test_cursor_of_an_entry_that_no_later_rule_asks_for(self):
        """The rules change altogether between two runs."""
        start = self.start()
        with Sandbox(shipped=rules('50-courier')) as box:
            box.write([journals.courier_login(start + SEC, '192.0.2.1'),
                       journals.dovecot_login(start + 2 * SEC, '192.0.2.2'),
                       journals.courier_login(start + 3 * SEC, '192.0.2.3'),
                       journals.dovecot_login(start + 4 * SEC, '192.0.2.4')])
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), self.addresses(1, 3))
            (box.rules / '50-courier.conf').unlink()
            (box.rules / '50-dovecot.conf').symlink_to(rules('50-dovecot')[0])
            second = box.start().wait_ready().stop()
            self.assertIn('192.0.2.4', [event.address for event in second.events('allow')])

    def test_cursor_from_the_future_in_a_journal_that_is_gone(self):
        start = self.start()
        day = 24 * 60 * MIN
        with Sandbox() as box:
            box.write(self.series(start + day, 1, 3))
            box.start().wait_ready().stop()
            (box.journal / 'system.journal').unlink()
            box.write(self.series(start, 4, 6), 'other.journal')
            second = box.start().wait_ready().stop()
            self.assertEqual([event.address for event in second.events('allow')],
                             ['192.0.2.4', '192.0.2.5', '192.0.2.6'])

    def test_clock_was_ahead_and_set_back(self):
        """The same journal goes on, with entries that are older than the one that was read last."""
        start = self.start()
        day = 24 * 60 * MIN
        with Sandbox() as box:
            box.write(self.series(start + day, 1, 2))
            box.start().wait_ready().stop()
            box.write(self.series(start, 3, 4), 'later.journal')
            second = box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), self.addresses(1, 2, 3, 4))

    def test_journal_is_empty_at_first(self):
        with Sandbox() as box:
            box.write([journals.noise(self.start(), number) for number in range(20)])
            box.start().wait_ready().stop()
            box.write(self.series(self.start(), 1, 2))
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), self.addresses(1, 2))


class Thousands(unittest.TestCase):
    def test_more_entries_than_one_transaction_takes(self):
        """A backlog of several batches, killed in the middle; every login is in the end."""
        count = 12000
        start = journals.now() - 10 * MIN
        entries = [journals.dovecot_login(start + number * 1000,
                                          f'198.18.{number // 250}.{number % 250 + 1}')
                   for number in range(count)]
        with Sandbox() as box:
            box.write(entries)
            first = box.start()
            first.wait_line(r'allow 198\.18\.20\.1 ')
            first.kill()
            second = box.start().wait_ready().stop()
            self.assertEqual(len(box.list()), count)
            # What the killed one had committed is not read again, nor told of again.
            self.assertLess(len(second.events()), count)
            told = [address for address, _, _ in logins(first, second)]
            self.assertEqual(len(told), len(set(told)))
            self.assertEqual(second.events('extend'), [])


if __name__ == '__main__':
    tap.main()
