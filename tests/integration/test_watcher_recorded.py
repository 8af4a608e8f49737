# SPDX-License-Identifier: LGPL-2.1-or-later
"""Journals recorded from real servers yield the logins that there were, and nothing else."""

import re
import signal
import unittest

import journals
import tap
from journals import MIN, SEC
from watcher import Sandbox, events, rules, sanitised

def names():
    """The names of all shipped rules."""
    return [name for path in rules()
            for name in re.findall(r'^\[Rule (.*)\]$', path.read_text(), re.MULTILINE)]


LOGINS = ('allow', 'extend', 'ignore', 'refuse', 'stale')
FORGED = '6.6.6.6'  # every forged or failed login in the recordings claims to come from here


class Recorded(unittest.TestCase):
    def replay(self, name):
        """All of a recording, each entry at its own time, ended ten seconds ago; nothing is taken
        to be local."""
        with Sandbox() as box:
            box.configure(networks='LocalNetworks=')
            box.rule('99-all.conf', ''.join(f'[Rule {name}]\nEnabled=yes\n' for name in names()))
            entries = journals.move(journals.recorded(name), journals.now() - 10 * SEC)
            box.write(entries)
            watcher = box.start('--reprocess').wait_ready().stop()
            return entries, watcher, box.list()

    def check(self, name, *expected_rules):
        entries, watcher, held = self.replay(name)
        expected = [item for item in journals.expected(name)
                    if item.address != '-' and not journals.is_late(name, item)]
        self.assertTrue(expected)

        found = watcher.events('logout', *LOGINS)
        self.assertEqual([(event.kind == 'logout', event.address, event.user) for event in found
                          if not self.is_unknowable(name, event)],
                         [(item.kind == 'logout', item.address, sanitised(item.user))
                          for item in expected])
        self.assertNotIn(FORGED, [event.address for event in watcher.events()])
        self.assertEqual({event.rule for event in watcher.events()}, set(expected_rules))
        self.check_map(entries, expected, held)

    def is_unknowable(self, name, event):
        """Dovecot 2.2 names only the user when a session ends, so that the address is a guess."""
        return name == 'dovecot22' and event.kind == 'logout'

    def check_map(self, entries, expected, held):
        """The map holds each address's last login; half an hour ago at most, or still logged in."""
        last, at = {}, 0
        for item in expected:
            at = next(i for i in range(at, len(entries)) if entries[i].message == item.message) + 1
            if item.kind == 'login':
                last[item.address] = (entries[at - 1].usec, sanitised(item.user))
        fresh = {address for address, (usec, _) in last.items()
                 if usec > journals.now() - 30 * MIN}
        self.assertLessEqual(fresh, set(held))
        self.assertLessEqual(set(held), set(last))
        for address, record in held.items():
            self.assertEqual((record['login_usec'], record['user']), last[address])
            self.assertGreaterEqual(record['expires_usec'], record['login_usec'] + 30 * MIN)
            if record['sessions'] == 0:
                self.assertLessEqual(record['expires_usec'], journals.now() + 30 * MIN)

    def test_dovecot(self):
        self.check('dovecot', 'dovecot')

    def test_dovecot_that_accepts_any_user_name(self):
        self.check('dovecot-anyuser', 'dovecot')

    def test_dovecot_with_injected_log_lines(self):
        self.check('dovecot-loginject', 'dovecot')

    def test_dovecot_as_proxy(self):
        self.check('dovecot-proxy', 'dovecot')

    def test_dovecot_2_2(self):
        self.check('dovecot22', 'dovecot')

    def test_dovecot_2_4(self):
        self.check('dovecot24', 'dovecot')

    def test_courier(self):
        self.check('courier', 'courier')

    def test_cyrus(self):
        self.check('cyrus', 'cyrus')

    def test_popa3d(self):
        self.check('popa3d', 'popa3d')

    def test_solid_pop3d(self):
        self.check('solid-pop3d', 'solid-pop3d')

    def test_mailutils(self):
        self.check('mailutils', 'mailutils')

    def test_uw_imap(self):
        self.check('uw-imap', 'uw-imap')

    def test_perdition(self):
        self.check('perdition', 'perdition', 'dovecot')


