# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the Perl program and its like got wrong, each defect shown not to be there. The numbers are
those of the list in the README.

Mostly each test is a short one of a property that others look into more deeply."""

import datetime
import fcntl
import json
import os
import re
import subprocess
import threading
import unittest

import journals
import tap
from bridge import Bridge
from journals import MIN, SEC
from watcher import BUILD, DEADLINE, Sandbox, program

HOUR = 60 * MIN
LATE = 5 * SEC  # how late a timer may be seen on a busy machine; never early
CLIENT = '192.0.2.10'
OTHER = '192.0.2.20'
FORGED = '192.0.2.66'
FOUND = '200 OK\n'
NOT_FOUND = '500 not found\n'
NOBODY = 65534

# A rule for a server that nobody knows.
OWN = '''[Rule own]
Match=_SYSTEMD_UNIT=own.service
'''


def own(when, message):
    return journals.entry(when, message, _SYSTEMD_UNIT='own.service', _UID=0, _PID=1)


def popa3d(when, message, pid, invocation):
    """It says who connects on one line, and who has logged in on another."""
    return journals.entry(when, message, _SYSTEMD_UNIT='popa3d.service', _UID=0, _PID=pid,
                          SYSLOG_IDENTIFIER='popa3d', _SYSTEMD_INVOCATION_ID=invocation)


class Asker(threading.Thread):
    """Asks the bridge for the same addresses, without a pause, over one connection."""

    def __init__(self, bridge, *keys):
        super().__init__(daemon=True)
        self.bridge = bridge
        self.keys = keys
        self.enough = threading.Event()
        self.asked = threading.Condition()
        self.answers = []

    def run(self):
        with self.bridge.connect() as connection:
            while not self.enough.is_set():
                answers = tuple(connection.ask(key) for key in self.keys)
                with self.asked:
                    self.answers.append(answers)
                    self.asked.notify_all()

    def more(self):
        """Waits for answers to questions that were asked from now on."""
        with self.asked:
            until = len(self.answers) + 2
            if not self.asked.wait_for(lambda: len(self.answers) >= until, DEADLINE):
                raise AssertionError('the bridge does not answer')

    def end(self):
        self.enough.set()
        self.join(DEADLINE)
        return self.answers


class DefectTest(unittest.TestCase):
    def setUp(self):
        self.now = journals.now() - SEC

    def replay(self, *entries, config='', rule=None, shipped=None):
        """What the map holds when the watcher has read the entries, which end now."""
        with Sandbox(config, shipped) as box:
            if rule:
                box.rule('90-test.conf', rule)
            box.write(entries)
            self.watcher = box.start().wait_ready().stop()
            return box.list()

    def check(self, held, address, sessions, expires):
        self.assertIn(address, held)
        record = held[address]
        self.assertEqual((record['sessions'], record['expires_usec']), (sessions, expires))

    def run_tool(self, box, name, *arguments, status=0, text='', wrapper=()):
        """Runs pbs-list or pbs-rules to its end, and looks at the exit status."""
        command = [*wrapper, BUILD / 'src/tools' / name, *arguments]
        result = subprocess.run(command, env=box.environment(), input=text, capture_output=True,
                                text=True, timeout=DEADLINE)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result

    def list(self, box, *arguments, **keywords):
        return self.run_tool(box, 'pbs-list', f'--dbfile={box.map}', *arguments, **keywords).stdout

    def rules(self, box, *arguments, **keywords):
        return self.run_tool(box, 'pbs-rules', f'--config={box.config}', *arguments,
                             **keywords).stdout

    def lines(self, box, *lines, arguments=(), **keywords):
        """What pbs-rules makes of plain lines of the server that nobody knows."""
        return self.rules(box, 'test', '--field=_SYSTEMD_UNIT=own.service', *arguments, '-',
                          text=''.join(f'{line}\n' for line in lines), **keywords)


class Times(DefectTest):
    def ask_until_it_runs_out(self, bridge, expires):
        """No answer is wrong by a microsecond, however slow the machine is."""
        with bridge.connect() as connection:
            answer = FOUND
            while answer == FOUND:
                before = journals.now()
                answer = connection.ask(CLIENT)
                if answer == FOUND:
                    self.assertLess(before, expires)
            self.assertEqual(answer, NOT_FOUND)
            self.assertGreaterEqual(journals.now(), expires)

    def test_n01_expiry_with_a_silent_journal(self):
        """Nobody was thrown out before the next line of the log came, however late that was."""
        with Sandbox('Grace=3s') as box:
            login = journals.now()
            box.write([journals.dovecot_login(login, CLIENT)])
            watcher = box.start().wait_ready()
            with Bridge(box.map, box.environment()) as bridge:
                self.ask_until_it_runs_out(bridge, login + 3 * SEC)
            watcher.wait_event('expire', CLIENT)
            seen = journals.now()
            self.assertGreaterEqual(seen, login + 3 * SEC)
            self.assertLess(seen, login + 3 * SEC + LATE)
            self.assertEqual(box.list(), {})
            watcher.stop()

    def test_n01_lookup_without_the_watcher(self):
        """Nobody was thrown out while the program did not run."""
        with Sandbox('Grace=3s') as box:
            login = journals.now()
            box.write([journals.dovecot_login(login, CLIENT)])
            box.start().wait_ready().stop()
            with Bridge(box.map, box.environment()) as bridge:
                self.ask_until_it_runs_out(bridge, login + 3 * SEC)
            self.assertEqual(box.list(), {})

    def test_n05_new_year(self):
        """A line says "Dec 31" without a year, and was taken for one of another year."""
        midnight = int(datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc).timestamp())

        def login(when, stamp, address):
            return journals.dovecot(midnight * SEC + when, f'{stamp} imap-login: Info: '
                                    + journals.dovecot_message(address).partition(': ')[2])
        with Sandbox() as box:
            box.write([login(-10 * MIN, 'Dec 31 23:50:00', CLIENT),
                       login(-SEC // 2, 'Dec 31 23:59:59', OTHER),
                       login(5 * MIN, 'Jan 01 00:05:00', CLIENT),
                       login(30 * MIN - SEC, 'Jan 01 00:29:59', '192.0.2.30'),
                       login(30 * MIN, 'Jan 01 00:30:00', '192.0.2.31'),
                       login(36 * MIN, 'Jan 01 00:36:00', '192.0.2.32')])
            watcher = box.start('--reprocess').wait_ready()
            end = watcher.wait_line('end of the journal')
            watcher.wait_event('expire', '192.0.2.32')
            watcher.stop()
            entries = [json.loads(line) for line in
                       self.rules(box, 'test', '--json', f'--directory={box.journal}').splitlines()]
        self.assertEqual([(event.kind, event.address) for event in watcher.events()][:9],
                         [('allow', CLIENT), ('allow', OTHER), ('extend', CLIENT),
                          ('allow', '192.0.2.30'), ('expire', OTHER), ('allow', '192.0.2.31'),
                          ('expire', CLIENT), ('allow', '192.0.2.32'), ('expire', '192.0.2.30')])
        self.assertGreater(watcher.wait_event('expire', '192.0.2.30'), end)
        self.assertEqual([entry['expires_usec'] - entry['time_usec'] for entry in entries[:-1]],
                         [30 * MIN] * 6)


class Sessions(DefectTest):
    def test_n02_ten_thousand_pairs_leave_no_session(self):
        """No logout of Courier was ever recognised, so that who had logged in stayed for ever."""
        start = self.now - 10 * MIN
        entries = []
        for number in range(10000):
            when = start + number * 1000
            entries += [journals.courier_login(when, CLIENT, port=1024 + number),
                        journals.courier_logout(when + 500, CLIENT, port=1024 + number)]
        held = self.replay(*entries)
        self.check(held, CLIENT, 0, start + 9999 * 1000 + 500 + 30 * MIN)

    def test_n03_failed_login_is_no_logout(self):
        """A failed login of Dovecot was counted as a logout, and ended another's session."""
        start = self.now - 20 * MIN
        failed = journals.dovecot(
            start + SEC,
            'imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<alice>, '
            f'method=PLAIN, rip={CLIENT}, lip=192.0.2.1, session=<a1>')
        held = self.replay(journals.dovecot_login(start, CLIENT, session='a1'), failed)
        self.check(held, CLIENT, 1, start + 24 * HOUR)

    def test_n04_server_that_was_killed(self):
        """A session whose logout was lost with its server kept its address allowed for ever."""
        start = self.now - 3 * HOUR
        again = self.now - 5 * MIN
        held = self.replay(
            journals.dovecot_login(start, CLIENT, session='a1'),
            journals.courier_login(start, OTHER, port=1),
            journals.dovecot(again, 'master: Dovecot v2.3.19.1 starting up for imap, pop3',
                             _SYSTEMD_INVOCATION_ID='d1' * 16))
        self.check(held, CLIENT, 0, again + 30 * MIN)
        self.check(held, OTHER, 1, start + 24 * HOUR)
        self.watcher.wait_line('dovecot.service was started anew; 1 session of its last run')

    def test_n04_logout_that_never_comes(self):
        """A session whose logout was lost in the log kept its address allowed for ever."""
        start = self.now - 2 * HOUR
        held = self.replay(journals.dovecot_login(start, CLIENT, session='a1'),
                           journals.dovecot_login(start + HOUR, OTHER, session='b1'),
                           config='MaxSession=90min')
        self.assertNotIn(CLIENT, held)
        self.check(held, OTHER, 1, start + HOUR + 90 * MIN)

    def test_n11_process_number_is_given_out_again(self):
        """The address of a process that had ended was taken for that of a later process with the
        same number."""
        start = self.now - 10 * MIN
        first, second = 'e1' * 16, 'e2' * 16
        held = self.replay(popa3d(start, f'Session from {OTHER}', 7, first),
                           popa3d(start + SEC, 'Authentication passed for eve', 7, second),
                           popa3d(start + SEC, f'Session from {OTHER}', 8, second),
                           popa3d(start + SEC, 'Authentication failed for eve', 8, second),
                           popa3d(start + 2 * SEC, 'Authentication passed for eve', 8, second),
                           popa3d(start + 2 * SEC, f'Session from {CLIENT}', 7, second),
                           popa3d(start + 3 * SEC, 'Authentication passed for alice', 7, second),
                           rule='[Rule popa3d]\nEnabled=yes\n')
        self.assertEqual(set(held), {CLIENT})
        self.assertEqual(held[CLIENT]['user'], 'alice')


