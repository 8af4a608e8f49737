# SPDX-License-Identifier: LGPL-2.1-or-later
"""One container as the scenarios see it: who logs in, who may send, what is listed."""

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import mail
from container import wait_until
from servers import FOREIGN_RECIPIENT, LOCAL_RECIPIENT, USERS

# It is the address that every forgery and every hostile name tries to open.
VICTIM = "6.6.6.6"
CONF_DIR = "/etc/pop-before-smtp/conf.d"
WATCHER = "pop-before-smtp.service"
BRIDGE = "pop-before-smtp-lookup.service"
SOCKET = "pop-before-smtp-lookup.socket"

ADDRESSES = {"IPv4": [*(f"192.0.2.{n}" for n in range(10, 255)),
                      *(f"198.18.0.{n}" for n in range(1, 255))],
             "IPv6": [f"2001:db8::{n:x}" for n in range(0x10, 0x210)]}
LOGINS_AT_ONCE = 8
SETTLE_LOGINS = 40


class World:
    """Keeps account of which addresses must be allowed: exactly those of genuine logins."""

    def __init__(self, container, server, report, source, build):
        self.container = container
        self.source = source
        self.build = build
        self.server = server
        self.report = report
        self.expected = set()
        self.unused = {family: iter(list_) for family, list_ in ADDRESSES.items()}
        self.kills = 0

    def install(self):
        """What was built, over what may run."""
        self.container.install(self.build)

    def cursor(self):
        """The end of the journal."""
        return self.run("journalctl", "--quiet", "--lines=0", "--show-cursor").split()[-1]

    def new_address(self, family="IPv4"):
        """An address that nobody has logged in from."""
        return next(self.unused[family])

    def check(self, condition, what, seen=""):
        return self.report.check(condition, f"{self.server.name}: {what}", seen)

    def run(self, *argv, **options):
        return self.container.run(*argv, **options)

    def login(self, source, access=mail.IMAP, user="pbsalice", password=None):
        """Tries to log in. Whether it succeeds is for the caller to judge and to account for."""
        with self.container.network():
            return access.login(source, user, USERS[user] if password is None else password)

    def can_log_in(self, source):
        """The same, of a server that may not listen yet."""
        try:
            return self.login(source)
        except ConnectionError:
            return False

    def open_session(self, source, user="pbsalice"):
        """Logs in by IMAP and stays."""
        with self.container.network():
            return mail.Session(source, user, USERS[user])

    def sessions(self, source):
        """How many sessions the address has open, for all that pbs-list knows; None if it is not
        there."""
        return self.table().get(source, {}).get("sessions")

    def settled_table(self):
        """The table once it has heard that those who logged out did."""
        wait_until(lambda: not any(row["sessions"] for row in self.table().values()), 10)
        return self.table()

    def login_and_expect(self, source, access=mail.IMAP):
        """A login that must succeed and must open `source`."""
        accepted = self.login(source, access)
        self.expected.add(source)
        return accepted

    def login_all(self, attempts):
        """Makes attempts, (source, access, user, password) each, some at a time, since servers
        answer a wrong password slowly. Returns their results in order."""
        with ThreadPoolExecutor(LOGINS_AT_ONCE) as pool:
            return list(pool.map(lambda attempt: self.login(*attempt), attempts))

    def rcpt(self, source, recipient=FOREIGN_RECIPIENT):
        with self.container.network():
            return mail.rcpt(source, recipient)

    def local_rcpt(self, source):
        return self.rcpt(source, LOCAL_RECIPIENT)

    def rcpt_until_accepted(self, source, seconds=10.0):
        """The last answer. Journald tells its readers of an entry up to 0.3 s late."""
        last = []

        def accepted():
            last[:] = [self.rcpt(source)]
            return last[0].accepted

        wait_until(accepted, seconds)
        return last[0]

    def table(self):
        """What pbs-list shows, by address."""
        rows = json.loads(self.run("pbs-list", "--json", "--output=ADDRESS,USER,RULE,EXPIRES,SESSIONS"))
        return {row["address"]: row for row in rows}

    def settle(self):
        """Waits until the watcher has judged everything that the journal holds by now: a login from
        a fresh address shows up in the table. It is repeated if need be, since a rule may have
        reason to doubt the first."""
        marker = self.new_address()
        self.expected.add(marker)
        for _ in range(SETTLE_LOGINS):
            self.login(marker)
            if wait_until(lambda: marker in self.table(), 2):
                return True
        return False

    def check_table(self, what):
        """Exactly the expected addresses are allowed, neither fewer nor more."""
        settled = self.settle()
        listed = set(self.table())
        self.check(settled and listed == self.expected, what,
                   f"a later login is listed: {bool(settled)}\n"
                   f"allowed without reason: {sorted(listed - self.expected)}\n"
                   f"not allowed, though logged in: {sorted(self.expected - listed)}")

    def configure(self, name, content):
        self.container.write(f"{CONF_DIR}/{name}", content)

    def unconfigure(self, name):
        (self.container.root / f"{CONF_DIR}/{name}".lstrip("/")).unlink()

    def show(self, unit, name):
        return self.run("systemctl", "show", f"--property={name}", "--value", unit).strip()

    def service_status(self):
        return self.container.attempt("systemctl", "status", "--no-pager", "--full", WATCHER,
                                      must_succeed=False).stdout

    def status_line(self):
        """The line Status: of systemctl status, which the service itself has set."""
        match = re.search(r'^ *Status: "(.*)"$', self.service_status(), re.MULTILINE)
        return match.group(1) if match else ""

    def drop_in(self, unit, name, content):
        self.container.write(f"/etc/systemd/system/{unit}.d/{name}", content)
        self.run("systemctl", "daemon-reload")

    def remove_drop_in(self, unit, name):
        (self.container.root / f"etc/systemd/system/{unit}.d/{name}").unlink()
        self.run("systemctl", "daemon-reload")

    def reload(self):
        """Reloads the watcher and waits until it says that it has finished."""
        cursor = self.cursor()
        self.container.attempt("systemctl", "reload", WATCHER, must_succeed=False)
        return wait_until(lambda: [entry for entry in self.own_messages(f"--after-cursor={cursor}")
                                   if str(entry["MESSAGE"]).startswith("reload")], 10)

    def own_messages(self, *matches):
        """The watcher's journal entries."""
        output = self.run("journalctl", "--quiet", "--all", "--output=json",
                          "--identifier=pop-before-smtp", *matches)
        return [json.loads(line) for line in output.splitlines()]

    def said(self, unit, cursor, words):
        """How often the unit's journal says so behind the cursor."""
        output = self.run("journalctl", "--quiet", "--output=cat", f"--after-cursor={cursor}",
                          f"--unit={unit}")
        return sum(words in line for line in output.splitlines())


class Logins:
    """Logins that keep arriving, each from a fresh address, while something else happens."""

    PAUSE = 0.1

    def __init__(self, world):
        self.world = world
        self.done = []
        self.failed = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        accesses = [mail.IMAP, mail.POP3]
        while not self.ended.is_set():
            source = self.world.new_address("IPv6" if len(self.done) % 2 else "IPv4")
            accepted = self.world.login(source, accesses[len(self.done) // 2 % 2])
            (self.done if accepted else self.failed).append(source)
            time.sleep(self.PAUSE)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.world.expected.update(self.done)

    def more(self, count):
        """Waits until that many further logins are done."""
        goal = len(self.done) + count
        return wait_until(lambda: len(self.done) >= goal or not self.thread.is_alive(), 60, 0.02)