class Together(unittest.TestCase):
    def test_two_servers_in_one_journal(self):
        last = journals.now() - 10 * SEC
        lists = [journals.move(journals.shorten_pauses(journals.recorded(name), SEC), last)
                 for name in ('dovecot24', 'courier')]
        with Sandbox() as box:
            box.write(journals.merge(*lists))
            watcher = box.start('--reprocess').wait_ready().stop()
            for rule, name in (('dovecot', 'dovecot24'), ('courier', 'courier')):
                self.assertEqual(
                    [(event.address, event.user) for event in watcher.events(*LOGINS)
                     if event.rule == rule],
                    [(login.address, sanitised(login.user)) for login in journals.expected(name, 'login')])

    def test_reprocess_says_that_it_is_done(self):
        with Sandbox() as box:
            box.write(journals.move(journals.recorded('dovecot24'), journals.now() - 10 * SEC))
            box.start('--reprocess').wait_ready().wait_line('end of the journal')

    def test_reprocess_lives_in_the_time_of_the_entries(self):
        # Two hours ago: allowed then, and run out since.
        then = journals.now() - 120 * MIN
        with Sandbox() as box:
            box.write([journals.dovecot_login(then, '192.0.2.10'),
                       journals.dovecot_login(then + 10 * MIN, '192.0.2.10'),
                       journals.dovecot_login(then + 41 * MIN, '192.0.2.10')])
            watcher = box.start('--reprocess').wait_ready()
            # The last one runs out when the time of the journal gives way to that of the clock.
            end = watcher.wait_line('end of the journal')
            watcher.wait_event('expire', '192.0.2.10', after=end)
            watcher.stop()
            self.assertEqual([event.kind for event in watcher.events()],
                             ['allow', 'extend', 'expire', 'allow', 'expire'])
            self.assertEqual(box.list(), {})


class Future(unittest.TestCase):
    def test_reprocess_does_not_live_beyond_the_clock(self):
        now = journals.now()
        with Sandbox() as box:
            box.write([journals.dovecot_login(now - 2 * MIN, '192.0.2.80'),
                       journals.dovecot_login(now + 400 * 24 * 60 * MIN, '192.0.2.81')])
            watcher = box.start('--reprocess').wait_ready()
            watcher.wait_line('end of the journal')
            held = box.list()
            watcher.stop()
            self.assertEqual(set(held), {'192.0.2.80', '192.0.2.81'})
            for record in held.values():
                self.assertLessEqual(record['expires_usec'], journals.now() + 30 * MIN)


class Forged(unittest.TestCase):
    """What is not from the server's own unit, or not a login, opens nothing."""

    def check(self, *forged, extra_rule=None):
        start = journals.now() - MIN
        entries = [entry.at(start + number) for number, entry in enumerate(forged)]
        with Sandbox() as box:
            if extra_rule:
                box.rule('60-extra.conf', extra_rule)
            box.write([*entries, journals.dovecot_login(start + SEC, '192.0.2.1', 'genuine')])
            watcher = box.start().wait_ready().stop()
            self.assertEqual([(event.kind, event.address) for event in watcher.events()],
                             [('allow', '192.0.2.1')])
            self.assertEqual(set(box.list()), {'192.0.2.1'})

    def login(self, **fields):
        return journals.dovecot_login(0, FORGED, 'eve', **fields)

    def courier(self, **fields):
        return journals.courier_login(0, FORGED, 'eve', **fields)

    def test_other_unit(self):
        self.check(self.login(_SYSTEMD_UNIT='cron.service'),
                   self.courier(_SYSTEMD_UNIT='cron.service'))

    def test_similar_unit(self):
        for unit in ('dovecot.service.service', 'dovecot.servic', 'Dovecot.service',
                     'dovecot@.service', 'dovecot.service ', 'xdovecot.service'):
            with self.subTest(unit):
                self.check(self.login(_SYSTEMD_UNIT=unit))

    def test_no_unit(self):
        self.check(self.login(_SYSTEMD_UNIT=None), self.courier(_SYSTEMD_UNIT=None),
                   self.login(_SYSTEMD_UNIT=None, UNIT='dovecot.service',
                              OBJECT_SYSTEMD_UNIT='dovecot.service'))

    def test_unit_of_a_users_own_manager(self):
        self.check(self.login(_SYSTEMD_UNIT='user@1001.service', _UID=1001,
                              _SYSTEMD_USER_UNIT='dovecot.service'))

    def test_user_id_of_a_mail_process(self):
        self.check(self.login(_UID=1000), self.courier(_UID=1000), self.login(_UID=None))

    def test_field_that_only_begins_like_it(self):
        self.check(self.login(_SYSTEMD_UNIT=None, _SYSTEMD_UNITS='dovecot.service'))

    def test_message_of_another_server(self):
        """An entry that one rule asks for is not judged by another's patterns."""
        self.check(journals.entry(0, self.courier().message, _SYSTEMD_UNIT='dovecot.service',
                                  _UID=0, SYSLOG_IDENTIFIER='dovecot'),
                   journals.entry(0, self.login().message, _SYSTEMD_UNIT='courier-imap.service',
                                  _UID=0, SYSLOG_IDENTIFIER='imapd'))

    def test_message_for_a_rule_without_a_login(self):
        self.check(journals.entry(0, self.login().message, _SYSTEMD_UNIT='other.service', _UID=0),
                   extra_rule='[Rule other]\nMatch=_SYSTEMD_UNIT=other.service\n'
                              'Login=^other (?<addr>\\S+)$\n')

    def test_second_line_of_a_message(self):
        line = self.login().message
        self.check(self.login_with(b'imap-login: Disconnected: user=<x>\n' + line + b'\n'),
                   self.login_with(line + b'\nmore'), self.login_with(line + b'\n'),
                   self.login_with(line + b'\0'), self.login_with(b'\n' + line))

    def login_with(self, message):
        return journals.Entry([(key, message if key == b'MESSAGE' else value)
                               for key, value in self.login().fields])

    def test_no_message(self):
        self.check(journals.Entry([field for field in self.login().fields
                                   if field[0] != b'MESSAGE']))

    def test_address_that_is_none(self):
        for address in ('6.6.6.666', '6.6.6', '::ffff:6.6.6.6.6', '06.06.06.06', ':', '...',
                        '6.6.6.6:25', 'fe80::1%eth0', '[6.6.6.6]'):
            with self.subTest(address):
                self.check(self.login_with(journals.dovecot_message(address).encode()))

    def test_very_long_message(self):
        name = 'x' * 100000
        self.check(self.login_with(journals.dovecot_message(FORGED, name).encode()),
                   self.login_with(b'imap-login: Login: user=<'
                                   + b'>, method=PLAIN, rip=6.6.6.6' * 4000))


