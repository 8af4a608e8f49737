# SPDX-License-Identifier: LGPL-2.1-or-later
"""The watcher as a service: signals, notifications, its own log, running in the background."""

import os
import select
import shutil
import signal
import socket
import unittest

import journals
import tap
from bridge import Bridge
from journals import MIN, SEC
from watcher import DEADLINE, Sandbox, private_mounts


def login(number, when=None):
    return journals.dovecot_login(when or journals.now(), f'192.0.2.{number}', f'user{number}')


class Notifications(unittest.TestCase):
    def test_ready_after_the_backlog(self):
        count = 3000
        start = journals.now() - 10 * MIN
        with Sandbox() as box:
            box.write([journals.dovecot_login(start + number * 1000,
                                              f'198.18.{number // 250}.{number % 250 + 1}',
                                              f'user{number}')
                       for number in range(count)])
            box.start().wait_ready()
            self.assertEqual(len(box.list()), count)

    def test_stopping(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), Sandbox() as box:
                box.write([login(1)])
                watcher = box.start().wait_ready()
                watcher.signal(number)
                self.assertEqual(watcher.wait(), 0)
                watcher.wait_note('^STOPPING=1$')
                self.assertEqual(set(box.list()), {'192.0.2.1'})

    def test_stopped_while_it_reads_the_backlog(self):
        start = journals.now() - 10 * MIN
        with Sandbox() as box:
            box.write([journals.dovecot_login(start + number * 100,
                                              f'198.18.{number // 250}.{number % 250 + 1}')
                       for number in range(30000)])
            watcher = box.start()
            watcher.wait_line(r'allow 198\.18\.0\.1 ')
            watcher.signal(signal.SIGTERM)
            self.assertEqual(watcher.wait(), 0)

    def test_status(self):
        with Sandbox() as box:
            box.write([login(1), login(2)])
            watcher = box.start().wait_ready()
            watcher.wait_note(r'^STATUS=.*\b2\b')

    def test_watchdog(self):
        with Sandbox() as box:
            box.write([login(1)])
            watcher = box.start(extra_environment={'WATCHDOG_USEC': '600000'}).wait_ready()
            watcher.wait_note('^WATCHDOG=1$', count=3)
            watcher.stop()

    def test_without_notification_socket(self):
        with Sandbox() as box:
            box.write([login(1)])
            watcher = box.start(notify=False)
            watcher.wait_event('allow', '192.0.2.1')
            watcher.stop()


