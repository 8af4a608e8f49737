# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever reads mail and sends in the same moment is let through at the first try."""

import json
import re
import socket
import threading
import time
from itertools import islice

import mail
from world import BRIDGE, WATCHER

COUNT = 100
# Each is used once.
MEASURED = 30
SPARE = 10
CLIENTS = [f"198.51.100.{n}" for n in range(1, 2 * COUNT + MEASURED + SPARE + 1)]
SOCKET = "/run/pop-before-smtp/catch-up"


def login_and_send(world, client):
    """POP3 login and QUIT, then at once RCPT. Returns the answer to that."""
    accepted = world.login_and_expect(client, mail.POP3)
    answer = world.rcpt(client)
    if not accepted:
        raise ValueError(f"{client} could not log in")
    return answer


def came_too_early(world, cursor, refused):
    """Whether these, who are few, were refused for want of a processor: the bridge waits for
    CatchUpTimeout= and no longer, and then says so; and where the server's logger or journald have
    to wait, a login is in the journal only after its client has asked."""
    if not 0 < len(refused) <= SPARE:
        return False
    stamps = login_stamps(world, refused)
    late = [(stamps[client] - answer.asked_usec) / 1000 for client, answer in refused.items()]
    gave_up = world.said(BRIDGE, cursor, "does not answer within")
    world.report.note(f"{len(refused)} refused, whose logins were in the journal {late} ms after "
                      f"they asked; the bridge gave up {gave_up} times")
    return sum(ms <= 0 for ms in late) <= gave_up


def counts_at_once(world):
    """With real servers, 100 times; and what it is without catching up."""
    clients = iter(CLIENTS)
    cursor = world.cursor()
    answers = {client: login_and_send(world, client) for client in islice(clients, COUNT)}
    refused = {client: answer for client, answer in answers.items() if not answer.accepted}
    if came_too_early(world, cursor, refused):
        others = [login_and_send(world, client) for client in islice(clients, len(refused))]
        refused = [answer for answer in others if not answer.accepted]
    world.check(not refused, f"of {COUNT} clients that send right after their login, all are let in "
                "at the first try", f"{len(refused)} are not: {list(map(str, refused))[:3]}")

    world.configure("90-catch-up.conf", "[Watcher]\nCatchUpTimeout=no\n")
    world.reload()
    answers = [login_and_send(world, client) for client in islice(clients, COUNT)]
    refused = sum(answer.refused for answer in answers)
    world.check(refused > 0 and all(answer.refused or answer.accepted for answer in answers),
                f"with CatchUpTimeout=no, {refused} of {COUNT} are refused", refused)
    world.unconfigure("90-catch-up.conf")
    world.reload()
    measure(world, list(islice(clients, MEASURED)))
    world.check_table("none of these logins is lost")


def measure(world, clients):
    """How long after journald has stamped a login it counts, for one who asks all the time."""
    counted = {}
    with world.container.network(), \
            socket.create_connection(("127.0.0.1", 825), mail.SECONDS) as lookup:
        file = lookup.makefile("rb")
        for client in clients:
            thread = threading.Thread(target=world.login_and_expect, args=(client, mail.POP3))
            thread.start()
            answer = b""
            end = time.monotonic() + mail.SECONDS
            while answer != b"200 OK\n" and time.monotonic() < end:
                lookup.sendall(f"get {client}\n".encode())
                answer = file.readline()
            counted[client] = time.time_ns() // 1000
            thread.join()
    stamps = login_stamps(world, clients)
    delays = sorted(counted[client] - stamps[client] for client in clients)
    world.report.note(f"from journald's stamp to a positive answer: median "
                      f"{delays[len(delays) // 2] / 1000:.2f} ms, most {delays[-1] / 1000:.2f} ms")
    world.check(delays[len(delays) // 2] < 50000,
                "most logins count within 50 ms of their entry in the journal", delays)


def login_stamps(world, clients):
    """When journald received the login of each client, in microseconds."""
    output = world.run("journalctl", "--quiet", "--output=json", "--since=-5min",
                       *(f"--unit={unit}" for unit in world.server.units))
    stamps = {}
    for entry in map(json.loads, output.splitlines()):
        if match := re.search(r"login: Login: .*, rip=([0-9.]+)|^LOGIN, .*, ip=\[::ffff:([0-9.]+)\]",
                              str(entry["MESSAGE"])):
            stamps.setdefault(match[1] or match[2], int(entry["__REALTIME_TIMESTAMP"]))
    return {client: stamps[client] for client in clients}


def with_a_stopped_watcher(world):
    """It delays one lookup, and nothing is lost."""
    client = world.new_address()
    world.login_and_expect(client)
    world.rcpt_until_accepted(client)
    world.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", WATCHER)
    begin = time.monotonic()
    answers = [world.rcpt(world.new_address()) for _ in range(5)] + [world.rcpt(client)]
    passed = time.monotonic() - begin
    world.run("systemctl", "kill", "--kill-whom=main", "--signal=CONT", WATCHER)
    world.check([answer.refused for answer in answers] == [True] * 5 + [False] and passed < 5,
                "while the watcher is stopped, strangers are refused and others let in, all soon",
                f"{passed:.1f} s, {[str(answer) for answer in answers]}")


def its_place(world):
    """Who may ask, and that a stop leaves the administrator's files alone."""
    def seen(path):
        return world.run("stat", "--format=%U:%G %a %F", path).strip()

    world.check(seen(SOCKET) == "_pop-before-smtp:_pop-before-smtp 660 socket",
                "only the group may ask the watcher to catch up", seen(SOCKET))
    # Written by hand: until the next boot, and read by root's pbs-rules, too.
    name = "/run/pop-before-smtp/conf.d/91-mine.conf"
    world.container.attempt("sh", "-c", f"echo '[Watcher]' >{name}")
    world.run("systemctl", "restart", WATCHER)
    world.kills = 0  # what systemd counts begins anew
    world.check(seen(name).startswith("root:root 644 ") and
                seen("/run/pop-before-smtp/conf.d") == "root:root 755 directory",
                "a restart leaves the rules in /run as they were", seen(name))
    for attempt in ("mv /run/pop-before-smtp/conf.d /run/pop-before-smtp/d",
                    "touch /run/pop-before-smtp/conf.d/x"):
        result = world.container.attempt(
            "setpriv", "--reuid=_pop-before-smtp", "--regid=_pop-before-smtp", "--clear-groups",
            "sh", "-c", attempt, must_succeed=False)
        world.check(result.returncode != 0, f"the watcher's user cannot {attempt.split()[0]} there",
                    result.stdout)
    world.run("rm", name)
    pid = world.show(BRIDGE, "MainPID")
    answer = login_and_send(world, world.new_address())
    world.check(answer.accepted and world.show(BRIDGE, "MainPID") == pid,
                "the bridge finds the new watcher by itself", answer)


ALL = [counts_at_once, with_a_stopped_watcher, its_place]