class CutLines(unittest.TestCase):
    """courierlogger logs the rest of a line that is too long as if it were a line of its own; so
    whoever fails to log in under a long name chooses how an entry begins."""

    def cut(self, when, **fields):
        return self.entry(when, 'LOGIN FAILED, user=' + 'x' * (503 - len('LOGIN FAILED, user=')),
                          **fields)

    def rest(self, when, **fields):
        message = f'LOGIN, user=eve, ip=[{FORGED}], port=[1], protocol=IMAP'
        return self.entry(when, message, **fields)

    def entry(self, when, message, **fields):
        entry = journals.courier_login(when, FORGED, **fields)
        return journals.Entry([(key, message.encode() if key == b'MESSAGE' else value)
                               for key, value in entry.fields])

    def test_rest_is_not_believed(self):
        start = journals.now() - MIN
        with Sandbox() as box:
            box.write([self.cut(start), self.rest(start + 1),
                       journals.courier_login(start + SEC, '192.0.2.1', _PID=433)])
            watcher = box.start().wait_ready().stop()
            self.assertEqual([(event.kind, event.address) for event in watcher.events()],
                             [('allow', '192.0.2.1')])
            self.assertEqual(set(box.list()), {'192.0.2.1'})

    def test_rest_that_comes_after_a_restart(self):
        for end in ('stop', 'kill'):
            start = journals.now() - MIN
            with self.subTest(end), Sandbox() as box:
                box.write([self.cut(start)])
                getattr(box.start().wait_ready(), end)()
                box.write([self.rest(start + SEC),
                           journals.courier_login(start + SEC, '192.0.2.1', _PID=433)])
                watcher = box.start().wait_ready().stop()
                self.assertEqual([(event.kind, event.address) for event in watcher.events()],
                                 [('allow', '192.0.2.1')])
                self.assertEqual(set(box.list()), {'192.0.2.1'})

    def test_rest_that_comes_long_after_a_restart(self):
        """However much others have written, and however often it was started, in between."""
        start = journals.now() - 5 * MIN
        with Sandbox() as box:
            box.write([self.cut(start)] + [journals.courier_login(start + number, '192.0.2.1',
                                                                  _PID=433)
                                           for number in range(1, 3000)])
            box.start().wait_ready().stop()
            box.start().wait_ready().stop()
            box.write([self.rest(start + MIN), journals.courier_login(start + MIN + 1, '192.0.2.2',
                                                                      _PID=433)])
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {'192.0.2.1', '192.0.2.2'})

    def test_rest_that_comes_after_a_reload(self):
        with Sandbox() as box, box.writer([self.cut(journals.now())]) as writer:
            watcher = box.start().wait_ready()
            watcher.signal(signal.SIGHUP)
            watcher.wait_line('reloaded')
            writer.append([self.rest(journals.now()),
                           journals.courier_login(journals.now(), '192.0.2.1', _PID=433)])
            watcher.wait_event('allow', '192.0.2.1')
            self.assertEqual(set(box.list()), {'192.0.2.1'})
            watcher.stop()

    def test_cut_while_the_rule_was_disabled(self):
        start = journals.now() - 5 * MIN
        with Sandbox() as box:
            box.write([journals.courier_login(start, '192.0.2.1', _PID=433)])
            box.start().wait_ready().stop()
            box.rule('60-off.conf', '[Rule courier]\nEnabled=no\n')
            box.write([self.cut(start + SEC)])
            box.start().wait_ready().stop()
            box.rule('60-off.conf', '')
            box.write([self.rest(start + 2 * SEC)])
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {'192.0.2.1'})

    def test_cut_in_a_file_that_was_deleted_unread(self):
        start = journals.now() - 5 * MIN
        with Sandbox() as box:
            with box.writer([journals.courier_login(start, '192.0.2.1', _PID=433)], 'a.journal'):
                box.start().wait_ready().stop()
            (box.journal / 'a.journal').unlink()
            with box.writer([self.rest(start + 2 * SEC)], 'c.journal'):
                box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {'192.0.2.1'})

    def test_reprocess_that_is_told_to_reload_at_once(self):
        start = journals.now() - 5 * MIN
        with Sandbox() as box:
            box.write([journals.courier_login(start + number, f'192.0.2.{number % 250}', _PID=433)
                       for number in range(1, 3000)])
            watcher = box.start('--reprocess')
            watcher.wait_line('local networks')
            watcher.signal(signal.SIGHUP)
            watcher.wait_ready().stop()
            self.assertEqual(len(box.list()), 250)

    def test_cut_before_the_backlog_begins(self):
        """A cold start looks back further than a login can count."""
        start = journals.now() - 10 * MIN
        with Sandbox() as box:
            box.write([self.cut(start - 60 * MIN), self.rest(start),
                       journals.courier_login(start + SEC, '192.0.2.1', _PID=433)])
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {'192.0.2.1'})

    def test_address_in_a_name_that_ends_at_the_cut(self):
        """The true address would have come behind it."""
        end = f', ip=[{FORGED}], port=[1], protocol=IMAP'
        start = journals.now() - MIN
        with Sandbox() as box:
            box.write([self.entry(start, ('LOGIN, user=' + 'a' * 600)[:505 - len(end)] + end),
                       journals.courier_login(start + SEC, '192.0.2.1', _PID=433)])
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {'192.0.2.1'})

    def test_rest_that_comes_while_it_follows(self):
        with Sandbox() as box, box.writer([self.cut(journals.now())]) as writer:
            watcher = box.start().wait_ready()
            writer.append([self.rest(journals.now()),
                           journals.courier_login(journals.now(), '192.0.2.1', _PID=433)])
            watcher.wait_event('allow', '192.0.2.1')
            self.assertEqual(set(box.list()), {'192.0.2.1'})
            watcher.stop()


