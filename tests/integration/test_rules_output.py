# SPDX-License-Identifier: LGPL-2.1-or-later
"""pbs-rules: what it prints, its comparison, its explanations, and its exit status."""

import os
import pty
import re
import select
import subprocess
import unittest

import journals
import tap
from journals import MIN, SEC
from rules import DEADLINE, LIST, PROGRAM, WATCHER, RulesTest



class Text(RulesTest):
    def test_whole(self):
        usec = 1795340853 * SEC
        text = self.run_rules('test', '-', '--table', stdin=b''.join(
            entry.export() for entry in (
                journals.dovecot_login(usec, '192.0.2.10', session='x/1+'),
                journals.dovecot_logout(usec + SEC, 'x/1+'),
                journals.entry(usec + 61 * SEC, 'unrelated'))))
        place = re.escape(str(self.directory / 'conf.d'))
        self.assertRegex(text, re.compile(
            rf'Rules: courier \({place}/50-courier\.conf:\d+\), '
            rf'dovecot \({place}/50-dovecot\.conf:\d+\)\n'
            r'Entries: standard input\n\n'
            rf'LOGIN    dovecot \({place}/50-dovecot\.conf:\d+\), 192\.0\.2\.10, user alice, '
            r'session x/1\+, held, at most until Mon 2026-11-23 09:47:33 UTC\n'
            r'         Nov 22 09:47:33 dovecot\[321\]: imap-login: Login: user=<alice>, .*\n'
            rf'LOGOUT   dovecot \({place}/50-dovecot\.conf:\d+\), 192\.0\.2\.10, user alice, '
            r'session x/1\+, until Sun 2026-11-22 10:17:34 UTC\n'
            r'         Nov 22 09:47:34 dovecot\[321\]: imap\(alice\).*\n\n'
            r'3 entries read: 2 matched, 0 missed, 1 of other programs\n'
            r'  courier: no hit\n  dovecot: 1 LOGIN, 1 LOGOUT\n'
            r'  \[[\d.]+ s, \d+ entries/s; slowest rule: dovecot, [\d.]+ us an entry\]\n\n'
            r'ADDRESS    USER  RULE    LAST +LEFT +SESSIONS\n'
            r'192\.0\.2\.10 alice dovecot 1min 1s ago 29min left        0\n\n'
            r'1 entry listed\.\n$'))

    def test_quiet(self):
        text = self.run_rules('test', '-', '--quiet',
                              stdin=journals.dovecot_login(journals.now(), '192.0.2.1').export())
        self.assertRegex(text, r'^LOGIN    .*\n         .*\n$')

    def test_colour(self):
        login = journals.dovecot_login(journals.now(), '192.0.2.1').export()
        for env, coloured in (({}, False), ({'SYSTEMD_COLORS': '1'}, True),
                              ({'SYSTEMD_COLORS': '0'}, False),
                              ({'SYSTEMD_COLORS': '1', 'NO_COLOR': '1'}, True)):
            text = self.run_rules('test', '-', stdin=login, env=env)
            self.assertEqual('\x1b[1;32mLOGIN   \x1b[0m ' in text, coloured, env)

    def test_selection_in_words(self):
        journals.write(self.journal, [journals.dovecot_login(journals.now(), '192.0.2.1')])
        text = self.run_rules('test', f'--file={self.journal}', '-udovecot', '-S', '2020-02-03',
                              '-U2099-01-01', '-n5')
        self.assertEqual(text.splitlines()[1], f'Entries: {self.journal}, '
                         '_SYSTEMD_UNIT=dovecot.service, since Mon 2020-02-03 00:00:00 UTC, '
                         'until Thu 2099-01-01 00:00:00 UTC, the last 5')

    def test_progress(self):
        """On a terminal, if it takes long; and it is gone before anything else is printed."""
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        process = subprocess.Popen(self.command('test', '-'), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=slave,
                                   env=os.environ | {'TERM': 'xterm', 'TZ': 'UTC'})
        self.addCleanup(process.kill)
        os.close(slave)
        entry = journals.noise(journals.now()).export()
        while not select.select([master], [], [], 0)[0]:
            process.stdin.write(20 * entry)
        process.stdin.close()
        process.stdout.read()
        seen = os.read(master, 65536).decode()
        self.assertRegex(seen, r'^\r\d+ entries read, up to \d{4}-\d\d-\d\d \d\d:\d\d ')
        self.assertTrue(seen.endswith('\r\x1b[K'), repr(seen[-40:]))
        self.assertEqual(process.wait(DEADLINE), 1)

    def test_never_writes(self):
        self.run_rules('test', '-', '--table',
                       stdin=journals.dovecot_login(journals.now(), '192.0.2.1').export())
        self.assertFalse(self.map.exists())


