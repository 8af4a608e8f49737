# SPDX-License-Identifier: LGPL-2.1-or-later
"""Says how a check went: a line "ok N - what", or "not ok N - what" and what was seen instead."""

import sys


class Report:
    """Counts the checks."""

    def __init__(self, stream=sys.stdout):
        self.stream = stream
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    @property
    def number(self):
        return self.passed + self.failed + self.skipped

    def say(self, line):
        print(line, file=self.stream, flush=True)

    def note(self, text):
        for line in str(text).rstrip("\n").splitlines():
            self.say(f"# {line}")

    def check(self, condition, what, seen=""):
        """One check; `seen` is printed if it fails."""
        if condition:
            self.passed += 1
            self.say(f"ok {self.number} - {what}")
        else:
            self.failed += 1
            self.say(f"not ok {self.number} - {what}")
            self.note(seen)
        return bool(condition)

    def equal(self, got, want, what):
        return self.check(got == want, what, f"got  {got!r}\nwant {want!r}")

    def skip(self, what, reason):
        self.skipped += 1
        self.say(f"ok {self.number} - {what} # SKIP {reason}")

    def summary(self):
        self.say(f"1..{self.number}")
        self.say(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