class Reload(unittest.TestCase):
    def reload(self, watcher, status='^READY=1$'):
        """Sends SIGHUP and waits until it is dealt with."""
        before = len(watcher.notes)
        watcher.signal(signal.SIGHUP)
        watcher.wait_note('^RELOADING=1$', after=before)
        watcher.wait_note('^MONOTONIC_USEC=[0-9]+$', after=before)
        watcher.wait_note('^READY=1$', after=before)
        return before

    def test_new_settings_hold(self):
        with Sandbox() as box, box.writer([login(1)]) as writer:
            watcher = box.start().wait_ready()
            box.configure('Grace=1h\nNeverGrant=192.0.2.3')
            self.reload(watcher)
            when = journals.now()
            writer.append([login(2, when), login(3, when), login(4, when)])
            watcher.wait_event('allow', '192.0.2.4')
            held = box.list()
            self.assertEqual(set(held), {'192.0.2.1', '192.0.2.2', '192.0.2.4'})
            self.assertEqual(held['192.0.2.2']['expires_usec'], when + 60 * MIN)
            watcher.stop()

    def test_shorter_grace_holds_for_those_who_are_in(self):
        when = journals.now()
        with Sandbox() as box, \
                box.writer([login(1, when - 20 * MIN), login(2, when - 2 * MIN)]):
            watcher = box.start().wait_ready()
            box.configure('Grace=15min')
            before = journals.now()
            self.reload(watcher)
            held = box.list()
            # Whether there was a session since the login, the map does not tell.
            self.assertEqual(held['192.0.2.1']['expires_usec'], when + 10 * MIN)
            self.assertGreaterEqual(held['192.0.2.2']['expires_usec'], before + 15 * MIN)
            self.assertLessEqual(held['192.0.2.2']['expires_usec'], journals.now() + 15 * MIN)
            box.configure('Grace=1h')
            self.reload(watcher)
            self.assertEqual(box.list(), held)
            box.configure('Grace=2s')
            self.reload(watcher)
            watcher.wait_event('expire', '192.0.2.1')
            watcher.wait_event('expire', '192.0.2.2')
            watcher.stop()

    def test_networks_that_are_excluded_now(self):
        with Sandbox() as box, box.writer([login(1), login(2), login(3)]) as writer:
            watcher = box.start().wait_ready()
            self.assertEqual(set(box.list()), {'192.0.2.1', '192.0.2.2', '192.0.2.3'})
            box.configure('LocalNetworks=192.0.2.1\nNeverGrant=192.0.2.3')
            self.reload(watcher)
            self.assertEqual(set(box.list()), {'192.0.2.2'})
            writer.append([login(4)])
            watcher.wait_event('allow', '192.0.2.4')
            watcher.stop()

    def test_new_rule_holds(self):
        with Sandbox() as box, box.writer([login(1)]) as writer:
            other = {'_SYSTEMD_UNIT': 'other.service', '_UID': 0, 'SYSLOG_IDENTIFIER': 'other'}
            watcher = box.start().wait_ready()
            box.rule('60-other.conf', '[Rule other]\nMatch=_SYSTEMD_UNIT=other.service\n'
                     'Login=^in (?<addr>\\S+) (?<user>.*)$\n')
            self.reload(watcher)
            writer.append([journals.entry(journals.now(), 'in 192.0.2.2 zoe', **other), login(3)])
            watcher.wait_event('allow', '192.0.2.3')
            self.assertEqual([(event.address, event.rule, event.user)
                              for event in watcher.events()],
                             [('192.0.2.1', 'dovecot', 'user1'), ('192.0.2.2', 'other', 'zoe'),
                              ('192.0.2.3', 'dovecot', 'user3')])
            watcher.stop()

    def test_logins_written_during_reloads_are_seen(self):
        with Sandbox() as box, box.writer([login(1)]) as writer:
            watcher = box.start().wait_ready()
            for number in range(2, 12):
                watcher.signal(signal.SIGHUP)
                writer.append([login(number)])
            watcher.wait_event('allow', '192.0.2.11')
            self.assertEqual([event.address for event in watcher.events()],
                             [f'192.0.2.{number}' for number in range(1, 12)])
            watcher.stop()

    def test_bad_configuration_leaves_the_old_one_in_force(self):
        with Sandbox('Grace=1h') as box, box.writer([login(1)]) as writer:
            watcher = box.start().wait_ready()
            box.config.write_text('[Watcher]\nGrace=2h\nLocalNetworks=\nMaxEntries=many\n')
            before = self.reload(watcher)
            line = watcher.lines[watcher.wait_line(rf'{box.config}:4: ')]
            self.assertIn('MaxEntries', line)
            self.assertIn('many', line)
            watcher.wait_note(r'^STATUS=.*(configuration|reload)', after=before)
            when = journals.now()
            writer.append([login(2, when)])
            watcher.wait_event('allow', '192.0.2.2')
            self.assertEqual(box.list()['192.0.2.2']['expires_usec'], when + 60 * MIN)

            # Once it is mended, it holds.
            box.configure('Grace=2h')
            after = self.reload(watcher)
            watcher.wait_note('^STATUS=', after=after)
            writer.append([login(3, when)])
            watcher.wait_event('allow', '192.0.2.3')
            self.assertEqual(box.list()['192.0.2.3']['expires_usec'], when + 120 * MIN)
            watcher.stop()

    def test_bad_rule_leaves_the_old_ones_in_force(self):
        with Sandbox() as box, box.writer([login(1)]) as writer:
            watcher = box.start().wait_ready()
            box.rule('60-bad.conf', '[Rule bad]\nMatch=_SYSTEMD_UNIT=x.service\nLogin=^(\n')
            self.reload(watcher)
            watcher.wait_line(r'60-bad\.conf:3: ')
            writer.append([login(2)])
            watcher.wait_event('allow', '192.0.2.2')
            watcher.stop()

    def test_map_is_made_anew_under_a_running_bridge(self):
        with Sandbox('MaxEntries=10') as box, box.writer([login(1)]) as writer:
            watcher = box.start().wait_ready()
            with Bridge(box.map, box.environment()) as bridge, bridge.connect() as connection:
                for config in ('MaxEntries=5000', 'MaxEntries=5000\nIPv6Prefix=64'):
                    inode = box.map.stat().st_ino
                    box.configure(config)
                    self.reload(watcher)
                    self.assertNotEqual(box.map.stat().st_ino, inode)
                    self.assertEqual(connection.ask('192.0.2.1'), '200 OK\n')
                writer.append([journals.dovecot_login(journals.now(), '2001:db8::10')])
                watcher.wait_event('allow', '2001:db8::10')
                self.assertEqual(connection.ask('2001:db8::11'), '200 OK\n')
                self.assertEqual(set(box.list()), {'192.0.2.1', '2001:db8::/64'})
            watcher.stop()

    def test_what_only_a_restart_can_change(self):
        with Sandbox() as box, box.writer([login(1)]) as writer:
            box.configure(f'Journal={box.journal}\nMap={box.map}')
            watcher = box.start(f'--config={box.config}', defaults=False).wait_ready()
            for key, config in (('Map=', f'Journal={box.journal}\nMap={box.map}.other'),
                                ('Journal=', f'Journal={box.bin}\nMap={box.map}')):
                box.configure(f'Grace=1h\n{config}')
                mark = watcher.mark()
                self.reload(watcher)
                watcher.wait_line(f'^error: .*{key}', after=mark)
            when = journals.now()
            writer.append([login(2, when)])
            watcher.wait_event('allow', '192.0.2.2')
            self.assertEqual(box.list()['192.0.2.2']['expires_usec'], when + 30 * MIN)
            watcher.stop()

    def test_journal_directory_that_was_made_anew(self):
        """A reload finds what the journal library does not: a directory in place of the old one."""
        with Sandbox() as box:
            box.write([login(1)])
            watcher = box.start().wait_ready()
            shutil.rmtree(box.journal)
            box.journal.mkdir()
            box.write([login(2)])
            self.reload(watcher)
            watcher.wait_event('allow', '192.0.2.2')
            watcher.stop()
            self.assertEqual(set(box.list()), {'192.0.2.1', '192.0.2.2'})

    def test_command_line_stays_in_force(self):
        with Sandbox() as box, box.writer([login(1)]) as writer:
            watcher = box.start('--grace=10min').wait_ready()
            box.configure('Grace=1h')
            self.reload(watcher)
            when = journals.now()
            writer.append([login(2, when)])
            watcher.wait_event('allow', '192.0.2.2')
            self.assertEqual(box.list()['192.0.2.2']['expires_usec'], when + 10 * MIN)
            watcher.stop()


