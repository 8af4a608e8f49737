# SPDX-License-Identifier: LGPL-2.1-or-later
"""Patterns of an administrator's that backtrack without end, on messages that make them do so: each
match is bounded, what was given up is counted and warned of, and logins are seen."""

import collections
import re
import resource
import time
import unittest

import faults
import journals
import tap
from bridge import Bridge
from journals import SEC
from lookupd import FOUND
from rules import RulesTest
from watcher import Sandbox

COUNT = faults.times(1000, 10000)
MESSAGE_MAX = 8192
GAVE_UP = r"too long for a rule's patterns, or took them too many steps.*; rule: slow \((\d+) time"
# A match is stopped after some two milliseconds; a sanitiser and other work take their share.
MATCH_SECONDS_MAX = 0.05

Case = collections.namedtuple('Case', 'pattern hostile harmless')
# Messages of the same length.
CASES = {
    'nested': Case('^(?:a+)+ from (?<addr>[0-9.]+)$',
                   'a' * 200 + '! from me', '!' + 'a' * 200 + ' from me'),
    'anywhere': Case(r'(?<user>\S+) .* logged in from (?<addr>[0-9.]+)',
                     ('mary had ' * 1000)[:MESSAGE_MAX], '-' * MESSAGE_MAX),
    'anywhere, short': Case(r'(?:a|a)+-?b?(?<addr>[0-9.]+)',
                            ('a' * 14 + '-') * 40, 'b' * 600),
}


def rule(pattern):
    return f'[Rule slow]\nMatch=_SYSTEMD_UNIT=slow.service\nLogin={pattern}\n'


def entry(when, message):
    return journals.entry(when, message, _SYSTEMD_UNIT='slow.service')


class Slow(unittest.TestCase):
    def box(self, pattern):
        box = Sandbox()
        self.addCleanup(box.close)
        box.rule('60-slow.conf', rule(pattern))
        return box

    def behind(self, case, message):
        """How long a login takes behind many such messages; the watcher, and how often it gave up.
        """
        box = self.box(case.pattern)
        now = journals.now()
        with box.writer([journals.dovecot_login(now, '192.0.2.1')]) as writer:
            watcher = box.start().wait_ready()
            with Bridge(box.map, box.environment()) as bridge:
                asker = faults.Asker(bridge, lambda: '192.0.2.1',
                                     lambda _, answer: None if answer == FOUND else 'is in')
                begin = time.monotonic()
                writer.append([entry(now + number, message) for number in range(COUNT)] +
                              [journals.dovecot_login(now + COUNT, '192.0.2.2')])
                watcher.wait_event('allow', '192.0.2.2')
                took = time.monotonic() - begin
                self.assertEqual(asker.stop(), [])
            watcher.stop()
        return took, watcher

    def test_login_behind_many(self):
        for name, case in CASES.items():
            with self.subTest(name):
                quick, watcher = self.behind(case, case.harmless)
                self.assertEqual([line for line in watcher.lines if 'warning' in line], [])
                slow, watcher = self.behind(case, case.hostile)
                self.assertEqual(len([line for line in watcher.lines if re.search(GAVE_UP, line)]),
                                 1, watcher.lines)
                each = (slow - quick) / COUNT
                faults.note(f'{name}: a login behind {COUNT} hostile messages is in after '
                            f'{slow:.2f} s, behind as many harmless ones after {quick:.2f} s; '
                            f'{each * 1000:.2f} ms for each')
                self.assertLess(each, MATCH_SECONDS_MAX)

    def test_login_before_many(self):
        """It does not wait for them, however many there are: what was read takes effect."""
        case = CASES['nested']
        box = self.box(case.pattern + f'\nLogin={case.pattern}')
        now = journals.now()
        count = faults.times(3000, 30000)
        box.write([journals.noise(now - 2 * SEC)])
        box.start().wait_ready().stop()
        box.write([journals.dovecot_login(now - SEC, '192.0.2.1')] +
                  [entry(now - SEC + number, case.hostile) for number in range(count)] +
                  [journals.dovecot_login(now, '192.0.2.2')])
        watcher = box.start()
        first = watcher.wait_event('allow', '192.0.2.1')
        self.assertEqual([event.address for event in watcher.events('allow')], ['192.0.2.1'])
        self.assertIn('192.0.2.1', box.list())
        second = watcher.wait_event('allow', '192.0.2.2', deadline=600)
        self.assertGreater(second, first)
        watcher.wait_ready().stop()
        self.assertEqual(len(box.list()), 2)


def cpu_seconds():
    """What the programs that have ended here have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Tool(RulesTest):
    def test_counted(self):
        count = 50
        for name, case in CASES.items():
            with self.subTest(name):
                self.configure(rule(case.pattern))
                begin = cpu_seconds()
                _, summary = self.try_entries(*[entry(journals.now(), case.hostile)] * count,
                                              status=1)
                self.assertLess((cpu_seconds() - begin) / count, 2 * MATCH_SECONDS_MAX)
                self.assertEqual([each['limit_hits'] for each in summary['rules']
                                  if each['rule'] == 'slow'], [count])


if __name__ == '__main__':
    tap.main()