class Addresses(DefectTest):
    def test_n06_user_name_like_the_rest_of_the_line(self):
        """What a pattern took for the address reached into a user name that looks like one, or
        came from it."""
        names = (f'x>, rip={FORGED}, lip=', f'x>, method=PLAIN, rip={FORGED}, lip=192.0.2.1, '
                 'session=<b', f'x>, method=PLAIN, rip={FORGED}, lip=<', f'x, ip=[{FORGED}]',
                 f'x, ip=[{FORGED}], port=[1], protocol=IMAP')
        for login, naive in ((journals.dovecot_login, 'user=<.*?, rip=(?<addr>.*?), lip='),
                             (journals.courier_login, r'user=.*?, ip=\[(?<addr>.*?)\]')):
            entries = [login(self.now - MIN + number, f'192.0.2.{number + 1}', name)
                       for number, name in enumerate(names)]
            self.assertEqual(set(self.replay(*entries)),
                             {f'192.0.2.{number + 1}' for number in range(len(names))})
            self.assertEqual({event.kind for event in self.watcher.events()}, {'allow'})
            # Patterns like the Perl program's: these names do deceive one, and the other takes
            # more than an address, which is then nobody's.
            rule = ('[Rule naive]\nMatch=_SYSTEMD_UNIT=dovecot.service '
                    f'_SYSTEMD_UNIT=courier-imap.service\nLogin={naive}\n')
            self.assertIn(FORGED, self.replay(*entries, rule=rule, shipped=[]))
            self.assertNotIn(FORGED, self.replay(*entries, rule=rule.replace('>.*?)', '>.*)'),
                                                 shipped=[]))

    def test_n07_unbounded_wildcard_before_the_address(self):
        """Several rules had a ".+" before the address, so that a user could choose what was taken
        for it; "check" warns of such a rule at the wildcard."""
        patterns = {r'^User .+ logged in with mailbox <.+> from (?<addr>[0-9.]+)': '.+>',
                    r'^User .+ logged in from (?<addr>[0-9.]+)': '.+',
                    r'^Successful login for .+ \[(?<addr>[0-9.]+)\]': '.+',
                    r'^imap-login: Login: .*? \[(?<addr>[0-9.]+)\]': '.*?',
                    r'^Login: user=<.*>, rip=(?<addr>[0-9.]+), lip=': '.*',
                    r'^User [^ ]+ logged in from (?<addr>[0-9.]+)$': None}
        with Sandbox() as box:
            for pattern, wildcard in patterns.items():
                box.rule('90-own.conf', f'{OWN}Login={pattern}\n')
                found = self.rules(box, 'check', status=1 if wildcard else 0)
                if not wildcard:
                    self.assertEqual(found, 'OK\n')
                    continue
                column = len('Login=') + pattern.index(wildcard) + 1
                self.assertIn(f'90-own.conf:3:{column}: warning: ', found)
                self.assertIn('whoever chooses its text may choose the address', found)

    def test_n08_lint_of_the_servers_own_address(self):
        """A published rule took "lip=", the server's address, for the client's; "check" warns of
        it."""
        with Sandbox() as box:
            for key, warned in (('lip', True), ('rip', False)):
                box.rule('90-own.conf', f'{OWN}Login=^login: user=<[^<>]*>, \\\n'
                         f'  {key}=(?<addr>[0-9.]+)$\n')
                found = self.rules(box, 'check', status=1 if warned else 0)
                if warned:
                    self.assertRegex(found, r'90-own\.conf:4:7: warning: .*"lip=".* server\'s own')
                else:
                    self.assertEqual(found, 'OK\n')

    def test_n08_login_from_the_servers_own_address(self):
        """Nobody was told that the address of a login was the server's own."""
        wrapper = ['unshare', '--net', *(['--map-root-user'] if os.geteuid() != 0 else []), 'sh',
                   '-c', 'ip link add own0 type veth peer name own1 && '
                   'ip address add 192.0.2.1/24 dev own0 && exec "$@"', 'sh']
        try:
            subprocess.run([*wrapper, 'true'], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest('no network namespace can be had here')
        with Sandbox() as box:
            box.rule('90-own.conf', f'{OWN}Login=^login: lip=(?<addr>[0-9.]+)$\n')
            text = self.lines(box, 'login: lip=192.0.2.1', f'login: lip={CLIENT}',
                              arguments=['--json'], wrapper=wrapper)
        warnings = [json.loads(line)['warning'] for line in text.splitlines()[:2]]
        self.assertIn("192.0.2.1 is one of this host's own addresses", warnings[0])
        self.assertIsNone(warnings[1])

    def test_n09_host_names_are_never_stored(self):
        """The client's host name, which its owner chooses, was put into the list."""
        names = ('mail.evil.example', 'localhost', f'{FORGED}.evil.example', 'cafe', '192.0.2',
                 '192.0.2.066', '0xc0000242', '3221225986', f'{FORGED}/24', f'{FORGED}:25')
        start = self.now - MIN
        with Sandbox() as box:
            box.rule('90-own.conf', OWN + r'Login=^login from (?<addr>\S+)$' + '\n')
            box.rule('91-uw.conf', '[Rule uw-imap]\nEnabled=yes\n')
            box.write([own(start, f'login from {name}') for name in names]
                      + [own(start + 1, f'login from {OTHER}'),
                         journals.entry(start + 2, f'Login user=bob host={FORGED} [{CLIENT}]',
                                        _SYSTEMD_UNIT='inetd.service', _UID=0, _PID=2,
                                        SYSLOG_IDENTIFIER='imapd')])
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {CLIENT, OTHER})
            for name in names:
                self.assertNotIn(name.encode() + b'\0', box.map.read_bytes())
            told = self.lines(box, 'login from mail.evil.example', status=1)
        self.assertIn('took "mail.evil.example" for the address, which is not an address', told)

    def networks(self, text, addresses, postconf=''):
        """What becomes of logins from the addresses."""
        start = self.now - MIN
        with Sandbox() as box:
            box.configure(networks=text)
            box.command('postconf', f'echo "{postconf}"')
            box.write([journals.dovecot_login(start + number, address)
                       for number, address in enumerate(addresses)])
            watcher = box.start().wait_ready().stop()
        return [event.kind for event in watcher.events()]

    def test_n12_ipv6_networks(self):
        """A network such as [::1]/128 could not be read, which only the log told, and so a
        mistake in the configuration made everybody a client or nobody."""
        addresses = ['::1', '2001:db8:1::9', '2001:db8:2::9', CLIENT]
        wanted = ['ignore', 'ignore', 'allow', 'allow']
        self.assertEqual(self.networks('LocalNetworks=[::1]/128 2001:db8:1::/48', addresses),
                         wanted)
        self.assertEqual(self.networks('LocalNetworks=postconf', addresses,
                                       '127.0.0.0/8 [::1]/128 [2001:db8:1::]/48'), wanted)
        for bad in ('[::1]/129', '[::1', '2001:db8:1::/4x', '2001:db8::1/48', '10.0.0'):
            with self.subTest(bad), Sandbox() as box:
                box.write([journals.dovecot_login(self.now, CLIENT)])
                box.config.write_text(f'[Watcher]\n\nLocalNetworks=10.0.0.0/8 \\\n  {bad}\n')
                for options in (['--check'], []):
                    result = box.run(*options)
                    self.assertEqual(result.returncode, 78, result.stderr)
                    self.assertIn(f'{box.config}:3: LocalNetworks=', result.stderr)
                    self.assertIn(bad, result.stderr)
                self.assertFalse(box.map.exists())


