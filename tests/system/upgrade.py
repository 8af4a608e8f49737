# SPDX-License-Identifier: LGPL-2.1-or-later
"""Both programs are installed over those that run, and restarted as the scripts of a package do it,
while clients ask without a pause, mail comes in, and people log in."""

import itertools
import re
import socket
import threading

import mail
from servers import FOREIGN_RECIPIENT
from world import BRIDGE, WATCHER, Logins

ROUNDS = 6
CALLERS = 3
SENDERS = 3


class Client:
    """Does something again and again until it is stopped, and keeps what was wrong."""

    def __init__(self, world, questions):
        self.world = world
        self.questions = itertools.cycle(questions)
        self.asked = 0
        self.wrong = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        try:
            while not self.ended.wait(0.001):
                source, is_allowed = next(self.questions)
                answer = self.ask(source)
                self.asked += 1
                if answer[0] != is_allowed:
                    self.wrong.append(f"{source}: {answer[1]}")
        except Exception as error:  # pylint: disable=broad-except; a refused connection, too
            self.wrong.append(repr(error))
        self.close()

    def close(self):
        """Of what ask() leaves open."""

    def stop(self):
        self.ended.set()
        self.thread.join()


class Caller(Client):
    """Asks the bridge as an smtpd does: on one connection for as long as that lasts."""

    connection = None

    def ask(self, source):
        while True:
            if self.connection is None:
                with self.world.container.network():
                    self.connection = socket.create_connection(("127.0.0.1", 825), mail.SECONDS)
                self.file = self.connection.makefile("rb")
            answer = b""
            try:
                self.connection.sendall(b"get %s\n" % source.encode())
                answer = self.file.readline()
            except ConnectionError:
                pass
            if answer:
                return {b"200 OK\n": True, b"500 not found\n": False}.get(answer), answer
            self.close()

    def close(self):
        if self.connection:
            self.file.close()
            self.connection.close()
            self.connection = None


class Sender(Client):
    """A mail program."""

    def ask(self, source):
        answer = self.world.rcpt(source, FOREIGN_RECIPIENT)
        return {250: True, 554: False}.get(answer.code), str(answer)


def upgraded_under_load(world):
    """No wrong answer, no refused connection, no lost login."""
    allowed = [world.new_address(family) for family in ("IPv4", "IPv6") * 2]
    for source in allowed:
        world.login_and_expect(source)
        world.rcpt_until_accepted(source)
    questions = [*((source, True) for source in allowed),
                 *((world.new_address(family), False) for family in ("IPv4", "IPv6"))]
    cursor = world.cursor()
    clients = [Caller(world, questions) for _ in range(CALLERS)]
    clients += [Sender(world, questions) for _ in range(SENDERS)]
    try:
        with Logins(world) as logins:
            for _, verb in zip(range(ROUNDS), itertools.cycle(("restart", "try-restart"))):
                world.install()
                world.run("systemctl", verb, WATCHER, BRIDGE)
                logins.more(5)
    finally:
        for client in clients:
            client.stop()
    world.kills = 0
    for kind, what in ((Caller, "questions to the bridge"), (Sender, "questions to Postfix")):
        number = sum(client.asked for client in clients if isinstance(client, kind))
        wrong = sum((client.wrong for client in clients if isinstance(client, kind)), [])
        world.check(number > 0 and not wrong,
                    f"{number} {what} are answered right while both are upgraded {ROUNDS} times",
                    wrong[:10])
    world.check(not logins.failed, f"{len(logins.done)} logins arrive meanwhile", logins.failed)
    world.check_table("none of them is lost")
    check_postfix(world, cursor)


def check_postfix(world, cursor):
    output = world.run("journalctl", "--quiet", "--output=cat", f"--after-cursor={cursor}",
                       "--unit=postfix@-.service")
    warnings = [line for line in output.splitlines()
                if re.search("warning:.*tcp", line, re.IGNORECASE)]
    world.check(not warnings, "Postfix warns of nothing", "\n".join(warnings))