class OwnLog(unittest.TestCase):
    def test_file_is_appended_to(self):
        with Sandbox() as box:
            log = box.directory / 'own.log'
            log.write_text('before\n')
            box.write([login(1)])
            box.start(f'--logto={log}', log=False).wait_ready().stop()
            lines = log.read_text().splitlines()
            self.assertEqual(lines[0], 'before')
            self.assertTrue(any('allow 192.0.2.1 for 30min, rule dovecot, user user1' in line
                                for line in lines), lines)

    def test_file_is_opened_again_at_reload(self):
        with Sandbox() as box, box.writer([login(1)]) as writer:
            log, old = box.directory / 'own.log', box.directory / 'own.log.1'
            watcher = box.start(f'--logto={log}', log=False).wait_ready()
            log.rename(old)
            before = len(watcher.notes)
            watcher.signal(signal.SIGHUP)
            watcher.wait_note('^READY=1$', after=before)
            writer.append([login(2)])
            watcher.wait_note(r'^STATUS=.*\b2\b', after=before)
            watcher.stop()
            self.assertIn('allow 192.0.2.1 ', old.read_text())
            self.assertNotIn('allow 192.0.2.2 ', old.read_text())
            self.assertIn('allow 192.0.2.2 ', log.read_text())

    def test_refused_reload_leaves_the_log_alone(self):
        with Sandbox() as box, box.writer([login(1)]) as writer:
            log, other = box.directory / 'own.log', box.directory / 'other.log'
            box.configure(f'LogFile={log}')
            watcher = box.start(log=False).wait_ready()
            box.configure(f'LogFile={other}\nWrite=no')
            before = len(watcher.notes)
            watcher.signal(signal.SIGHUP)
            watcher.wait_note('^READY=1$', after=before)
            writer.append([login(2)])
            watcher.wait_note(r'^STATUS=.*\b2\b', after=before)
            watcher.stop()
            self.assertFalse(other.exists())
            self.assertIn('allow 192.0.2.2 ', log.read_text())

    def test_file_that_cannot_be_opened(self):
        with Sandbox() as box:
            box.write([login(1)])
            result = box.run(f'--logto={box.directory}/none/own.log')
            self.assertNotEqual(result.returncode, 0)
            self.assertIn('none/own.log', result.stderr)

    def test_standard_error_by_default(self):
        with Sandbox() as box:
            box.write([login(1)])
            watcher = box.start(debug=False, log=False)
            watcher.wait_event('allow', '192.0.2.1')
            watcher.stop()

    def test_debug_goes_to_standard_output(self):
        with Sandbox() as box:
            box.write([login(1)])
            wrapper = ['sh', '-c', 'exec "$@" 2>/dev/null', 'sh']
            watcher = box.start(log=False, wrapper=wrapper)
            watcher.wait_event('allow', '192.0.2.1')
            watcher.stop()

    def test_quiet_without_debug(self):
        with Sandbox() as box:
            box.write([login(1), login(1), journals.dovecot_login(journals.now(), '127.0.0.1')])
            watcher = box.start(debug=False).wait_ready().stop()
            self.assertEqual([event.kind for event in watcher.events()], ['allow'])

    def test_wording_of_each_event(self):
        with Sandbox('NeverGrant=100.64.0.0/10\nMaxEntries=1\nGrace=2s') as box:
            when = journals.now()
            box.write([journals.dovecot_login(when, '192.0.2.10', 'alice'),
                       journals.dovecot_login(when, '192.0.2.10', 'alice'),
                       journals.dovecot_login(when, '127.0.0.1', 'alice'),
                       journals.dovecot_login(when, '100.64.0.1', 'alice'),
                       journals.dovecot_login(when, '192.0.2.11', 'alice')])
            watcher = box.start().wait_ready()
            watcher.wait_event('expire', '192.0.2.10')
            watcher.stop()
            self.assertEqual([line for line in watcher.lines if ', rule dovecot, user' in line], [
                'allow 192.0.2.10 for 2s, rule dovecot, user alice',
                'extend 192.0.2.10 for 2s, rule dovecot, user alice',
                'ignore 127.0.0.1, local network 127.0.0.0/8, rule dovecot, user alice',
                'ignore 100.64.0.1, never-grant network 100.64.0.0/10, rule dovecot, user alice',
                'refuse 192.0.2.11, map is full (MaxEntries=1), rule dovecot, user alice',
                'expire 192.0.2.10, rule dovecot, user alice'])