class Expect(RulesTest):
    def expect(self, *lines, status=0, logins=('1', '2', '3')):
        path = self.directory / 'expect'
        path.write_text(''.join(f'{line}\n' for line in lines))
        export = b''.join(journals.dovecot_login(journals.now(), f'192.0.2.{login}').export()
                          for login in logins)
        return self.run_rules('test', '-', f'--expect={path}', stdin=export, status=status)

    def line(self, login, address=None, user='alice'):
        message = journals.dovecot_message(f'192.0.2.{login}')
        return f'login\t{address or f"192.0.2.{login}"}\t{user}\t{message}'

    def test_equal(self):
        lines = [self.line(login) for login in '123']
        self.assertEqual(self.expect(*lines), '')
        self.assertEqual(self.expect('# a comment', '', *lines), '')
        self.assertEqual(self.expect(logins=''), '')

    def test_unknowable(self):
        self.assertEqual(self.expect(self.line('1', '-'), self.line('2'), self.line('3', '-')), '')
        self.assertEqual(self.expect(self.line('1'), self.line('9', '-'), self.line('2'),
                                     self.line('3')), '')
        # The one that can be known is the one that is there.
        self.assertEqual(self.expect(self.line('1', '-'), self.line('1'), logins='1'), '')

    def test_different(self):
        one, two, three = (self.line(login) for login in '123')
        for lines, logins, changes in (
                ([one, two, three], '13', '-2'), ([one, three], '123', '+2'),
                ([one, two, three], '132', '-2+2'), ([], '1', '+1'), ([one], '', '-1'),
                ([self.line('1', '192.0.2.7'), two], '12', '-7+1'),
                ([self.line('1', user='bob'), two], '12', '-1+1')):
            diff = self.expect(*lines, logins=logins, status=1)
            self.assertEqual(diff.splitlines()[0], f'--- {self.directory / "expect"}')
            found = re.findall(r'(?m)^([+-])login  192\.0\.2\.(\d)', diff)
            self.assertEqual(sorted(''.join(change) for change in found),
                             sorted(re.findall(r'..', changes)), diff)

    def test_context(self):
        lines = [self.line(login) for login in '1234567']
        diff = self.expect(*lines, logins='123567', status=1)
        self.assertEqual([line[:1] + line[16:18].strip() if line[0] in ' +-' else line
                          for line in diff.splitlines()[2:]],
                         ['@@ event 2 @@', ' 2', ' 3', '-4', ' 5', ' 6'])

    def test_wrong_file(self):
        for line in ('login', 'login\ta\tb', 'in\t192.0.2.1\ta\tb'):
            path = self.directory / 'expect'
            path.write_text(f'# first\n{line}\n')
            self.fails(2, rf'{path}:2: not "login"', 'test', '-', f'--expect={path}')
        self.fails(69, 'No such file', 'test', '-', '--expect=/nonexistent')


