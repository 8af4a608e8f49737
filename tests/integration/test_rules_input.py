# SPDX-License-Identifier: LGPL-2.1-or-later
"""pbs-rules test: which entries are read, and from what."""

import json
import random
import re
import signal
import subprocess
import time

import journals
import tap
from journals import MIN, SEC
from rules import DEADLINE, RulesTest

HOUR = 60 * MIN



class Selection(RulesTest):
    def setUp(self):
        super().setUp()
        self.now = journals.now()
        self.entries = [
            journals.dovecot_login(self.now - 50 * HOUR, '192.0.2.1', _BOOT_ID='1' * 32),
            journals.courier_login(self.now - 3 * HOUR, '192.0.2.2', _BOOT_ID='2' * 32),
            journals.dovecot_login(self.now - 2 * HOUR, '192.0.2.3', PRIORITY=3),
            journals.entry(self.now - 2 * HOUR, 'other', SYSLOG_IDENTIFIER='cron'),
            journals.dovecot_login(self.now - HOUR, '192.0.2.4', 'bob', session='x1'),
        ]
        for entry in self.entries[:2]:  # the boot that entry() gives stands before the other
            entry.fields = list(dict(entry.fields).items())
        journals.write(self.journal, self.entries)

    def select(self, *arguments, status=0):
        entries, summary = self.run_json('test', f'--file={self.journal}', *arguments,
                                         status=status)
        return ''.join(entry['address'][-1] for entry in entries if entry['address']), \
            summary['entries']

    def test_all(self):
        self.assertEqual(self.select(), ('1234', 5))

    def test_unit_and_identifier(self):
        self.assertEqual(self.select('-u', 'dovecot'), ('134', 3))
        self.assertEqual(self.select('--unit=courier-imap.service'), ('2', 1))
        self.assertEqual(self.select('-udovecot', '-u', 'courier-imap'), ('1234', 4))
        self.assertEqual(self.select('-t', 'cron', status=1), ('', 1))
        self.assertEqual(self.select('-u', 'dovecot', '-t', 'imapd', status=1), ('', 0))

    def test_matches(self):
        self.assertEqual(self.select('PRIORITY=3'), ('3', 1))
        self.assertEqual(self.select('PRIORITY=3', '+', '_SYSTEMD_UNIT=courier-imap.service'),
                         ('23', 2))
        self.assertEqual(self.select('-u', 'dovecot', 'PRIORITY=6', 'PRIORITY=3'), ('134', 3))
        self.assertEqual(self.select('-u', 'dovecot', 'PRIORITY=3', '+', 'PRIORITY=6'),
                         ('134', 3))

    def test_times(self):
        self.assertEqual(self.select('-S', '-150min'), ('34', 3))
        self.assertEqual(self.select('--since=-4h', '--until=90min ago'), ('23', 3))
        self.assertEqual(self.select(f'--until=@{(self.now - 4 * HOUR) // SEC}'), ('1', 1))
        self.assertEqual(self.select('--since=now', status=1), ('', 0))

    def test_lines(self):
        self.assertEqual(self.select('-n', '1'), ('4', 1))
        self.assertEqual(self.select('-n3'), ('34', 3))
        self.assertEqual(self.select('--lines=2', '-u', 'dovecot'), ('34', 2))
        self.assertEqual(self.select('-n', '100'), ('1234', 5))
        self.assertEqual(self.select('-n', 'all'), ('1234', 5))
        self.assertEqual(self.select('-n'), ('1234', 5))
        self.assertEqual(self.select('-n', '0', status=1), ('', 0))
        self.assertEqual(self.select('-n', '2', '--until=-90min', '-u', 'dovecot'), ('13', 2))

    def test_boot(self):
        self.assertEqual(self.select('-b', '1' * 32), ('1', 1))
        self.assertEqual(self.select('-b', '1'), ('1', 1))
        self.assertEqual(self.select('-b', '2'), ('2', 1))
        self.assertEqual(self.select('-b'), ('34', 3))
        self.assertEqual(self.select('-b', '0'), ('34', 3))
        self.assertEqual(self.select('-b', '-1'), ('2', 1))
        self.assertEqual(self.select('--boot=-2'), ('1', 1))
        self.fails(69, 'no entries of that boot', 'test', f'--file={self.journal}', '-b', '-3')

    def test_places(self):
        self.assertEqual(self.run_json('test', '-D', self.directory)[1]['entries'], 5)
        self.assertEqual(self.run_json('test', f'--file={self.directory}/*.journal')[1]['entries'],
                         5)
        for name in self.journal.name, '*.journal':
            self.assertEqual(self.run_json('test', f'--file={name}', cwd=self.directory)[1]
                             ['entries'], 5)
        self.configure(f'Journal={self.journal}')
        self.assertEqual(self.run_json('test')[1]['entries'], 5)

    def test_standard_input(self):
        export = b''.join(entry.export() for entry in self.entries)
        entries, summary = self.run_json('test', '-', '-u', 'dovecot', '--since=-150min',
                                         stdin=export)
        self.assertEqual(([entry['address'] for entry in entries], summary['entries']),
                         (['192.0.2.3', '192.0.2.4'], 2))

    def test_json_on_standard_input(self):
        """It is not taken for lines that no rule knows."""
        self.fails(65, 'standard input: JSON.* -o export', 'test', '-',
                   stdin=b'{"MESSAGE":"x","__CURSOR":"s=1"}\n{"MESSAGE":"y"}\n')
        self.fails(65, 'JSON', 'test', '-', stdin=b'{\n\t"__CURSOR" : "s=1",\n')
        self.run_json('test', '-', stdin=b'{"x": 1} says somebody\n', status=1)

    def test_warm_up(self):
        """A logout that is asked for belongs to a login that is not."""
        journals.write(self.journal,
                       [journals.dovecot_logout(self.now - MIN, 'x1', 'bob', PRIORITY=5)])
        for selectors in (['-n', '1'], ['--since=-5min'], ['PRIORITY=5']):
            (entry,), summary = self.run_json('test', f'--file={self.journal}', *selectors)
            self.assertEqual((entry['verdict'], entry['address'], summary['entries']),
                             ('LOGOUT', '192.0.2.4', 1), selectors)

    def test_follow(self):
        process = subprocess.Popen(
            self.command('test', f'--file={self.journal}', '-f', '-n1', '--json'),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        self.assertEqual(json.loads(process.stdout.readline())['address'], '192.0.2.4')
        journals.write(self.journal, [journals.dovecot_login(journals.now(), '192.0.2.5')])
        self.assertEqual(json.loads(process.stdout.readline())['address'], '192.0.2.5')
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=DEADLINE)
        self.assertEqual((process.returncode, errors), (0, ''))
        self.assertEqual(json.loads(output)['summary']['entries'], 2)


