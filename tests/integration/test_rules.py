# SPDX-License-Identifier: LGPL-2.1-or-later
"""pbs-rules test: what it makes of recorded journals and of invented entries."""

import pathlib
import random
import re

import journals
import tap
from journals import MIN, SEC
from rules import RulesTest
from watcher import sanitised

DAY = 24 * 60 * MIN

# Which rules a recording needs; the others need the one that their name begins with.
RECORDED_RULES = {'perdition': ['perdition', 'dovecot']}

def recordings():
    return sorted(path.stem for path in journals.RECORDINGS.glob('*.expect'))


def rules_for(name):
    return [f'--rule={rule}'
            for rule in RECORDED_RULES.get(name, [re.match(r'(?:dovecot|[a-z0-9-]+)', name)[0]])]


def wanted(name):
    """What the recording must yield, as a list of the event, the address, the user and the
    message."""
    return [(item.kind, item.address, sanitised(item.user), item.message)
            for item in journals.expected(name) if not journals.is_late(name, item)]


def message_of(entry):
    """A message that is not UTF-8 comes as an array of its bytes."""
    message = entry['message']
    return bytes(message) if isinstance(message, list) else message.encode()


class Recorded(RulesTest):
    def check_events(self, name, entries):
        """The logins and logouts are those that there were, in their order. Where nobody can know
        the address, there may be one or none."""
        found = [entry for entry in entries
                 if entry['event'] in ('login', 'logout') and entry['reason'] is None]
        lists = [[item for item in wanted(name) if item[1] != '-'],
                 [(entry['event'], entry['address'], entry['user'] or '', message_of(entry))
                  for entry in found]]
        unknown = [(item[0], item[3]) for item in wanted(name) if item[1] == '-']
        for event in list(lists[1]):
            if event not in lists[0] and (event[0], event[3]) in unknown:
                unknown.remove((event[0], event[3]))
                lists[1].remove(event)
        self.assertTrue(lists[0])
        self.assertEqual(*lists)
        self.assertNotIn('6.6.6.6', [entry['address'] for entry in entries])

    def check_diff(self, name, *arguments, **options):
        late = journals.LATE.get(name, [])
        diff = self.run_rules('test', *rules_for(name), *arguments, '--expect',
                              journals.RECORDINGS / f'{name}.expect', status=1 if late else 0,
                              **options)
        changes = [line for line in diff.splitlines()[2:] if line[0] in '+-']
        self.assertEqual(len(changes), len(late), diff)
        for line, message in zip(changes, late):
            self.assertRegex(line, rf'^-logout  \S+  \S+  {re.escape(message)}')

    def test_standard_input(self):
        for name in recordings():
            with self.subTest(name):
                export = (journals.RECORDINGS / f'{name}.export').read_bytes()
                entries, summary = self.run_json('test', '-', *rules_for(name), stdin=export)
                self.check_events(name, entries)
                self.assertEqual(summary['entries'], len(journals.parse_export(export)))
                self.check_diff(name, '-', stdin=export)

    def test_journal_file(self):
        for name in recordings():
            with self.subTest(name):
                path = self.directory / f'{name}.journal'
                journals.write(path, journals.recorded(name))
                entries, _ = self.run_json('test', f'--file={path}', *rules_for(name))
                self.check_events(name, entries)
                self.check_diff(name, f'--file={path}')

    def test_any_beginning(self):
        """With what went before, the last entries are judged as among all of them."""
        journals.write(self.journal, journals.recorded('courier'))
        every, _ = self.run_json('test', f'--file={self.journal}', '--all', '--rule=courier')
        for lines in (1, 7, 60, len(every)):
            last, summary = self.run_json('test', f'--file={self.journal}', '--all',
                                          '--rule=courier', '-n', str(lines))
            self.assertEqual(last, every[len(every) - lines:])
            self.assertEqual(summary['entries'], lines)
        for entry in random.Random(4).sample(every, 5):
            since = f'@{entry["time_usec"] // SEC}.{entry["time_usec"] % SEC:06}'
            self.assertEqual(
                self.run_json('test', f'--file={self.journal}', '-a', '--rule=courier', '-S',
                              since)[0],
                [other for other in every if other['time_usec'] >= entry['time_usec']])


