# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long an address is allowed, which addresses are, and in which groups."""

import unittest

import journals
import tap
from bridge import Bridge
from journals import MIN, SEC
from watcher import Sandbox

DAY = 24 * 60 * MIN
LATE = 5 * SEC  # how late a timer may be seen on a busy machine; never early


class Expiry(unittest.TestCase):
    def check_expiry(self, watcher, address, expires):
        """The entry goes when its time comes, not before."""
        watcher.wait_event('expire', address)
        seen = journals.now()
        self.assertGreaterEqual(seen, expires)
        self.assertLess(seen, expires + LATE)

    def test_without_any_further_entry(self):
        with Sandbox('Grace=2s') as box:
            login = journals.now()
            box.write([journals.dovecot_login(login, '192.0.2.10')])
            watcher = box.start().wait_ready()
            self.assertEqual(box.list()['192.0.2.10']['expires_usec'], login + 2 * SEC)
            self.check_expiry(watcher, '192.0.2.10', login + 2 * SEC)
            self.assertEqual(box.list(), {})
            self.assertEqual([event.kind for event in watcher.events()], ['allow', 'expire'])
            watcher.stop()

    def test_bridge_says_no_when_the_time_is_over(self):
        with Sandbox('Grace=2s') as box:
            box.write([journals.dovecot_login(journals.now(), '192.0.2.10')])
            watcher = box.start().wait_ready()
            with Bridge(box.map, box.environment()) as bridge:
                self.assertEqual(bridge.ask('192.0.2.10'), '200 OK\n')
                watcher.wait_event('expire', '192.0.2.10')
                self.assertEqual(bridge.ask('192.0.2.10'), '500 not found\n')
            watcher.stop()

    def test_dead_watcher_lets_entries_run_out(self):
        with Sandbox('Grace=3s') as box:
            login = journals.now()
            box.write([journals.dovecot_login(login, '192.0.2.10')])
            box.start().wait_ready().kill()
            with Bridge(box.map, box.environment()) as bridge:
                self.assertEqual(bridge.ask('192.0.2.10'), '200 OK\n')
                with bridge.connect() as connection:
                    while (answer := connection.ask('192.0.2.10')) == '200 OK\n':
                        self.assertLess(journals.now(), login + 3 * SEC + LATE)
                self.assertEqual(answer, '500 not found\n')
                self.assertGreaterEqual(journals.now(), login + 3 * SEC)

    def test_one_after_the_other(self):
        """Each runs out at its own time, whatever the order of the logins in the journal."""
        with Sandbox('Grace=3s') as box:
            start = journals.now()
            delays = {'192.0.2.1': 0, '192.0.2.2': 400000, '192.0.2.3': 800000, '192.0.2.4': 800000}
            box.write([journals.dovecot_login(start - 2 * SEC + delay, address)
                       for address, delay in delays.items()])
            watcher = box.start().wait_ready()
            for address, delay in delays.items():
                self.check_expiry(watcher, address, start + SEC + delay)
            self.assertEqual([event.address for event in watcher.events('expire')][:2],
                             ['192.0.2.1', '192.0.2.2'])
            watcher.stop()

    def test_login_extends(self):
        first = journals.now()
        with Sandbox('Grace=3s') as box, \
                box.writer([journals.dovecot_login(first, '192.0.2.10'),
                            journals.dovecot_login(first, '192.0.2.11')]) as writer:
            watcher = box.start().wait_ready()
            second = journals.now()
            writer.append([journals.dovecot_login(second, '192.0.2.10', 'bob')])
            watcher.wait_event('extend', '192.0.2.10')
            self.assertEqual(box.list()['192.0.2.10']['expires_usec'], second + 3 * SEC)
            self.check_expiry(watcher, '192.0.2.11', first + 3 * SEC)
            self.check_expiry(watcher, '192.0.2.10', second + 3 * SEC)
            self.assertEqual(len(watcher.events('expire')), 2)
            watcher.stop()

    def test_late_entry_of_an_older_login_does_not_shorten(self):
        with Sandbox() as box:
            start = journals.now() - MIN
            box.write([journals.dovecot_login(start, '192.0.2.10', 'new'),
                       journals.dovecot_login(start - 5 * MIN, '192.0.2.10', 'old')])
            watcher = box.start().wait_ready()
            # Each is told of by its own name, whatever the record says.
            self.assertEqual([(event.kind, event.user) for event in watcher.events()],
                             [('allow', 'new'), ('extend', 'old')])
            watcher.stop()
            record = box.list()['192.0.2.10']
            self.assertEqual(record['expires_usec'], start + 30 * MIN)
            self.assertEqual((record['login_usec'], record['user']), (start, 'new'))

    def test_grace_of_a_rule(self):
        with Sandbox('Grace=10min') as box:
            box.rule('60-courier.conf', '[Rule courier]\nGrace=1h 30min\n')
            start = journals.now() - MIN
            box.write([journals.dovecot_login(start, '192.0.2.10'),
                       journals.courier_login(start + SEC, '192.0.2.11')])
            box.start().wait_ready().stop()
            held = box.list()
            self.assertEqual(held['192.0.2.10']['expires_usec'], start + 10 * MIN)
            self.assertEqual(held['192.0.2.11']['expires_usec'], start + SEC + 90 * MIN)

    def test_shorter_grace_of_one_rule_does_not_shorten_another_ones(self):
        with Sandbox() as box:
            box.rule('60-courier.conf', '[Rule courier]\nGrace=5min\n')
            start = journals.now() - MIN
            box.write([journals.dovecot_login(start, '192.0.2.10'),
                       journals.courier_login(start + SEC, '192.0.2.10')])
            box.start().wait_ready().stop()
            self.assertEqual(box.list()['192.0.2.10']['expires_usec'], start + 30 * MIN)

    def test_grace_on_the_command_line(self):
        for option, usec in (('--grace=600', 10 * MIN), ('--grace=20min', 20 * MIN)):
            with self.subTest(option), Sandbox('Grace=1h') as box:
                start = journals.now() - MIN
                box.write([journals.dovecot_login(start, '192.0.2.10')])
                box.start(option).wait_ready().stop()
                self.assertEqual(box.list()['192.0.2.10']['expires_usec'], start + usec)

    def test_backlog_reaches_as_far_back_as_the_longest_grace(self):
        """What is older than its own rule's grace is stale, and not allowed."""
        with Sandbox('Grace=30min') as box:
            box.rule('60-courier.conf', '[Rule courier]\nGrace=3h\n')
            now = journals.now()
            box.write([journals.courier_login(now - 4 * 60 * MIN, '192.0.2.1'),
                       journals.courier_login(now - 2 * 60 * MIN, '192.0.2.2'),
                       journals.dovecot_login(now - 60 * MIN, '192.0.2.3'),
                       journals.dovecot_login(now - 20 * MIN, '192.0.2.4')])
            watcher = box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {'192.0.2.2', '192.0.2.4'})
            self.assertEqual([event.address for event in watcher.events('allow')],
                             ['192.0.2.2', '192.0.2.4'])
            self.assertEqual([event.address for event in watcher.events('stale')],
                             ['192.0.2.1', '192.0.2.3'])

    def test_time_in_the_future(self):
        """A clock that was wrong gives nobody more than the grace, counted from now."""
        with Sandbox() as box:
            box.write([journals.dovecot_login(journals.now() + DAY, '192.0.2.10'),
                       journals.dovecot_login(journals.now() + 30 * DAY, '192.0.2.11')])
            before = journals.now()
            box.start().wait_ready().stop()
            after = journals.now()
            held = box.list()
            self.assertEqual(set(held), {'192.0.2.10', '192.0.2.11'})
            for record in held.values():
                self.assertGreaterEqual(record['expires_usec'], before + 30 * MIN - SEC)
                self.assertLessEqual(record['expires_usec'], after + 30 * MIN)
                self.assertLessEqual(record['login_usec'], after)

    def test_time_in_the_future_and_a_restart(self):
        with Sandbox() as box:
            box.write([journals.dovecot_login(journals.now() + DAY, '192.0.2.10')])
            for _ in range(2):
                box.start().wait_ready().stop()
                record = box.list()['192.0.2.10']
                self.assertLessEqual(record['expires_usec'], journals.now() + 30 * MIN)


