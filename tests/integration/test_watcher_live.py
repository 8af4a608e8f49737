# SPDX-License-Identifier: LGPL-2.1-or-later
"""Following a journal while it is written, rotated and removed."""

import ipaddress
import os
import signal
import time
import unittest

import journals
import tap
from journals import MIN, SEC
from watcher import Sandbox, sanitised

DROPPED = 'a596d6fe7bfa4994828e72309e95d61e'  # journald's own message that it dropped others


class Live(unittest.TestCase):
    def test_entry_by_entry(self):
        with Sandbox() as box, box.writer([journals.noise(journals.now())]) as writer:
            watcher = box.start().wait_ready()
            for number in range(1, 6):
                writer.append([journals.noise(journals.now(), number),
                               journals.dovecot_login(journals.now(), f'192.0.2.{number}')])
                watcher.wait_event('allow', f'192.0.2.{number}')
                self.assertEqual(len(box.list()), number)
            watcher.stop()

    def test_first_entries_come_together(self):
        """Where nothing was to be read at first, all of what comes then is read, not the last."""
        other = {'_SYSTEMD_UNIT': 'other.service', '_UID': 0, 'SYSLOG_IDENTIFIER': 'other'}
        with Sandbox() as box, \
                box.writer([journals.entry(journals.now(), 'something else', **other)]) as writer:
            watcher = box.start().wait_ready()
            watcher.signal(signal.SIGSTOP)
            writer.append([journals.dovecot_login(journals.now(), f'192.0.2.{number}')
                           for number in range(1, 6)])
            watcher.signal(signal.SIGCONT)
            watcher.wait_event('allow', '192.0.2.5')
            self.assertEqual([event.address for event in watcher.events()],
                             [f'192.0.2.{number}' for number in range(1, 6)])
            watcher.stop()

    def test_login_counts_from_its_own_time(self):
        """Also where it was written while the watcher was reading what came before."""
        slow = {'_SYSTEMD_UNIT': 'slow.service', '_UID': 0, 'SYSLOG_IDENTIFIER': 'slow'}
        message = 'a' * 200 + '! from me'
        when = {}
        with Sandbox('Grace=1h') as box, box.writer([journals.noise(journals.now())]) as writer:
            box.rule('60-slow.conf', '[Rule slow]\nMatch=_SYSTEMD_UNIT=slow.service\n'
                     'Login=^(?:a+)+ from (?<addr>[0-9.]+)$\n')
            watcher = box.start().wait_ready()
            for number in range(1, 11):
                writer.append([journals.entry(journals.now(), message, **slow)] * 40)
                time.sleep(0.02)
                when[f'192.0.2.{number}'] = journals.now()
                writer.append([journals.dovecot_login(when[f'192.0.2.{number}'],
                                                      f'192.0.2.{number}')])
                watcher.wait_event('allow', f'192.0.2.{number}')
            self.assertEqual({address: (record['login_usec'], record['expires_usec'])
                              for address, record in box.list().items()},
                             {address: (usec, usec + 60 * MIN) for address, usec in when.items()})
            watcher.stop()

    def test_recordings_as_they_come(self):
        """All of a recording goes to a running watcher in pieces; logins and logouts are the same."""
        entries = journals.move(journals.shorten_pauses(journals.recorded('dovecot24'), SEC),
                                journals.now())
        expected = journals.expected('dovecot24')
        with Sandbox() as box, box.writer([journals.noise(entries[0].usec - SEC)]) as writer:
            watcher = box.start().wait_ready()
            for start in range(0, len(entries), 37):
                writer.append(entries[start:start + 37])
            writer.append([journals.dovecot_login(journals.now(), '192.0.2.250', 'last')])
            watcher.wait_event('allow', '192.0.2.250')
            # Of those who came from loopback, the logouts are not to be seen.
            self.assertEqual([(event.kind == 'logout', event.address, event.user)
                              for event in watcher.events()],
                             [(item.kind == 'logout', item.address, sanitised(item.user))
                              for item in expected if item.kind == 'login'
                              or not ipaddress.ip_address(item.address).is_loopback]
                             + [(False, '192.0.2.250', 'last')])
            watcher.stop()

    def test_new_file_in_the_directory(self):
        """What journald does at a rotation: the old file stays, a new one goes on."""
        with Sandbox() as box:
            first = [journals.dovecot_login(journals.now(), '192.0.2.1')]
            with box.writer(first, 'system@1.journal') as writer:
                watcher = box.start().wait_ready()
                writer.append([journals.dovecot_login(journals.now(), '192.0.2.2')])
                watcher.wait_event('allow', '192.0.2.2')
            third = [journals.dovecot_login(journals.now(), '192.0.2.3')]
            with box.writer(third, 'system.journal') as writer:
                watcher.wait_event('allow', '192.0.2.3')
                writer.append([journals.dovecot_login(journals.now(), '192.0.2.4')])
                watcher.wait_event('allow', '192.0.2.4')
                watcher.stop()
            self.assertEqual([(event.kind, event.address) for event in watcher.events()],
                             [('allow', f'192.0.2.{number}') for number in range(1, 5)])

    def test_files_removed_while_it_follows(self):
        """What journald does when space runs short: files go away, and are let go of."""
        with Sandbox() as box:
            box.write([journals.dovecot_login(journals.now(), '192.0.2.1')], 'old.journal')
            watcher = box.start().wait_ready()
            (box.journal / 'old.journal').unlink()
            for number in range(2, 6):
                box.write([journals.dovecot_login(journals.now(), f'192.0.2.{number}')],
                          f'new{number}.journal')
                watcher.wait_event('allow', f'192.0.2.{number}')
                (box.journal / f'new{number}.journal').unlink()
            box.write([journals.dovecot_login(journals.now(), '192.0.2.6')], 'last.journal')
            watcher.wait_event('allow', '192.0.2.6')
            held = [os.readlink(f'/proc/{watcher.pid}/fd/{fd}')
                    for fd in os.listdir(f'/proc/{watcher.pid}/fd')]
            self.assertNotIn(str(box.journal / 'old.journal') + ' (deleted)', held)
            watcher.stop()
            self.assertEqual([event.address for event in watcher.events('allow')],
                             [f'192.0.2.{number}' for number in range(1, 7)])

    def test_file_cut_short_while_it_is_read(self):
        """A journal file loses its pages under the reader; the program survives and goes on."""
        with Sandbox() as box:
            box.write([journals.dovecot_login(journals.now(), '192.0.2.1')], 'old.journal')
            watcher = box.start().wait_ready()
            os.truncate(box.journal / 'old.journal', 0)
            box.write([journals.dovecot_login(journals.now(), '192.0.2.2')], 'new.journal')
            watcher.wait_event('allow', '192.0.2.2')
            box.write([journals.dovecot_login(journals.now(), '192.0.2.3')], 'new.journal')
            watcher.wait_event('allow', '192.0.2.3')
            watcher.stop()

    def test_damaged_file_beside_a_good_one(self):
        with Sandbox() as box:
            (box.journal / 'damaged.journal').write_bytes(os.urandom(70000))
            box.write([journals.dovecot_login(journals.now(), '192.0.2.1')])
            watcher = box.start().wait_ready().stop()
            self.assertEqual([event.address for event in watcher.events()], ['192.0.2.1'])

    def test_single_file(self):
        with Sandbox() as box:
            box.write([journals.dovecot_login(journals.now() - SEC, '192.0.2.1')])
            box.write([journals.dovecot_login(journals.now() - SEC, '192.0.2.2')], 'other.journal')
            watcher = box.start(f'--watchlog={box.journal}/system.journal').wait_ready()
            box.write([journals.dovecot_login(journals.now(), '192.0.2.3')])
            watcher.wait_event('allow', '192.0.2.3')
            watcher.stop()
            self.assertEqual([event.address for event in watcher.events()],
                             ['192.0.2.1', '192.0.2.3'])

    def test_old_name_of_the_option(self):
        with Sandbox() as box:
            box.write([journals.dovecot_login(journals.now() - SEC, '192.0.2.1')])
            watcher = box.start(f'--config={box.config}', f'--logfile={box.journal}',
                                f'--dbfile={box.map}', defaults=False).wait_ready().stop()
            self.assertEqual([event.address for event in watcher.events()], ['192.0.2.1'])

    def test_journal_in_the_configuration(self):
        with Sandbox() as box:
            box.configure(f'Journal={box.journal}\nMap={box.map}')
            box.write([journals.dovecot_login(journals.now() - SEC, '192.0.2.1')])
            watcher = box.start(f'--config={box.config}', defaults=False).wait_ready().stop()
            self.assertEqual([event.address for event in watcher.events()], ['192.0.2.1'])


