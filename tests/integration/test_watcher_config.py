# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line and the configuration: what they mean, and what is said about wrong ones."""

import os
import re
import shutil
import unittest

import journals
import tap
from journals import MIN
from watcher import SOURCE, Sandbox, program


class CommandLine(unittest.TestCase):
    def run_bare(self, *options):
        with Sandbox() as box:
            return box.run(*options, defaults=False)

    def test_help(self):
        result = self.run_bare('--help')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        for option in ('config', 'write', 'debug', 'flock', 'reprocess', 'watchlog', 'dbfile',
                       'logto', 'grace', 'daemon', 'version', 'dumpconfig', 'list', 'check',
                       'help'):
            self.assertRegex(result.stdout, rf'--(\[no\])?{option}\b')

    def test_version(self):
        result = self.run_bare('--version')
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r'^pop-before-smtp \d+\.\d+')

    def test_wrong_usage(self):
        for options in (['--bogus'], ['--grace'], ['--config'], ['--grace='], ['--grace=soon'],
                        ['--grace=-5'], ['--grace=0'], ['--grace=10x'], ['word'], ['-x'],
                        ['--dbfile='], ['--daemon='], ['--daemon=relative.pid'], ['--debug=yes'],
                        ['--nobogus'], ['--daemon=/nowhere/pid', '--config=relative.conf']):
            with self.subTest(options):
                result = self.run_bare(*options)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn("Try 'pop-before-smtp --help'", result.stderr)
                self.assertEqual(result.stdout, '')

    def test_config_at_any_place(self):
        with Sandbox('Grace=7min') as box:
            result = box.run('--debug', '--dumpconfig', f'--config={box.config}', defaults=False)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn('Grace=7min', result.stdout)

    def test_output_that_cannot_be_written(self):
        for option in ('--dumpconfig', '--check', '--version'):
            with self.subTest(option), Sandbox() as box:
                result = box.run(option, wrapper=('sh', '-c', 'exec "$@" >/dev/full', 'sh'))
                self.assertEqual(result.returncode, 1)
                self.assertIn('No space left on device', result.stderr)

    def test_flock_changes_nothing(self):
        for option in ('--flock', '--noflock'):
            with self.subTest(option), Sandbox() as box:
                box.write([journals.dovecot_login(journals.now(), '192.0.2.1')])
                box.start(option).wait_ready().stop()
                self.assertEqual(set(box.list()), {'192.0.2.1'})


class List(unittest.TestCase):
    def list(self, *numbers):
        with Sandbox() as box:
            box.write([journals.noise(journals.now())]
                      + [journals.dovecot_login(journals.now(), f'192.0.2.{number}')
                         for number in numbers])
            box.start().wait_ready().stop()
            result = box.run('--list')
            self.assertEqual((result.returncode, result.stderr), (0, ''))
            return result.stdout

    def test_list(self):
        self.assertEqual(self.list(10, 9, 200),
                         'The map holds 3 addresses:\n192.0.2.9\n192.0.2.10\n192.0.2.200\n')

    def test_one(self):
        self.assertEqual(self.list(7), 'The map holds 1 address:\n192.0.2.7\n')

    def test_none(self):
        self.assertRegex(self.list(), r'\AThe map holds 0 addresses[:.]\n\Z')

    def test_without_a_map(self):
        """Looking makes no map."""
        with Sandbox() as box:
            result = box.run('--list')
            self.assertEqual(result.returncode, 69, result.stderr)
            self.assertIn(str(box.map), result.stderr)
            self.assertFalse(box.map.exists())

    def test_beside_a_running_watcher(self):
        with Sandbox() as box:
            box.write([journals.dovecot_login(journals.now(), '192.0.2.1')])
            watcher = box.start().wait_ready()
            self.assertIn('192.0.2.1\n', box.run('--list').stdout)
            watcher.stop()

    def test_together_with_version_and_configuration(self):
        with Sandbox() as box:
            box.write([journals.dovecot_login(journals.now(), '192.0.2.1')])
            box.start().wait_ready().stop()
            result = box.run('--list', '--version', '--dumpconfig')
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertRegex(result.stdout, r'(?m)^pop-before-smtp \d')
            self.assertIn('[Watcher]\n', result.stdout)
            self.assertIn('The map holds 1 address:\n192.0.2.1\n', result.stdout)