class Verdicts(RulesTest):
    def verdicts(self, *entries, **options):
        return [(entry['verdict'], entry['reason'])
                for entry in self.try_entries(*entries, **options)[0]]

    def test_login_and_logout(self):
        (login, logout), summary = self.try_entries(
            journals.courier_login(journals.now() - SEC, '192.0.2.10', port=40000),
            journals.courier_logout(journals.now(), '192.0.2.10', 40000))
        self.assertEqual([login['verdict'], logout['verdict']], ['LOGIN', 'LOGOUT'])
        for entry in (login, logout):
            self.assertEqual((entry['address'], entry['user'], entry['rule'], entry['unit']),
                             ('192.0.2.10', 'alice', 'courier', 'courier-imap.service'))
            origin, line = entry['origin'].rsplit(':', 1)
            key = entry['verdict'].capitalize()
            self.assertTrue(pathlib.Path(origin).read_text().splitlines()[int(line) - 1]
                            .startswith(f'{key}='), entry['origin'])
        self.assertEqual(login['session'], logout['session'])
        self.assertEqual(login['expires_usec'], login['time_usec'] + DAY)
        self.assertEqual(logout['expires_usec'], logout['time_usec'] + 30 * MIN)
        self.assertEqual((summary['matched'], summary['missed'], summary['others']), (2, 0, 0))
        rules = {rule['rule']: rule['hits'] for rule in summary['rules']}
        self.assertEqual(rules, {'courier': 2, 'dovecot': 0})

    def test_ignored(self):
        self.configure('NeverGrant=198.51.100.0/24', local='10.0.0.0/8')
        entries, _ = self.try_entries(journals.dovecot_login(journals.now(), '10.1.2.3'),
                                      journals.dovecot_login(journals.now(), '198.51.100.7'),
                                      journals.dovecot_login(journals.now(), '127.0.0.1'))
        self.assertEqual([(entry['verdict'], entry['event'], entry['reason'], entry['network'])
                          for entry in entries],
                         [('IGNORED', 'login', 'local network', '10.0.0.0/8'),
                          ('IGNORED', 'login', 'never-grant network', '198.51.100.0/24'),
                          ('IGNORED', 'login', 'local network', '127.0.0.0/8')])
        text = self.run_rules('test', '-',
                              stdin=journals.dovecot_login(journals.now(), '10.1.2.3').export())
        self.assertRegex(text, r'(?m)^IGNORED  \(login, local network 10\.0\.0\.0/8\) dovecot \(')

    def test_unknown_session(self):
        self.assertEqual(self.verdicts(journals.dovecot_logout(journals.now(), 'abc')), [('IGNORED', 'no such session')])

    def test_refused(self):
        self.configure('MaxEntries=1000')
        usec = journals.now()
        entries, _ = self.try_entries(*(
            journals.dovecot_login(usec, f'192.0.{i // 250}.{i % 250}', f'user{i}',
                                   _PID=i + 1) for i in range(1001)))
        self.assertEqual([entry['verdict'] for entry in entries], 1000 * ['LOGIN'] + ['REFUSED'])

    def test_two_lines(self):
        self.configure('[Rule two]\nMatch=_SYSTEMD_UNIT=two.service\n'
                       'Connect=^connect from (?<addr>\\S+)$\nLogin=^(?<user>\\S+) is in$\n'
                       'Fail=^no$\nLogout=^bye$')
        def line(message, pid):
            return journals.entry(journals.now(), message, _SYSTEMD_UNIT='two.service', _PID=pid)
        entries, _ = self.try_entries(line('connect from 192.0.2.10', 1),
                                      line('connect from 192.0.2.20', 2), line('alice is in', 1),
                                      line('no', 2), line('bob is in', 2), line('bye', 1))
        self.assertEqual(
            [(entry['verdict'], entry['event'], entry['address'], entry['user'])
             for entry in entries],
            [('PENDING', 'connect', '192.0.2.10', None),
             ('PENDING', 'connect', '192.0.2.20', None), ('LOGIN', 'login', '192.0.2.10', 'alice'),
             ('FAIL', 'fail', '192.0.2.20', None), ('IGNORED', 'login', None, 'bob'),
             ('LOGOUT', 'logout', '192.0.2.10', 'alice')])
        self.assertEqual(entries[4]['reason'], 'no address is known for the session')

    def test_bad_address(self):
        self.configure('[Rule bad]\nMatch=_SYSTEMD_UNIT=bad.service\nLogin=^from (?<addr>\\S+)$')
        (entry,), summary = self.try_entries(
            journals.entry(journals.now(), 'from 192.0.2.999', _SYSTEMD_UNIT='bad.service'),
            status=1)
        self.assertEqual((entry['verdict'], entry['event'], entry['misses'][0]['stage']),
                         ('MISSED', None, 'address'))
        self.assertEqual([rule['bad_addresses'] for rule in summary['rules']
                          if rule['rule'] == 'bad'], [1])

    def test_pattern_limit(self):
        self.configure('[Rule slow]\nMatch=_SYSTEMD_UNIT=slow.service\n'
                       'Login=^(?:a+)+b from (?<addr>\\S+)$')
        entry = journals.entry(journals.now(), 'a' * 5000, _SYSTEMD_UNIT='slow.service')
        (missed,), summary = self.try_entries(entry, status=1)
        self.assertEqual((missed['verdict'], missed['misses'][0]['stage']), ('MISSED', 'limit'))
        self.assertEqual([rule['limit_hits'] for rule in summary['rules']
                          if rule['rule'] == 'slow'], [1])
        self.assertIn('1 beyond the pattern limit',
                      self.run_rules('test', '-', stdin=entry.export(), status=1))

    def test_cut_line(self):
        def courier(message):
            return journals.entry(journals.now(), message, _SYSTEMD_UNIT='courier-imap.service',
                                  _UID=0, _PID=432, SYSLOG_IDENTIFIER='imapd')
        first, second = self.try_entries(
            courier('LOGIN FAILED, user=' + 'x' * 492),
            courier('LOGIN, user=eve, ip=[::ffff:6.6.6.6], port=[1], protocol=IMAP'), status=1)[0]
        self.assertEqual([first['verdict'], second['verdict']], ['CUT', 'CUT'])
        self.assertEqual((second['rule'], second['event'], second['address']),
                         ('courier', None, None))

    def test_dropped_messages(self):
        notice = journals.entry(journals.now(), 'Suppressed 12 messages from courier-imap.service',
                                MESSAGE_ID='a596d6fe7bfa4994828e72309e95d61e',
                                _TRANSPORT='driver', SYSLOG_IDENTIFIER='systemd-journald')
        self.assertEqual(self.verdicts(notice, journals.courier_login(journals.now(), '192.0.2.1'),
                                       status=1)[0][0], 'DROPPED')

    def test_new_run(self):
        """A new run of the server has ended the old one's sessions."""
        usec = journals.now()
        run = {'_SYSTEMD_INVOCATION_ID': 'a' * 32}, {'_SYSTEMD_INVOCATION_ID': 'b' * 32}
        entries, summary = self.try_entries(
            journals.dovecot_login(usec - 2 * MIN, '192.0.2.10', session='a', **run[0]),
            journals.dovecot_login(usec - MIN, '192.0.2.20', session='b', **run[1]), arguments=['--table'])
        self.assertEqual([entry['verdict'] for entry in entries], ['LOGIN', 'LOGIN'])
        self.assertEqual([(row['address'], row['sessions']) for row in summary['table']],
                         [('192.0.2.10', 0), ('192.0.2.20', 1)])