class JournalFields(unittest.TestCase):
    """As a service, the watcher logs by the journal's own protocol, each event with fields."""

    CONFIG = 'Grace=2s\nMaxEntries=1\nNeverGrant=100.64.0.0/10'

    def setUp(self):
        self.box = Sandbox(self.CONFIG)
        self.addCleanup(self.box.close)
        (self.box.directory / 'journald').mkdir()
        self.stderr = self.box.directory / 'stderr'
        self.stderr.touch()
        # A service's standard error is a stream to journald; here a file stands for it.
        self.wrapper, reason = private_mounts(
            f'exec 2>>{self.stderr} && mount -t tmpfs pbs /run && mkdir -p /run/systemd/journal '
            f'&& mount --bind {self.box.directory}/journald /run/systemd/journal')
        if not self.wrapper:
            self.skipTest(f'no journal socket of its own can be mounted: {reason}')
        self.journald = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.journald.bind(str(self.box.directory / 'journald' / 'socket'))
        self.journald.settimeout(20)
        self.addCleanup(self.journald.close)

    def run_with(self, events):
        """The entries that reach the journal, up to the one that tells of the last event."""
        when = journals.now()
        self.box.write([journals.dovecot_login(when, address, 'alice') for address in
                        ('192.0.2.10', '192.0.2.10', '127.0.0.1', '100.64.0.1', '192.0.2.11')])
        status = self.stderr.stat()
        stream = f'{status.st_dev}:{status.st_ino}'
        watcher = self.box.start(debug=False, log=False, wrapper=self.wrapper,
                                 extra_environment={'JOURNAL_STREAM': stream})
        told = []
        while len(told) < events:
            entry = journals.parse_export(self.journald.recv(1 << 20) + b'\n')[0]
            self.assertEqual(entry.get('SYSLOG_IDENTIFIER'), b'pop-before-smtp')
            if entry.get('PBS_EVENT'):
                told.append(entry)
        watcher.stop()
        self.assertEqual((watcher.lines, self.stderr.read_text()), ([], ''))
        return when, told

    def check(self, told, expected):
        self.assertEqual([(entry.get('PBS_EVENT').decode(), entry.get('PBS_ADDRESS').decode(),
                           entry.get('PRIORITY').decode()) for entry in told], expected)
        for entry in told:
            self.assertEqual(entry.get('PBS_USER'), b'alice')
            self.assertEqual(entry.get('PBS_RULE'), b'dovecot')
            self.assertRegex(entry.get('MESSAGE_ID'), rb'^[0-9a-f]{32}$')
        ids = {entry.get('PBS_EVENT'): entry.get('MESSAGE_ID') for entry in told}
        self.assertEqual(len(set(ids.values())), len(ids), 'one id for two kinds of events')

    def test_what_matters(self):
        when, told = self.run_with(2)
        self.check(told, [('allow', '192.0.2.10', '6'), ('expire', '192.0.2.10', '6')])
        for entry in told:
            self.assertEqual(entry.get('PBS_EXPIRES'), b'%d' % (when + 2 * SEC))

    def test_everything(self):
        self.box.configure(f'{self.CONFIG}\nDebug=yes')
        _, told = self.run_with(6)
        self.check(told, [('allow', '192.0.2.10', '6'), ('extend', '192.0.2.10', '7'),
                          ('ignore', '127.0.0.1', '7'), ('ignore', '100.64.0.1', '7'),
                          ('refuse', '192.0.2.11', '7'), ('expire', '192.0.2.10', '6')])