class Readers(DefectTest):
    """Those who only read the map."""

    def test_n10_list_without_a_map_makes_none(self):
        """To list the addresses created the database."""
        with Sandbox() as box:
            before = sorted(box.directory.iterdir())
            self.list(box, status=69)
            self.assertEqual(sorted(box.directory.iterdir()), before)

    def test_n10_list_without_the_daemon_and_without_a_lock(self):
        """To list the addresses took the lock for writing, which waited for the daemon's."""
        with Sandbox() as box:
            box.write([journals.dovecot_login(self.now, CLIENT)])
            box.start().wait_ready().stop()
            before = box.map.read_bytes(), box.map.stat().st_mtime_ns
            with open(box.map, 'rb') as file:
                # All but the first bytes, where TDB has locks for opening it and for transactions.
                fcntl.lockf(file, fcntl.LOCK_SH, 0, 168)
                self.assertIn(CLIENT, self.list(box))
            self.assertEqual((box.map.read_bytes(), box.map.stat().st_mtime_ns), before)

    @unittest.skipIf(os.geteuid() != 0, 'needs root, to become another user')
    def test_n10_list_as_a_member_of_the_group(self):
        """Only root could list the addresses, because that wrote to the database."""
        with Sandbox() as box:
            box.write([journals.dovecot_login(self.now, CLIENT)])
            box.start().wait_ready().stop()
            os.chown(box.map, 0, 4711)
            box.directory.chmod(0o755)
            self.assertEqual(box.map.stat().st_mode & 0o7777, 0o660)
            # The program may be where only root can go; its open file descriptor is not.
            tool = os.open(program('pbs-list'), os.O_RDONLY)
            self.addCleanup(os.close, tool)
            for groups, status in ([4711], 0), ([], 77):
                result = subprocess.run([f'/proc/self/fd/{tool}', f'--dbfile={box.map}'],
                                        pass_fds=[tool], user=NOBODY, group=NOBODY,
                                        extra_groups=groups, capture_output=True, text=True,
                                        timeout=DEADLINE)
                self.assertEqual(result.returncode, status, result.stderr)
                self.assertEqual(CLIENT in result.stdout, status == 0)

    def test_n13_lookups_while_the_map_is_rewritten(self):
        """The mail server could read the map while it was rewritten, and miss who was in it."""
        start = self.now - MIN
        first = [journals.dovecot_login(start + number, f'192.0.2.{number}')
                 for number in range(1, 41)]
        with Sandbox('MaxEntries=100000') as box, box.writer(first) as writer:
            watcher = box.start(debug=False).wait_ready()
            with Bridge(box.map, box.environment()) as bridge:
                asker = Asker(bridge, CLIENT, '198.51.100.1')
                asker.start()
                for turn, limit in enumerate((5000, 70000, 300)):
                    # Written in batches, the one that is asked for among them.
                    writer.append([journals.dovecot_login(journals.now(), address)
                                   for number in range(2000)
                                   for address in (f'10.{turn}.{number // 256}.{number % 256}',
                                                   *([CLIENT] if number % 50 == 0 else []))])
                    writer.append([journals.dovecot_login(journals.now(), f'192.0.2.{turn + 200}')])
                    while bridge.ask(f'192.0.2.{turn + 200}') != FOUND:
                        asker.more()
                    # Copied into a map of another size, which takes the place of the first.
                    inode = box.map.stat().st_ino
                    watcher.stop()
                    box.configure(f'MaxEntries={limit}')
                    watcher = box.start(debug=False).wait_ready()
                    self.assertNotEqual(box.map.stat().st_ino, inode)
                    asker.more()
                self.assertEqual(set(asker.end()), {(FOUND, NOT_FOUND)})
            watcher.stop()