class Lines(RulesTest):
    LOGIN = ('imap-login: Login: user=<alice>, method=PLAIN, rip=192.0.2.10, lip=192.0.2.1, '
             'mpid=5, TLS, session=<abc>')
    TRUST = ['--field', '_SYSTEMD_UNIT=dovecot.service', '--field=_UID=0']

    def one(self, line, *arguments, status=0):
        line = line if isinstance(line, bytes) else line.encode()
        entries, _ = self.run_json('test', '-', '--all', *arguments, stdin=line, status=status)
        self.assertEqual(len(entries), 1)
        return entries[0]

    def test_message_alone(self):
        before = journals.now()
        entry = self.one(self.LOGIN, *self.TRUST)
        self.assertEqual((entry['verdict'], entry['address'], entry['user'], entry['session']),
                         ('LOGIN', '192.0.2.10', 'alice', 'abc'))
        self.assertTrue(before <= entry['time_usec'] <= journals.now())
        self.assertEqual((entry['message'], entry['identifier'], entry['cursor']),
                         (self.LOGIN, None, None))

    def test_prefixes(self):
        usec = 1795340853 * SEC  # 2026-11-22 09:47:33
        year = time.gmtime().tm_year
        for prefix, expected in (('2026-11-22T09:47:33+0000', usec),
                                 ('2026-11-22T10:47:33.250000+01:00', usec + SEC // 4),
                                 ('2026-11-22 09:47:33', usec),
                                 ('Nov 22 09:47:33', None)):
            entry = self.one(f'{prefix} mx1 dovecot[99]: {self.LOGIN}', *self.TRUST)
            self.assertEqual((entry['verdict'], entry['identifier'], entry['message']),
                             ('LOGIN', 'dovecot', self.LOGIN), prefix)
            if expected:
                self.assertEqual(entry['time_usec'], expected, prefix)
            else:
                seen = time.gmtime(entry['time_usec'] // SEC)
                self.assertEqual(time.strftime('%m-%d %H:%M:%S', seen), '11-22 09:47:33')
                self.assertIn(seen.tm_year, (year - 1, year))

    def test_what_is_no_prefix(self):
        for line in ('Nov 22 09:47:33', 'Nov 22 09:47:33 mx1', 'Nov 22 09:47:33 mx1 two words',
                     'Nov 22 09:47:33 mx1 ident[x]: y', 'Nov 22 09:47:33 mx1 ident[1: y',
                     'Nov 32 09:47:33 mx1 ident: y', ' leading', 'trailing '):
            self.assertEqual(self.one(line, status=1)['message'], line)

    def test_untrusted_without_field(self):
        entry = self.one(f'Nov 22 09:47:33 mx1 dovecot[9]: {self.LOGIN}', status=1)
        self.assertEqual((entry['verdict'], entry['misses'][0]['stage']), ('MISSED', 'unit'))

    def test_process_ties_lines(self):
        self.configure('[Rule two]\nMatch=_SYSTEMD_UNIT=two.service\n'
                       'Connect=^connect from (?<addr>\\S+)$\nLogin=^(?<user>\\S+) is in$')
        lines = (b'Nov 22 09:47:33 mx1 two[1]: connect from 192.0.2.10\n'
                 b'Nov 22 09:47:33 mx1 two[2]: connect from 192.0.2.20\n\n'
                 b'Nov 22 09:47:34 mx1 two[1]: alice is in\n')
        entries, _ = self.run_json('test', '-', '--field=_SYSTEMD_UNIT=two.service', stdin=lines)
        self.assertEqual([(entry['verdict'], entry['address'], entry['session'])
                          for entry in entries],
                         [('PENDING', '192.0.2.10', '1'), ('PENDING', '192.0.2.20', '2'),
                          ('LOGIN', '192.0.2.10', '1')])

    def test_nothing(self):
        for stdin in (b'', b'\n\n'):
            self.assertEqual(self.run_json('test', '-', stdin=stdin, status=1)[0], [])


class Hostile(RulesTest):
    BYTES = b'imap-login: \x1b]0;title\x07\x1b[31m \xff\xfe \xe2\x80\xae \x00 user=<\xc3\xa4>'

    def test_terminal(self):
        """Nothing of a message but harmless text reaches the terminal."""
        user = 'eve\x1b[31m\u202e'.encode() + b'\xff'
        login = journals.dovecot_message('192.0.2.10', 'USER').encode().replace(b'USER', user)
        forged = {'SYSLOG_IDENTIFIER': b'do\x1b[1mvecot', '_SYSTEMD_UNIT': 'dovecot.service'}
        entries = [journals.entry(journals.now(), self.BYTES, **forged),
                   journals.dovecot_login(journals.now(), '192.0.2.1', 'x'),
                   journals.entry(journals.now(), login, _SYSTEMD_UNIT='dovecot.service', _UID=0,
                                  SYSLOG_IDENTIFIER='dovecot', _PID=1)]
        export = b''.join(entry.export() for entry in entries)
        for arguments in ([], ['--all'], ['--table']):
            text = self.run_rules('test', '-', *arguments, stdin=export)
            self.assertEqual(re.findall('[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]', text), [])
            self.assertIn('eve?[31m??', text)
        path = self.directory / 'expect'
        path.write_bytes(b'login\t1.2.3.4\t\x1b[1m\t\x1b[2m\n')
        text = self.run_rules('test', '-', f'--expect={path}', stdin=export, status=1)
        self.assertEqual(re.findall('[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]', text), [])

    def test_json(self):
        entry = journals.entry(journals.now(), self.BYTES, _SYSTEMD_UNIT='dovecot.service')
        (found,), _ = self.try_entries(entry, status=1)
        self.assertEqual(found['message'], list(self.BYTES))
        entry = journals.entry(journals.now(), b'a\x00\x1b\xc3\xa4',
                               _SYSTEMD_UNIT='dovecot.service')
        (found,), _ = self.try_entries(entry, status=1)
        self.assertEqual(found['message'], 'a\x00\x1b\u00e4')

    def test_long_message(self):
        for size in (8192, 8193, 70000, 2000000):
            entry = journals.entry(journals.now(), b'x' * size, _SYSTEMD_UNIT='dovecot.service',
                                   _UID=0)
            (missed,), _ = self.try_entries(entry, status=1)
            self.assertEqual((missed['verdict'], missed['misses'][0]['stage']),
                             ('MISSED', 'pattern' if size == 8192 else 'length'))

    def test_damaged_export(self):
        start = b'__CURSOR=x\n'
        for rest in (b'MESSAGE\n', b'MESSAGE\n\x05', b'MESSAGE\n' + 8 * b'\xff',
                     b'MESSAGE\n\x05\0\0\0\0\0\0\0abc', b'MESSAGE\n\x01\0\0\0\0\0\0\0abc\n',
                     b'no field=x\n', b'=x\n', b'\xff\xfe\n'):
            result = self.start('test', '-', stdin=start + rest)
            self.assertEqual(result.returncode, 65, rest)
            self.assertRegex(result.stderr.decode(), 'damaged after 0 entries')

    def test_any_bytes(self):
        """Whatever stands in it, it is judged, or refused in words."""
        generator = random.Random(20261122)
        export = (journals.RECORDINGS / 'courier.export').read_bytes()[:40000]
        for _ in range(150):
            data = bytearray(export)
            for _ in range(generator.randrange(1, 40)):
                at = generator.randrange(len(data))
                data[at:at + generator.randrange(3)] = generator.randbytes(generator.randrange(3))
            arguments = generator.choice([[], ['--all'], ['--json'], ['--json', '--all']])
            result = self.start('test', '-', *arguments,
                                stdin=bytes(data[generator.randrange(3) * 5:]))
            self.assertIn(result.returncode, (0, 1, 65), result.stderr)


if __name__ == '__main__':
    tap.main()