class Background(unittest.TestCase):
    def start(self, box, pidfile, log):
        return box.run(f'--daemon={pidfile}', f'--logto={log}')

    def end(self, pid):
        """Ends a daemon, which is not a child of this process."""
        process = os.pidfd_open(pid)
        signal.pidfd_send_signal(process, signal.SIGTERM)
        self.assertTrue(select.select([process], [], [], DEADLINE)[0])
        os.close(process)

    def test_daemon(self):
        with Sandbox() as box:
            pidfile, log = box.directory / 'pid', box.directory / 'own.log'
            box.write([login(number) for number in range(1, 50)])
            result = self.start(box, pidfile, log)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, '', ''))
            pid = int(pidfile.read_text())
            try:
                # The backlog is in the map when the command returns.
                self.assertEqual(len(box.list()), 49)
                self.assertEqual(pidfile.read_text(), f'{pid}\n')
                self.assertEqual(os.readlink(f'/proc/{pid}/cwd'), '/')
                self.assertEqual(os.getsid(pid), pid)
                for fd in (0, 1, 2):
                    self.assertEqual(os.readlink(f'/proc/{pid}/fd/{fd}'), '/dev/null')
            finally:
                self.end(pid)
            self.assertFalse(pidfile.exists(), 'the pid file is left behind')

    def test_second_daemon_with_the_same_pid_file(self):
        with Sandbox() as box:
            pidfile, log = box.directory / 'pid', box.directory / 'own.log'
            box.write([login(1)])
            self.assertEqual(self.start(box, pidfile, log).returncode, 0)
            pid = int(pidfile.read_text())
            try:
                second = self.start(box, pidfile, log)
                self.assertEqual(second.returncode, 1, second.stderr)
                self.assertEqual(pidfile.read_text(), f'{pid}\n')
            finally:
                self.end(pid)

    def test_other_file_in_place_of_the_pid_file(self):
        """A mistyped path must not cost anybody a file."""
        with Sandbox() as box:
            box.write([login(1)])
            other = box.directory / 'precious'
            other.write_text('all that I have\n')
            result = self.start(box, other, box.directory / 'own.log')
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(str(other), result.stderr)
            self.assertEqual(other.read_text(), 'all that I have\n')

    def test_link_in_place_of_the_pid_file(self):
        """It is not followed, so that nobody can make root write elsewhere."""
        with Sandbox() as box:
            pidfile, target = box.directory / 'pid', box.directory / 'target'
            target.write_text('precious\n')
            pidfile.symlink_to(target)
            box.write([login(1)])
            result = self.start(box, pidfile, box.directory / 'own.log')
            if result.returncode == 0:
                self.end(int(pidfile.read_text()))
            else:
                self.assertIn(str(pidfile), result.stderr)
            self.assertEqual(target.read_text(), 'precious\n')

    def test_failure_is_reported_to_the_caller(self):
        with Sandbox() as box:
            pidfile = box.directory / 'pid'
            box.write([login(1)])
            box.map.write_text('not a map\n')
            result = self.start(box, pidfile, box.directory / 'own.log')
            self.assertEqual(result.returncode, 78, result.stderr)
            self.assertFalse(pidfile.exists())