class Dump(unittest.TestCase):
    def dump(self, box, *options, defaults=True):
        result = box.run('--dumpconfig', *options, defaults=defaults)
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        return result.stdout

    def settings(self, text):
        """(section, key, value) to origin, for all settings in the dump."""
        found, section, origin = {}, None, None
        for line in text.splitlines():
            if line.startswith('['):
                section = line[1:-1]
            elif line.startswith('#'):
                origin = line[2:]
            elif line:
                key, value = line.split('=', 1)
                found[section, key, value] = origin
                origin = None
        return found

    def test_origins(self):
        with Sandbox() as box:
            box.config.write_text('# mine\n[Watcher]\nGrace=20min\n\nNeverGrant=100.64.0.0/10\n'
                                  'NeverGrant=192.0.2.0/24\nLocalNetworks=\n')
            box.rule('60-local.conf', '[Rule dovecot]\nGrace=1h\n')
            found = self.settings(self.dump(box, '--debug'))
            self.assertEqual(found['Watcher', 'Grace', '20min'], f'{box.config}:3')
            self.assertEqual(found['Watcher', 'NeverGrant', '100.64.0.0/10'], f'{box.config}:5')
            self.assertEqual(found['Watcher', 'NeverGrant', '192.0.2.0/24'], f'{box.config}:6')
            self.assertEqual(found['Watcher', 'LocalNetworks', ''], f'{box.config}:7')
            self.assertEqual(found['Watcher', 'MaxEntries', '100000'], 'default')
            self.assertEqual(found['Watcher', 'IPv6Prefix', '128'], 'default')
            self.assertEqual(found['Watcher', 'Map', str(box.map)], 'command line')
            self.assertEqual(found['Watcher', 'Journal', str(box.journal)], 'command line')
            self.assertEqual(found['Watcher', 'Debug', 'yes'], 'command line')
            self.assertEqual(found['Rule dovecot', 'Grace', '1h'], f'{box.rules}/60-local.conf:2')
            matches = [origin for (section, key, _), origin in found.items()
                       if (section, key) == ('Rule dovecot', 'Match')]
            self.assertTrue(matches)
            self.assertTrue(all(origin.startswith(f'{box.rules}/50-dovecot.conf:')
                                for origin in matches), matches)

    def test_command_line_wins(self):
        with Sandbox('Grace=20min') as box:
            found = self.settings(self.dump(box, '--grace=90', '--nowrite', '--reprocess',
                                            '--logto=-'))
            self.assertNotIn(('Watcher', 'Grace', '20min'), found)
            for key, value in (('Write', 'no'), ('Reprocess', 'yes'), ('LogFile', '-')):
                self.assertEqual(found['Watcher', key, value], 'command line')
            graces = [(value, origin) for (section, key, value), origin in found.items()
                      if (section, key) == ('Watcher', 'Grace')]
            self.assertEqual(len(graces), 1)
            self.assertEqual(graces[0][1], 'command line')
            self.assertIn(graces[0][0], ('90', '1min 30s'))

    def test_can_be_read_again(self):
        with Sandbox('Grace=20min\nMaxEntries=77\nNeverGrant=100.64.0.0/10') as box:
            text = self.dump(box)
            again = box.directory / 'again'
            again.mkdir()
            (again / 'pop-before-smtp.conf').write_text(text)
            second = self.dump(box, f'--config={again}/pop-before-smtp.conf', defaults=False)
            values = sorted(self.settings(text))
            self.assertEqual(sorted(self.settings(second)), values)
            self.assertTrue(all(origin.startswith(f'{again}/pop-before-smtp.conf:')
                                for origin in self.settings(second).values()), second)

    def test_each_setting_has_its_origin(self):
        with Sandbox() as box:
            text = self.dump(box)
            self.assertTrue(all(self.settings(text).values()), text)
            lines = text.splitlines()
            for before, line in zip(lines, lines[1:]):
                if re.match(r'[A-Z]', line):
                    self.assertRegex(before, '^# ', line)

    def test_shows_the_configuration_without_using_it(self):
        with Sandbox() as box:
            shutil.rmtree(box.journal)
            self.dump(box)
            self.assertFalse(box.map.exists())