class Misses(RulesTest):
    def setUp(self):
        super().setUp()
        self.configure('[Rule old]\nMatch=_SYSTEMD_UNIT=dovecot.service\n'
                       'Login=^imap-login: Login: user=<(?<user>[^>]*)>, rip=(?<addr>[0-9.]+)$')
        self.message = 'imap-login: Logged in: user=<alice>, rip=192.0.2.10'

    def entry(self, **fields):
        return journals.entry(journals.now(), self.message, **{
            '_SYSTEMD_UNIT': 'dovecot.service', 'SYSLOG_IDENTIFIER': 'dovecot', '_PID': 7, **fields})

    def test_pattern(self):
        (missed,), _ = self.try_entries(self.entry(), arguments=['--rule=old'], status=1)
        miss = missed['misses'][0]
        self.assertEqual((missed['verdict'], miss['rule'], miss['stage'], miss['key']),
                         ('MISSED', 'old', 'pattern', 'Login'))
        # Both words begin with what fits.
        self.assertTrue(self.message[miss['offset'] - 3:].startswith('Logged in'), miss)
        self.assertTrue(miss['pattern'][miss['pattern_offset'] - 3:].startswith('Login:'), miss)

    def test_only_the_rules_that_are_named(self):
        (missed,), _ = self.try_entries(self.entry(), arguments=['--rule=old'], status=1)
        self.assertEqual([miss['rule'] for miss in missed['misses']], ['old'])
        courier = journals.courier_login(journals.now(), '192.0.2.1')
        self.assertEqual(self.try_entries(courier, arguments=['--rule=old'], status=1)[0], [])

    def test_folded(self):
        entries = [self.entry() for _ in range(3)] + [
            journals.entry(journals.now(), 'something else', _SYSTEMD_UNIT='dovecot.service')]
        export = b''.join(entry.export() for entry in entries)
        text = self.run_rules('test', '-', '--rule=old', stdin=export, status=1)
        counts = re.findall(r'(?m)^MISSED   (\d+) times?: (.*)', text)
        self.assertEqual([count for count, _ in counts], ['3', '1'])
        self.assertEqual(text.count(self.message), text.count('first: ') + 1, text)
        text = self.run_rules('test', '-', '--rule=old', '--all', stdin=export, status=1)
        self.assertEqual(len(re.findall(r'(?m)^MISSED   \w{3} \d\d ', text)), 4)
        self.assertNotIn('times', text)

    def test_other_programs(self):
        entry = journals.entry(journals.now(), 'eth0: link up', SYSLOG_IDENTIFIER='kernel')
        self.assertEqual(self.try_entries(entry, status=1)[0], [])
        entries, summary = self.try_entries(entry, arguments=['--all'], status=1)
        self.assertEqual([found['verdict'] for found in entries], ['NONE'])
        self.assertEqual((summary['entries'], summary['others'], summary['missed']), (1, 1, 0))
        text = self.run_rules('test', '-', '--all', stdin=entry.export(), status=1)
        self.assertRegex(text, r'(?m)^-        \w{3} .* kernel: eth0: link up$')
        self.assertIn('1 of other programs', text)

    def test_what_concerns_a_rule(self):
        for fields in ({'_SYSTEMD_UNIT': 'dovecot.service'},
                       {'SYSLOG_IDENTIFIER': 'pop3d-ssl'}):
            entry = journals.entry(journals.now(), 'hello', **fields)
            self.assertEqual([found['verdict'] for found in self.try_entries(entry, status=1)[0]],
                             ['MISSED'], fields)
        # A login from the wrong unit, as a forger would write it.
        entry = journals.dovecot_login(journals.now(), '6.6.6.6',
                                       _SYSTEMD_UNIT='session-3.scope',
                                       SYSLOG_IDENTIFIER='logger')
        (missed,), _ = self.try_entries(entry, status=1)
        miss = missed['misses'][0]
        self.assertEqual((miss['stage'], miss['value']), ('unit', 'session-3.scope'))

    def test_disabled_rule(self):
        self.configure('[Rule off]\nEnabled=no\nMatch=_SYSTEMD_UNIT=off.service\n'
                       'Login=^in from (?<addr>\\S+)$')
        entry = journals.entry(journals.now(), 'in from 192.0.2.1', _SYSTEMD_UNIT='off.service')
        (missed,), _ = self.try_entries(entry, status=1)
        self.assertEqual((missed['verdict'], missed['misses'][0]['stage']), ('MISSED', 'disabled'))
        (login,), summary = self.try_entries(entry, arguments=['--rule=off'])
        self.assertEqual((login['verdict'], login['rule']), ('LOGIN', 'off'))
        self.assertEqual([rule['rule'] for rule in summary['rules']], ['off'])


if __name__ == '__main__':
    tap.main()