class NoWrite(unittest.TestCase):
    def test_no_map_file(self):
        for option, config in (('--nowrite', ''), ('--debug', 'Write=no')):
            with self.subTest(option, config=config), Sandbox(f'Grace=2s\n{config}') as box:
                box.write([login(1), login(1), login(2)])
                watcher = box.start(option).wait_ready()
                watcher.wait_event('expire', '192.0.2.2')
                self.assertEqual([event.kind for event in watcher.events()][:3],
                                 ['allow', 'extend', 'allow'])
                self.assertEqual(list(box.directory.glob('*.tdb*')), [])
                watcher.stop()

    def test_existing_map_stays_as_it_is(self):
        with Sandbox() as box:
            box.write([login(1)])
            box.start().wait_ready().stop()
            before = box.map.read_bytes()
            box.write([login(2)])
            watcher = box.start('--nowrite').wait_ready().stop()
            self.assertIn('192.0.2.2', [event.address for event in watcher.events('allow')])
            self.assertEqual(box.map.read_bytes(), before)

    def test_write_again_on_the_command_line(self):
        with Sandbox('Write=no') as box:
            box.write([login(1)])
            box.start('--write').wait_ready().stop()
            self.assertEqual(set(box.list()), {'192.0.2.1'})


if __name__ == '__main__':
    tap.main()