class Files(unittest.TestCase):
    """Which files are read, and what wins."""

    def graces(self, box):
        result = box.run('--dumpconfig')
        self.assertEqual(result.returncode, 0, result.stderr)
        return re.findall(r'(?m)^Grace=(.*)$', result.stdout)

    def test_drop_ins_in_the_order_of_their_names(self):
        with Sandbox('Grace=1h') as box:
            box.rule('70-b.conf', '[Watcher]\nGrace=2h\n')
            box.rule('60-a.conf', '[Watcher]\nGrace=3h\n')
            self.assertEqual(self.graces(box)[0], '2h')

    def test_other_names_are_not_read(self):
        with Sandbox('Grace=1h') as box:
            for name in ('60-a.conf~', '60-a.conf.bak', '.60-a.conf', 'README',
                         '60-a.conf.dpkg-old'):
                box.rule(name, '[Watcher]\nGrace=2h\n')
            self.assertEqual(self.graces(box)[0], '1h')

    def test_empty_file_and_link_to_null_disable(self):
        with Sandbox() as box:
            (box.rules / '50-dovecot.conf').unlink()
            (box.rules / '50-dovecot.conf').symlink_to('/dev/null')
            start = journals.now() - MIN
            box.write([journals.dovecot_login(start, '192.0.2.1'),
                       journals.courier_login(start, '192.0.2.2')])
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {'192.0.2.2'})

    def test_disabled_rule(self):
        with Sandbox() as box:
            box.rule('60-local.conf', '[Rule dovecot]\nEnabled=no\n')
            start = journals.now() - MIN
            box.write([journals.dovecot_login(start, '192.0.2.1'),
                       journals.courier_login(start, '192.0.2.2')])
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {'192.0.2.2'})

    def test_lists_collect_and_are_reset(self):
        with Sandbox() as box:
            box.rule('60-local.conf', '[Rule dovecot]\nMatch=_SYSTEMD_UNIT=mine.service _UID=0\n'
                     '[Rule courier]\nMatch=\nMatch=_SYSTEMD_UNIT=mine.service _UID=0\n')
            start = journals.now() - MIN
            box.write([journals.dovecot_login(start, '192.0.2.1'),
                       journals.dovecot_login(start, '192.0.2.2', _SYSTEMD_UNIT='mine.service'),
                       journals.courier_login(start, '192.0.2.3'),
                       journals.courier_login(start, '192.0.2.4', _SYSTEMD_UNIT='mine.service')])
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {'192.0.2.1', '192.0.2.2', '192.0.2.4'})

    def test_trust_forgeable(self):
        rule = '[Rule mine]\nMatch=SYSLOG_IDENTIFIER=mine\nLogin=^in (?<addr>\\S+)$\n'
        with Sandbox() as box:
            box.rule('60-mine.conf', rule + 'Trust=forgeable\n')
            box.write([journals.entry(journals.now() - MIN, 'in 192.0.2.1',
                                      SYSLOG_IDENTIFIER='mine')])
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), {'192.0.2.1'})
            box.rule('60-mine.conf', rule)
            result = box.run('--check')
            self.assertEqual(result.returncode, 78, result.stderr)
            self.assertIn('Trust=forgeable', result.stderr)


