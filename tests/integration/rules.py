# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of pbs-rules share: a configuration of their own with all shipped rules, and a way
to run the program."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ.get('PBS_BUILD_DIR',
                                    pathlib.Path(__file__).resolve().parents[2] / 'build'))
PROGRAM = BUILD / 'src/tools/pbs-rules'
LIST = BUILD / 'src/tools/pbs-list'
WATCHER = BUILD / 'src/watch/pop-before-smtp'
RULES = pathlib.Path(__file__).resolve().parents[2] / 'conf.d'
DEADLINE = 60  # seconds; only a failing test waits so long


class RulesTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.config = self.directory / 'pop-before-smtp.conf'
        self.journal = self.directory / 'test.journal'
        self.map = self.directory / 'map.tdb'
        shutil.copytree(RULES, self.directory / 'conf.d', ignore=shutil.ignore_patterns('[!0-9]*'))
        self.configure()

    def configure(self, *lines, local=''):
        text = [f'[Watcher]\nMap={self.map}\nLocalNetworks={local}', *lines]
        self.config.write_text('\n'.join(text) + '\n')

    def command(self, *arguments, program=PROGRAM):
        return [program, f'--config={self.config}', *arguments]

    def start(self, *arguments, stdin=b'', env=None, program=PROGRAM, cwd=None):
        return subprocess.run(self.command(*arguments, program=program), input=stdin,
                              capture_output=True, timeout=DEADLINE, cwd=cwd,
                              env=os.environ | {'TZ': 'UTC', 'LC_ALL': 'C.UTF-8'} | (env or {}))

    def run_rules(self, *arguments, status=0, stderr='', **options):
        """What it prints, after a look at its exit status and its complaints."""
        result = self.start(*arguments, **options)
        self.assertEqual((result.returncode, result.stderr.decode()), (status, stderr),
                         result.stdout.decode(errors='replace')[-4000:])
        return result.stdout.decode()

    def run_json(self, *arguments, **options):
        """The entries, and the summary."""
        lines = [json.loads(line)
                 for line in self.run_rules('--json', *arguments, **options).splitlines()]
        self.assertEqual(list(lines[-1]), ['summary'])
        return lines[:-1], lines[-1]['summary']

    def fails(self, status, pattern, *arguments, **options):
        result = self.start(*arguments, **options)
        self.assertEqual((result.returncode, result.stdout), (status, b''), result.stderr)
        self.assertRegex(result.stderr.decode(), pattern)

    def try_entries(self, *entries, arguments=(), **options):
        export = b''.join(entry.export() for entry in entries)
        return self.run_json('test', '-', *arguments, stdin=export, **options)