class Dropped(unittest.TestCase):
    """journald drops messages of a unit that writes too many, logins among them."""

    def notice(self, unit, **fields):
        values = {'MESSAGE_ID': DROPPED, '_TRANSPORT': 'driver', '_PID': 55, '_UID': 0,
                  '_COMM': 'systemd-journal', '_SYSTEMD_UNIT': 'systemd-journald.service',
                  'SYSLOG_IDENTIFIER': 'systemd-journald', 'PRIORITY': '4', 'N_DROPPED': '4711',
                  **fields}
        return journals.entry(journals.now(), f'Suppressed 4711 messages from {unit}', **values)

    def test_warning_with_the_remedy(self):
        with Sandbox() as box, box.writer([journals.noise(journals.now())]) as writer:
            watcher = box.start(debug=False).wait_ready()
            writer.append([self.notice('dovecot.service')])
            line = watcher.lines[watcher.wait_line('LogRateLimitBurst=1000000')]
            self.assertIn('dovecot.service', line)
            self.assertIn('4711', line)
            watcher.wait_note('^STATUS=.*; journald dropped messages of mail servers 1 time$')
            writer.append([self.notice('dovecot.service')])
            watcher.wait_note('^STATUS=.*; journald dropped messages of mail servers 2 times$')
            watcher.stop()

    def test_beginnings_of_cut_lines_may_be_among_them(self):
        with Sandbox() as box, box.writer([journals.noise(journals.now())]) as writer:
            watcher = box.start().wait_ready()
            writer.append([self.notice('courier-imap.service'),
                           journals.courier_login(journals.now(), '192.0.2.1'),
                           journals.dovecot_login(journals.now(), '192.0.2.2')])
            watcher.wait_event('allow', '192.0.2.2')
            self.assertEqual(set(box.list()), {'192.0.2.2'})
            watcher.stop()

    def test_of_others_is_no_reason_for_doubt(self):
        """Any user can write so much that journald drops some of it."""
        with Sandbox() as box, box.writer([journals.noise(journals.now())]) as writer:
            watcher = box.start().wait_ready()
            writer.append([self.notice('user@1000.service'), self.notice('dovecot.service'),
                           journals.courier_login(journals.now(), '192.0.2.1')])
            watcher.wait_event('allow', '192.0.2.1')
            watcher.stop()

    def test_other_units_and_forgeries_are_no_concern(self):
        with Sandbox() as box, box.writer([journals.noise(journals.now())]) as writer:
            watcher = box.start().wait_ready()
            writer.append([self.notice('nginx.service'),
                           self.notice('dovecot.service', _TRANSPORT='journal',
                                       _SYSTEMD_UNIT='user@1000.service', _UID=1000),
                           journals.dovecot_login(journals.now(), '192.0.2.1')])
            watcher.wait_event('allow', '192.0.2.1')
            self.assertEqual([line for line in watcher.lines if 'RateLimit' in line], [])
            watcher.stop()


if __name__ == '__main__':
    tap.main()