class Check(unittest.TestCase):
    def test_good(self):
        with Sandbox() as box:
            result = box.run('--check')
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, 'OK\n', ''))
            self.assertFalse(box.map.exists())

    def test_shipped_rules_are_good(self):
        with Sandbox() as box:
            self.assertEqual({path.name for path in box.rules.iterdir()},
                             {path.name for path in (SOURCE / 'conf.d').glob('*.conf')})
            self.assertEqual(box.run('--check').returncode, 0)

    def refused(self, text, line, *words, rule=False):
        """The text is refused by --check and at start, with file and line and all the words."""
        for options in (['--check'], []):
            with self.subTest(text=text, options=options), Sandbox() as box:
                box.write([journals.noise(journals.now())])
                path = box.config
                if rule:
                    path = box.rules / '60-test.conf'
                path.write_text(text)
                result = box.run(*options)
                self.assertEqual(result.returncode, 78, result.stderr)
                self.assertEqual(result.stdout, '')
                where = f'{path}:{line}: ' if line else str(path)
                self.assertIn(where, result.stderr)
                for word in words:
                    self.assertIn(word, result.stderr)
                self.assertFalse(box.map.exists())

    def test_bad_values(self):
        for key, value, allowed in (
                ('Grace', 'soon', '30min'), ('Grace', '0', '1s'), ('Grace', '-1', '30min'),
                ('Grace', '400d', '365d'), ('Grace', '', '30min'),
                ('MaxEntries', '0', '16000000'), ('MaxEntries', '16000001', '16000000'),
                ('MaxEntries', '10k', '16000000'), ('MaxEntries', '-5', '16000000'),
                ('MaxEntries', '99999999999999999999', '16000000'),
                ('IPv6Prefix', '0', '128'), ('IPv6Prefix', '129', '128'), ('IPv6Prefix', '/64',
                                                                           '128'),
                ('Map', 'map.tdb', 'absolute'), ('Journal', 'journal', 'absolute'),
                ('LogFile', 'own.log', 'absolute'), ('Debug', 'maybe', 'yes or no'),
                ('Write', '2', 'yes or no'), ('Reprocess', 'YES!', 'yes or no'),
                ('NeverGrant', '192.0.2.0/33', 'network'), ('NeverGrant', '192.0.2.1/24',
                                                            'network'),
                ('NeverGrant', 'postconf', 'network'), ('NeverGrant', 'example.net', 'network'),
                ('LocalNetworks', 'postconfig', 'network'), ('LocalNetworks', '10.0.0', 'network')):
            self.refused(f'# a comment\n[Watcher]\n\n{key}={value}\n', 4, key, value, allowed)

    def test_bad_structure(self):
        self.refused('Grace=5\n', 1, 'Grace')
        self.refused('[Watcher]\nGrace\n', 2)
        self.refused('[Watcher]\n=5\n', 2)
        self.refused('[Watcher\nGrace=5\n', 1)
        self.refused('[Wacther]\nGrace=5\n', 2, 'Wacther')
        self.refused('[Watcher]\ngrace=5\n', 2, 'grace', 'Grace=')
        self.refused('[Watcher]\nGraze=5\n', 2, 'Graze', 'Grace=')
        self.refused('[Watcher]\nGrace=5\0\n', 2)
        self.refused('[Rule]\nEnabled=no\n', 2)
        self.refused('[Rule a b]\nEnabled=no\n', 2)
        self.refused(f'[Rule {"x" * 33}]\nEnabled=no\n', 2, '32')

    def test_value_over_several_lines(self):
        self.refused('[Watcher]\nGrace=\\\n  never \\\n# comment\n  ever\n', 2, 'Grace', 'never')

    def test_bad_rules(self):
        match, login = 'Match=_SYSTEMD_UNIT=x.service\n', 'Login=^(?<addr>\\S+)$\n'
        self.refused(f'[Rule x]\n{match}Login=^(?<addr>\\S+\n', 3, 'Login', rule=True)
        self.refused(f'[Rule x]\n{match}Login=^\\S+$\n', 3, 'Login', 'addr', rule=True)
        self.refused(f'[Rule x]\n{match}Login=^(?<addr>\\S+) (?<who>.*)$\n', 3, 'who', rule=True)
        self.refused(f'[Rule x]\nMatch=unit\n{login}', 2, 'Match', 'FIELD=value', rule=True)
        self.refused(f'[Rule x]\nMatch=_systemd_unit=x\n{login}', 2, 'Match', rule=True)
        self.refused(f'[Rule x]\n{match}{login}Trust=yes\n', 4, 'Trust', 'forgeable', rule=True)
        self.refused(f'[Rule x]\n{match}{login}Enabled=perhaps\n', 4, 'Enabled', rule=True)
        self.refused(f'[Rule x]\n{match}{login}Logout=(x\n', 4, 'Logout', rule=True)
        self.refused(f'[Rule x]\n{match}{login}Grace=ever\n', 4, 'Grace', rule=True)

    def test_incomplete_rules(self):
        for text, word in (('[Rule x]\nMatch=_SYSTEMD_UNIT=x.service\n', 'Login='),
                           ('[Rule x]\nLogin=^(?<addr>\\S+)$\n', 'Match='),
                           ('[Rule x]\nMatch=SYSLOG_IDENTIFIER=x\nLogin=^(?<addr>\\S+)$\n',
                            'Trust=forgeable')):
            with self.subTest(text), Sandbox() as box:
                box.rule('60-x.conf', text)
                result = box.run('--check')
                self.assertEqual(result.returncode, 78, result.stderr)
                self.assertIn(word, result.stderr)
                self.assertIn('60-x.conf:', result.stderr)

    def test_no_rule_at_all(self):
        with Sandbox(shipped=[]) as box:
            result = box.run('--check')
            self.assertEqual(result.returncode, 78, result.stderr)
            self.assertIn('rule', result.stderr)

    def test_missing_configuration_file(self):
        with Sandbox() as box:
            box.config.unlink()
            result = box.run('--check')
            self.assertEqual(result.returncode, 78, result.stderr)
            self.assertIn(str(box.config), result.stderr)

    def test_configuration_that_is_no_text(self):
        for path in ('/dev/zero', '/dev/null/x', '/'):
            with self.subTest(path), Sandbox() as box:
                result = box.run(f'--config={path}', '--check', defaults=False)
                self.assertEqual(result.returncode, 78, result.stderr)
                self.assertIn(path, result.stderr)

    def test_perl_configuration_of_the_predecessor(self):
        self.refused("use strict;\nour $pat = '^(... .. ..:..:..) mail imapd';\n1;\n", 1)