class Names(unittest.TestCase):
    """Users may choose their names; what these look like is never taken for the address."""

    def check(self, user, shown=None, login=journals.dovecot_login):
        shown = user if shown is None else shown
        with Sandbox() as box:
            box.write([login(journals.now() - MIN, '192.0.2.10', user)])
            watcher = box.start().wait_ready().stop()
            self.assertEqual([(event.kind, event.address, event.user)
                              for event in watcher.events()], [('allow', '192.0.2.10', shown)])
            held = box.list()
            self.assertEqual(set(held), {'192.0.2.10'})
            self.assertEqual(held['192.0.2.10']['user'], shown)

    def test_dovecot_name_like_the_rest_of_the_line(self):
        self.check('eve>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1, mpid=1, session=<x')

    def test_courier_name_like_the_rest_of_the_line(self):
        self.check('x, ip=[6.6.6.6], port=[1], protocol=IMAP', login=journals.courier_login)

    def test_other_scripts(self):
        self.check('użytkownik-郵件', 'użytkownik-郵件')

    def test_direction_override(self):
        self.check('ab\u202ecd', 'ab?cd', login=journals.courier_login)

    def test_long_name(self):
        self.check('n' * 300, 'n' * 255, login=journals.courier_login)


if __name__ == '__main__':
    tap.main()