class Explain(RulesTest):
    def setUp(self):
        super().setUp()
        self.configure('IPv6Prefix=64')
        now = journals.now()
        journals.write(self.journal, [
            journals.dovecot_login(now - 50 * MIN, '192.0.2.10', session='a'),
            journals.dovecot_logout(now - 40 * MIN, 'a'),
            journals.dovecot_login(now - 31 * MIN, '192.0.2.99', 'other'),
            journals.dovecot_login(now - 20 * MIN, '2001:db8::1:2', 'carol', _PID=6),
            journals.courier_login(now - 10 * MIN, '192.0.2.10', 'bob')])

    def write_map(self):
        """The watcher makes it."""
        watcher = subprocess.Popen(
            self.command(f'--watchlog={self.journal}', '--logto=-', program=WATCHER),
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(watcher.kill)
        for line in watcher.stdout:
            if '192.0.2.10' in line and 'bob' in line:
                break
        watcher.terminate()
        watcher.communicate(timeout=DEADLINE)
        self.assertEqual(watcher.returncode, 0)

    def lines(self, text):
        return re.findall(r'(?m)^([A-Z]+) +(\w+) \(\S+\), (\S+), user (\w+)', text)

    def explain(self, address, status=69, program=PROGRAM):
        arguments = ['explain', address] if program == PROGRAM else [f'--explain={address}']
        result = self.start(f'--file={self.journal}', *arguments, program=program)
        self.assertEqual(result.returncode, status, result.stderr)
        return result.stdout.decode()

    def test_newest_first(self):
        for program in (PROGRAM, LIST):
            self.assertEqual(self.lines(self.explain('192.0.2.10', program=program)),
                             [('LOGIN', 'courier', '192.0.2.10', 'bob'),
                              ('LOGOUT', 'dovecot', '192.0.2.10', 'alice'),
                              ('LOGIN', 'dovecot', '192.0.2.10', 'alice')])

    def test_same_output(self):
        self.assertEqual(self.explain('192.0.2.10'), self.explain('192.0.2.10', program=LIST))

    def test_group(self):
        self.assertEqual(self.lines(self.explain('IPv6:2001:db8::ffff')),
                         [('LOGIN', 'dovecot', '2001:db8::1:2', 'carol')])

    def test_nothing(self):
        self.assertIn('The journal has no entries about it.', self.explain('192.0.2.77'))

    def test_record(self):
        self.write_map()
        for program in (PROGRAM, LIST):
            text = self.explain('192.0.2.10', 0, program)
            self.assertRegex(text, r'^ADDRESS .*\n192\.0\.2\.10 +bob +courier +10min')
            self.assertEqual(len(self.lines(text)), 3)
        text = self.explain('192.0.2.77', 1)
        self.assertRegex(text, r'^192\.0\.2\.77 is not allowed\.\n')
        # Its time is over, but the journal knows it yet.
        self.assertEqual(len(self.lines(self.explain('192.0.2.99', 1))), 1)

    def test_no_map(self):
        result = self.start(f'--file={self.journal}', 'explain', '192.0.2.10')
        self.assertRegex(result.stderr.decode(), 'there is no map yet')

    def test_wrong(self):
        self.fails(2, 'not an address: "nobody"', 'explain', 'nobody')
        self.fails(2, 'which address', 'explain')
        self.fails(2, 'takes no more', 'explain', '192.0.2.1', '192.0.2.2')
        self.fails(2, 'are for --explain', program=LIST)


class CommandLine(RulesTest):
    def test_usage(self):
        for pattern, arguments in (
                ('which command', []), ('there is no command "probe"', ['probe']),
                ('--lines cannot be "x"', ['test', '--lines=x']),
                ('--boot cannot be "x"', ['test', '-bx']),
                ('--since cannot be "soon"', ['test', '-S', 'soon']),
                ('--until cannot be ""', ['test', '--until=']),
                ('--field cannot be "x"', ['test', '--field=x']),
                ('not a match: "x"', ['test', 'x']), ('not a match: "x=y"', ['test', 'x=y']),
                ('not a match: "\\+"', ['test', '+']), ('list takes no --unit', ['list', '-u', 'x']),
                ('--unit cannot be "courier\\*"; patterns', ['test', '-u', 'courier*']),
                ('test takes no --dbfile', ['test', '--dbfile=x']),
                ('exclude each other', ['test', '--file=x', '-D', 'y']),
                ('exclude each other', ['test', '--file=x', '-']),
                ('--lines needs a journal', ['test', '-', '-n', '3']),
                ('--boot needs a journal', ['test', '-', '-b']),
                ('--follow needs a journal', ['test', '-', '-f']),
                ('there is no rule "none"', ['test', '--rule=none', '-']),
                ('takes no more', ['check', 'x'])):
            self.fails(2, pattern, *arguments)

    def test_help(self):
        text = self.run_rules('--help')
        self.assertRegex(text, r'^Usage: pbs-rules')
        self.assertLess(max(map(len, text.splitlines())), 80 + 20)
        self.assertRegex(self.run_rules('--version'), r'^pop-before-smtp \d')

    def test_journals_that_cannot_be_read(self):
        self.fails(69, 'No such file', 'test', '--file=/nonexistent.journal')
        self.fails(69, 'No such file', 'test', '--directory=/nonexistent')
        empty = self.directory / 'empty'
        empty.mkdir()
        # To root everything can be read that is there.
        status, text = ((69, 'there is no journal file') if os.geteuid() == 0 else
                        (77, 'no journal file can be read; run as root'))
        self.fails(status, text, 'test', '-D', empty)
        text = self.directory / 'text.journal'
        text.write_text('text')
        self.fails(69, 'not a journal file', 'test', f'--file={text}')

    @unittest.skipIf(os.geteuid() != 0, 'needs root, to become another user')
    def test_journal_of_others(self):
        """Who may not read it is told whom to ask, root is not."""
        journals.write(self.journal, [journals.dovecot_login(journals.now(), '192.0.2.4')])
        self.journal.chmod(0o600)
        self.directory.chmod(0o755)
        program = os.open(PROGRAM, os.O_PATH)  # where only root may go
        result = subprocess.run([f'/proc/self/fd/{program}', f'--config={self.config}', 'test',
                                 '-D', self.directory], pass_fds=[program], user=65534,
                                group=65534, extra_groups=[], capture_output=True, timeout=DEADLINE)
        os.close(program)
        self.assertEqual((result.returncode, result.stdout), (77, b''), result.stderr)
        self.assertIn(b'group systemd-journal', result.stderr)

    def test_wrong_rules(self):
        self.configure('[Rule x]\nMatch=_SYSTEMD_UNIT=x.service\nLogin=(')
        self.fails(78, rf'{self.config}:6', 'test', '-')
        self.configure('[Rule x]\nMatch=A=b\nLogin=(?<addr>x)')
        self.fails(78, rf'{self.config}:[45]: .*Trust=forgeable', 'test', '-')
        self.configure('[Rule courier]\nEnabled=no\n[Rule dovecot]\nEnabled=no')

    def test_check_tells_of_all_errors(self):
        """It does not stop at the first."""
        own = self.directory / 'conf.d/90-own.conf'
        own.write_text('[Rule x]\nMatch=_SYSTEMD_UNIT=x.service\nLogin=^(\nLogin=^a(?<b>c)\n'
                       'Grace=soon\nBogus=1\nMatch=y\nnonsense\nLogin=[\n')
        later = self.directory / 'conf.d/91-own.conf'
        later.write_text('[Rule x]\nLogout=^)\n')
        self.configure('Grace=never')
        result = self.start('check')
        self.assertEqual((result.returncode, result.stdout), (78, b''))
        self.assertEqual(re.findall(r'(?m)^(.*?): error: ', result.stderr.decode()),
                         [f'{self.config}:4', f'{own}:3:9', f'{own}:4:12', f'{own}:5', f'{own}:6',
                          f'{own}:7', f'{own}:8', f'{later}:2:9'], result.stderr.decode())
        self.fails(78, rf'\A{self.config}:4: error: .*\n\Z', 'list')

    def test_full_disc(self):
        with open('/dev/full', 'wb') as full:
            result = subprocess.run(self.command('test', '-'), stdout=full, timeout=DEADLINE,
                                    input=journals.dovecot_login(1, '192.0.2.1').export(),
                                    stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, 74, result.stderr)
        self.assertIn(b'standard output', result.stderr)


if __name__ == '__main__':
    tap.main()