class NoJournal(unittest.TestCase):
    """Without a journal that can be read there is an error that names the remedy, not silence."""

    def refused(self, result, path, remedy=''):
        self.assertEqual(result.returncode, 77, result.stderr)
        self.assertIn(str(path), result.stderr)
        self.assertIn(remedy, result.stderr)

    def test_empty_directory(self):
        with Sandbox() as box:
            self.refused(box.run(), box.journal, 'systemd-journal')

    def test_directory_that_is_not_there(self):
        with Sandbox() as box:
            box.journal.rmdir()
            self.refused(box.run(), box.journal)

    def test_file_that_is_not_there(self):
        with Sandbox() as box:
            self.refused(box.run(f'--watchlog={box.journal}/none.journal'), 'none.journal')

    def test_text_file(self):
        with Sandbox() as box:
            log = box.directory / 'mail.log'
            log.write_text('Nov 22 09:00:00 mail dovecot: imap-login: Login: user=<x>\n')
            self.refused(box.run(f'--watchlog={log}'), log)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which('setpriv'),
                         'only root can become a user who may not read the journal')
    def test_unreadable_journal(self):
        with Sandbox() as box:
            box.write([journals.dovecot_login(journals.now(), '192.0.2.1')])
            box.directory.chmod(0o755)
            box.config.chmod(0o644)
            copy = box.bin / 'pop-before-smtp'
            shutil.copy(program('pop-before-smtp'), copy)
            for path in box.rules.iterdir():
                text = path.read_text()
                path.unlink()
                path.write_text(text)
            (box.journal / 'system.journal').chmod(0o640)
            nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
            self.refused(box.run('--nowrite', wrapper=nobody, executable=copy), box.journal,
                         'systemd-journal')


if __name__ == '__main__':
    tap.main()
