# SPDX-License-Identifier: LGPL-2.1-or-later
"""LocalNetworks=postconf: Postfix's own mynetworks, in all the forms that it may have."""

import signal
import unittest

import journals
import tap
from journals import MIN, SEC
from watcher import Sandbox

WARNING = r'^warning: '


class Postconf(unittest.TestCase):
    def run_with(self, box, *addresses):
        start = journals.now() - 5 * MIN
        box.write([journals.dovecot_login(start + number * SEC, address, f'u{number}')
                   for number, address in enumerate(addresses)])
        watcher = box.start().wait_ready().stop()
        return watcher, {event.address: event.kind for event in watcher.events()}

    def sandbox(self, value, networks='LocalNetworks=postconf'):
        """A sandbox with a postconf that answers `postconf -xh mynetworks`, and nothing else."""
        box = Sandbox()
        self.addCleanup(box.close)
        box.configure(networks=networks)
        box.command('postconf', f'''
[ "$#" = 2 ] && [ "$1" = -xh ] && [ "$2" = mynetworks ] || exit 99
cat <<'END'
{value}
END''')
        return box

    def check(self, value, local, others, warnings=(), networks='LocalNetworks=postconf'):
        watcher, kinds = self.run_with(self.sandbox(value, networks), *local, *others)
        self.assertEqual(kinds, {**{address: 'ignore' for address in local},
                                 **{address: 'allow' for address in others}})
        said = [line for line in watcher.lines if line.startswith('warning: ')]
        self.assertEqual(len(said), len(warnings), watcher.lines)
        for line, words in zip(said, warnings):
            self.assertIn(words, line)

    def test_networks(self):
        self.check('127.0.0.0/8, 10.1.0.0/16 192.168.5.0/24,172.16.0.1',
                   ['10.1.2.3', '192.168.5.9', '172.16.0.1', '127.0.0.1'],
                   ['10.2.0.1', '172.16.0.2', '192.0.2.10'])

    def test_default_of_postfix(self):
        self.check('127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128', ['127.1.2.3', '::1'],
                   ['192.0.2.10', '2001:db8::10'])

    def test_ipv6(self):
        self.check('[2001:db8:1::]/48 [2001:db8:2::5]', ['2001:db8:1:ffff::1', '2001:db8:2::5'],
                   ['2001:db8:2::6', '2001:db8::10'])

    def test_exceptions(self):
        self.check('!10.1.2.3, !10.1.4.0/24 10.1.0.0/16', ['10.1.2.4', '10.1.5.1'],
                   ['10.1.2.3', '10.1.4.9', '10.2.0.1'])

    def test_file(self):
        box = self.sandbox('')
        networks = box.directory / 'mynetworks'
        networks.write_text('# ours\n10.1.0.0/16\n  192.168.5.0/24, 172.16.0.1  # the printer\n\n'
                            '[2001:db8:1::]/48\n')
        box.command('postconf', f'echo {networks}')
        _, kinds = self.run_with(box, '10.1.2.3', '192.168.5.9', '172.16.0.1', '2001:db8:1::9',
                                 '192.0.2.10')
        self.assertEqual([address for address, kind in kinds.items() if kind == 'allow'],
                         ['192.0.2.10'])

    def test_cidr_table(self):
        box = self.sandbox('')
        table = box.directory / 'networks.cidr'
        table.write_text('# clients\n192.168.5.7 REJECT\n10.1.0.0/16 OK\n2001:db8:1::/48 permit\n'
                         '  and more text of the line above\n192.168.5.0/24 x\n')
        box.command('postconf', f'echo 172.16.0.1 cidr:{table}')
        watcher, kinds = self.run_with(box, '10.1.2.3', '2001:db8:1::9', '192.168.5.9',
                                       '172.16.0.1', '192.0.2.10')
        self.assertEqual([address for address, kind in kinds.items() if kind == 'allow'],
                         ['192.0.2.10'], watcher.lines)

    def test_file_that_is_not_there(self):
        watcher, kinds = self.run_with(self.sandbox('10.1.0.0/16 /nonexistent/networks'),
                                       '10.1.2.3', '192.0.2.10')
        self.assertEqual(kinds, {'10.1.2.3': 'ignore', '192.0.2.10': 'allow'})
        watcher.wait_line(WARNING + '.*/nonexistent/networks')

    def test_tables_that_cannot_be_read(self):
        self.check('10.1.0.0/16 hash:/etc/postfix/network_table, 10.2.0.0/16',
                   ['10.1.2.3', '10.2.0.1'], ['192.0.2.10'], ['hash:/etc/postfix/network_table'])

    def test_nonsense(self):
        watcher, kinds = self.run_with(self.sandbox('10.1.0.0/16 300.1.1.1/8 foo 10.2.0.0/99'),
                                       '10.1.2.3', '10.2.0.1', '192.0.2.10')
        self.assertEqual(kinds, {'10.1.2.3': 'ignore', '10.2.0.1': 'allow', '192.0.2.10': 'allow'})
        for words in ('300.1.1.1/8', 'foo', '10.2.0.0/99'):
            watcher.wait_line(WARNING + f'.*{words}')

    def test_empty(self):
        self.check('', ['127.0.0.1'], ['10.1.2.3', '192.0.2.10'])

    def test_together_with_own_networks(self):
        self.check('10.1.0.0/16', ['10.1.2.3', '192.168.5.9'], ['192.0.2.10', '192.168.6.1'],
                   networks='LocalNetworks=postconf 192.168.5.0/24')

    def test_is_the_default(self):
        self.check('10.1.0.0/16', ['10.1.2.3'], ['192.0.2.10'], networks='')

    def test_is_not_asked_unless_wanted(self):
        box = self.sandbox('', networks='LocalNetworks=')
        box.command('postconf', f'touch {box.directory}/asked; echo 192.0.2.0/24')
        _, kinds = self.run_with(box, '192.0.2.10')
        self.assertEqual(kinds, {'192.0.2.10': 'allow'})
        self.assertFalse((box.directory / 'asked').exists())

    def test_failure(self):
        box = self.sandbox('')
        box.command('postconf', 'echo "postconf: fatal: open /etc/postfix/main.cf" >&2; exit 1')
        watcher, kinds = self.run_with(box, '127.0.0.1', '192.0.2.10')
        self.assertEqual(kinds, {'127.0.0.1': 'ignore', '192.0.2.10': 'allow'})
        watcher.wait_line(WARNING + '.*postconf')

    def test_half_an_answer_from_a_failure(self):
        """What a failing postconf printed is not used."""
        box = self.sandbox('')
        box.command('postconf', 'echo 192.0.2.0/24; exit 1')
        watcher, kinds = self.run_with(box, '192.0.2.10')
        self.assertEqual(kinds, {'192.0.2.10': 'allow'})
        watcher.wait_line(WARNING + '.*postconf')

    def test_no_postfix(self):
        box = self.sandbox('')
        (box.bin / 'postconf').unlink()
        start = journals.now() - MIN
        box.write([journals.dovecot_login(start, '127.0.0.1'),
                   journals.dovecot_login(start, '192.0.2.10')])
        watcher = box.start(extra_environment={'PATH': str(box.bin)}).wait_ready().stop()
        self.assertEqual([event.kind for event in watcher.events()], ['ignore', 'allow'])
        watcher.wait_line('postconf')

    def test_one_that_hangs(self):
        """It gets a few seconds, and no process is left behind."""
        box = self.sandbox('')
        box.command('postconf', f'echo $$ >{box.directory}/pid; exec sleep 1000')
        watcher, kinds = self.run_with(box, '127.0.0.1', '192.0.2.10')
        self.assertEqual(kinds, {'127.0.0.1': 'ignore', '192.0.2.10': 'allow'})
        watcher.wait_line(WARNING + '.*postconf')
        pid = (box.directory / 'pid').read_text().strip()
        with self.assertRaises(FileNotFoundError):
            open(f'/proc/{pid}/cmdline', encoding='ascii').close()

    def test_endless_answer(self):
        box = self.sandbox('')
        box.command('postconf', 'exec yes 192.0.2.0/24')
        watcher, kinds = self.run_with(box, '198.51.100.1')
        self.assertEqual(kinds, {'198.51.100.1': 'allow'})
        watcher.wait_line(WARNING + '.*postconf')

    def test_asked_again_at_reload(self):
        box = self.sandbox('10.1.0.0/16')
        with box.writer([journals.dovecot_login(journals.now(), '10.1.0.1')]) as writer:
            watcher = box.start().wait_ready()
            watcher.wait_event('ignore', '10.1.0.1')
            box.command('postconf', 'echo 10.2.0.0/16')
            before = len(watcher.notes)
            watcher.signal(signal.SIGHUP)
            watcher.wait_note('^READY=1$', after=before)
            writer.append([journals.dovecot_login(journals.now(), '10.1.0.2'),
                           journals.dovecot_login(journals.now(), '10.2.0.1')])
            watcher.wait_event('allow', '10.1.0.2')
            watcher.wait_event('ignore', '10.2.0.1')
            watcher.stop()


if __name__ == '__main__':
    tap.main()
