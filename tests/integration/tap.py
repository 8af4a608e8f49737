# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the unittest cases of the calling program and reports each as a line of TAP, so that meson
counts, names and explains them one by one."""

import sys
import unittest


class _Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0
        self.reported = set()

    def _report(self, ok, test, directive=''):
        self.reported.add(test.id())
        self.number += 1
        name = test.id().split('.', 1)[-1].replace('#', '')
        print(f'{"ok" if ok else "not ok"} {self.number} - {name}{directive}', flush=True)

    def _explain(self, error, test):
        # unittest leaves its own frames out of what it keeps. "meson test --print-errorlogs" shows
        # of a program that speaks TAP its standard error alone.
        text = f'{test.id()}:\n{self._exc_info_to_string(error, test)}\n'
        print(text.encode('ascii', 'backslashreplace').decode(), file=sys.stderr, flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._report(True, test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._report(False, test)
        self._explain(err, test)

    addError = addFailure

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._report(True, test, f' # SKIP {reason}')

    def addSubTest(self, test, subtest, err):
        # A failed subtest fails its test, which addSuccess() is then not called for.
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._explain(err, subtest)
            if test.id() not in self.reported:
                self._report(False, test)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules['__main__'])
    if len(sys.argv) > 1:
        suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:], sys.modules['__main__'])
    print(f'1..{suite.countTestCases()}', flush=True)
    result = _Result()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