class Addresses(unittest.TestCase):
    def run_with(self, config, *addresses, networks='LocalNetworks=127.0.0.0/8', login=journals.dovecot_login):
        with Sandbox() as box:
            box.configure(config, networks)
            start = journals.now() - 5 * MIN
            box.write([login(start + number * SEC, address, f'u{number}')
                       for number, address in enumerate(addresses)])
            watcher = box.start().wait_ready().stop()
            return watcher.events(), box.list()

    def test_prefix_groups_ipv6(self):
        found, held = self.run_with('IPv6Prefix=64', '2001:db8:1:2::10', '2001:db8:1:2:ffff::1',
                                    '2001:db8:1:3::10', '192.0.2.10')
        # The log tells of addresses, the map holds what is allowed on their account.
        self.assertEqual([(event.kind, event.address) for event in found],
                         [('allow', '2001:db8:1:2::10'), ('extend', '2001:db8:1:2:ffff::1'),
                          ('allow', '2001:db8:1:3::10'), ('allow', '192.0.2.10')])
        self.assertEqual(set(held), {'2001:db8:1:2::/64', '2001:db8:1:3::/64', '192.0.2.10'})

    def test_bridge_knows_the_prefix(self):
        with Sandbox('IPv6Prefix=64') as box:
            box.write([journals.dovecot_login(journals.now(), '2001:db8:1:2::10')])
            box.start().wait_ready().stop()
            with Bridge(box.map, box.environment()) as bridge:
                self.assertEqual(bridge.ask('2001:db8:1:2:1:2:3:4'), '200 OK\n')
                self.assertEqual(bridge.ask('2001:db8:1:3::10'), '500 not found\n')

    def test_whole_addresses_without_a_prefix(self):
        _, held = self.run_with('', '2001:db8:1:2::10', '2001:DB8:1:2:0:0:0:11', '2001:db8:1:2::10')
        self.assertEqual(set(held), {'2001:db8:1:2::10', '2001:db8:1:2::11'})

    def test_local_part_of_a_group_does_not_speak_for_all_of_it(self):
        with Sandbox('IPv6Prefix=56\nLocalNetworks=2001:db8::/64') as box:
            box.write([journals.dovecot_login(journals.now() - MIN, '2001:db8:0:5::9')])
            for _ in range(2):
                box.start().wait_ready().stop()
                self.assertEqual(set(box.list()), {'2001:db8::/56'})

    def test_other_prefix_at_the_next_start(self):
        with Sandbox() as box:
            start = journals.now() - 5 * MIN
            box.write([journals.dovecot_login(start, '2001:db8:1:2::10'),
                       journals.dovecot_login(start + SEC, '2001:db8:1:2::11'),
                       journals.dovecot_login(start + 2 * SEC, '192.0.2.10')])
            for config, keys in (('', {'2001:db8:1:2::10', '2001:db8:1:2::11', '192.0.2.10'}),
                                 ('IPv6Prefix=64', {'2001:db8:1:2::/64', '192.0.2.10'}),
                                 ('', {'2001:db8:1:2::10', '2001:db8:1:2::11', '192.0.2.10'})):
                with self.subTest(config):
                    box.configure(config)
                    box.start().wait_ready().stop()
                    held = box.list()
                    self.assertEqual(set(held), keys)
                    self.assertTrue(all(record['expires_usec'] <= start + 2 * SEC + 30 * MIN
                                        for record in held.values()))

    def test_mapped_ipv4_is_ipv4(self):
        found, held = self.run_with('', '192.0.2.10', '::ffff:192.0.2.10', '::FFFF:192.0.2.10')
        self.assertEqual([(event.kind, event.address) for event in found],
                         [('allow', '192.0.2.10'), ('extend', '192.0.2.10'),
                          ('extend', '192.0.2.10')])
        self.assertEqual(set(held), {'192.0.2.10'})

    def test_never_grant(self):
        found, held = self.run_with('NeverGrant=100.64.0.0/10 2001:db8:bad::/48\n'
                                    'NeverGrant=192.0.2.7',
                                    '100.64.0.1', '100.127.255.255', '100.128.0.1', '192.0.2.7',
                                    '192.0.2.8', '2001:db8:bad::1', '2001:db8:bae::1')
        self.assertEqual([(event.kind, event.address) for event in found],
                         [('ignore', '100.64.0.1'), ('ignore', '100.127.255.255'),
                          ('allow', '100.128.0.1'), ('ignore', '192.0.2.7'), ('allow', '192.0.2.8'),
                          ('ignore', '2001:db8:bad::1'), ('allow', '2001:db8:bae::1')])
        self.assertIn('never-grant network 100.64.0.0/10', found[0].detail)
        self.assertEqual(set(held), {'100.128.0.1', '192.0.2.8', '2001:db8:bae::1'})

    def test_local_networks(self):
        found, held = self.run_with('', '10.1.2.3', '10.9.0.1', '192.0.2.10', '127.9.9.9', '::1',
                                    networks='LocalNetworks=!10.9.0.0/16 10.0.0.0/8')
        self.assertEqual([(event.kind, event.address) for event in found],
                         [('ignore', '10.1.2.3'), ('allow', '10.9.0.1'), ('allow', '192.0.2.10'),
                          ('ignore', '127.9.9.9'), ('ignore', '::1')])
        self.assertIn('local network 10.0.0.0/8', found[0].detail)
        self.assertIn('local network 127.0.0.0/8', found[3].detail)
        self.assertEqual(set(held), {'10.9.0.1', '192.0.2.10'})

    def test_loopback_in_every_spelling(self):
        found, held = self.run_with('', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1', '127.0.0.1')
        self.assertEqual([event.kind for event in found], ['ignore'] * 3)
        self.assertEqual(held, {})


if __name__ == '__main__':
    tap.main()