class Tools(DefectTest):
    def test_n17_absent_address(self):
        """A command about an address that is not there ended with the status 0."""
        with Sandbox() as box:
            box.write([journals.dovecot_login(self.now, CLIENT)])
            box.start().wait_ready().stop()
            explain = ['explain', f'--dbfile={box.map}', f'--directory={box.journal}']
            for address, status in (CLIENT, 0), (OTHER, 1):
                self.list(box, address, status=status)
                self.list(box, '--json=short', address, status=status)
                self.rules(box, *explain, address, status=status)
                self.rules(box, 'test', '--quiet', '-', status=status,
                           text=journals.dovecot_login(self.now, address).export().decode()
                           if status == 0 else 'nothing of interest\n')

    def test_n18_json_of_an_empty_list(self):
        """An empty list was printed as "null", without a newline."""
        with Sandbox() as box:
            box.write([journals.noise(self.now)])
            box.start().wait_ready().stop()
            self.assertEqual(self.list(box, '--json=short'), '[]\n')
            self.assertEqual(self.list(box, '--json=pretty'), '[]\n')
            self.assertEqual(self.list(box, '-j'), '[]\n')
            self.assertEqual(self.list(box, '--json=short', CLIENT, status=1), '[]\n')
            text = self.rules(box, 'test', '--json', '--table', f'--directory={box.journal}',
                              status=1)
            self.assertTrue(text.endswith('\n'))
            self.assertEqual(json.loads(text.splitlines()[-1])['summary']['table'], [])

    def test_n19_time_left_is_relative(self):
        """What JSON called the time left was the time of the end, and no unit was told."""
        login = self.now - 5 * MIN
        with Sandbox() as box:
            box.write([journals.dovecot_login(login, CLIENT),
                       journals.dovecot_login(login + 2 * MIN, OTHER)])
            box.start().wait_ready().stop()
            left = []
            for _ in range(2):
                before = journals.now()
                row, = json.loads(self.list(box, '--json=short', CLIENT))
                after = journals.now()
                self.assertNotIn('left', row)
                self.assertEqual(row['expires_usec'], login + 30 * MIN)
                self.assertLessEqual(row['left_usec'], row['expires_usec'] - before)
                self.assertGreaterEqual(row['left_usec'], row['expires_usec'] - after)
                left.append(row['left_usec'])
            self.assertLess(left[1], left[0])
            # That of a replayed journal is relative to its last entry.
            text = self.rules(box, 'test', '--json', '--table', f'--directory={box.journal}')
        table = json.loads(text.splitlines()[-1])['summary']['table']
        self.assertEqual([(row['address'], row['left_usec']) for row in table],
                         [(CLIENT, 28 * MIN), (OTHER, 30 * MIN)])

    def test_n20_place_of_a_pattern_that_does_not_compile(self):
        """The place of an error was counted in a text that the administrator had not written."""
        for text, line, column in (('Login=^in (?<user>[a-z]+ from (?<addr>\\S+)$\n', 3, 44),
                                   ('Login=^in \\\n  # why\n    [a-z (?<addr>\\S+)$\n', 5, 23),
                                   ('Login=^in \\\n\t(?<addr>\\S+) \\\n  a**+\n', 5, 5)):
            with self.subTest(text), Sandbox() as box:
                box.rule('90-own.conf', OWN + text)
                result = self.run_tool(box, 'pbs-rules', f'--config={box.config}', 'check',
                                       status=78)
                self.assertIn(f'90-own.conf:{line}:{column}: error: Login=', result.stderr)
                result = box.run('--check')
                self.assertEqual(result.returncode, 78)
                self.assertIn('90-own.conf:3: Login=^in ', result.stderr)

    def test_n20_caret_under_the_pattern_as_written(self):
        """Nobody was told which part of his own pattern wanted something else, and where."""
        with Sandbox() as box:
            box.rule('90-own.conf', f'{OWN}Login=^user (?<user>[a-z]+) \\\n'
                     '        logged in from (?<addr>\\S+)$\n')
            told = self.lines(box, f'user bob logged off from {CLIENT}', status=1)
            entry = json.loads(self.lines(box, f'user bob logged off from {CLIENT}', status=1,
                                          arguments=['--json']).splitlines()[0])
        match = re.search(r'^( +message: )(.*)\n( +)\^.*\n +pattern: (.*)\n( +)\^', told,
                          re.MULTILINE)
        self.assertIsNotNone(match, told)
        prefix = len(match[1])
        self.assertEqual(match[4], r'^user (?<user>[a-z]+) logged in from (?<addr>\S+)$')
        self.assertEqual(match[2][len(match[3]) - prefix:], f'off from {CLIENT}')
        self.assertEqual(match[4][len(match[5]) - prefix:], r'in from (?<addr>\S+)$')
        self.assertRegex(told, r'90-own\.conf:4:16\)')
        miss = entry['misses'][0]
        self.assertEqual((miss['pattern'], miss['offset'], miss['pattern_offset']),
                         (match[4], len('user bob logged '), match[4].index('in from')))


if __name__ == '__main__':
    tap.main()
