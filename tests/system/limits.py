# SPDX-License-Identifier: LGPL-2.1-or-later
"""Too few descriptors and too little memory, by limits in drop-ins of the units."""

import socket
from contextlib import ExitStack

import mail
from container import wait_until
from world import BRIDGE, WATCHER

NAME = "50-limit.conf"
FEW_FILES = 80
CLIENTS = 40
STARTS = 2


def few_files_for_the_bridge(world):
    """It serves as many clients as it can; the others take turns with them."""
    client = world.new_address()
    world.login_and_expect(client)
    world.rcpt_until_accepted(client)
    cursor = world.cursor()
    world.drop_in(BRIDGE, NAME, f"[Service]\nLimitNOFILE={FEW_FILES}\n")
    world.run("systemctl", "restart", BRIDGE)
    answers = []
    with ExitStack() as stack, world.container.network():
        for _ in range(CLIENTS):
            end = stack.enter_context(socket.create_connection(("127.0.0.1", 825), mail.SECONDS))
            end.sendall(f"get {client}\n".encode())
            answers.append(end.recv(100))
    world.check(answers == [b"200 OK\n"] * CLIENTS,
                f"with LimitNOFILE={FEW_FILES}, each of {CLIENTS} clients gets its answer", answers)
    told = [world.said(BRIDGE, cursor, words) for words in
            ("the limit on open files leaves room for 16 clients", "closing the longest idle one",
             "cannot accept")]
    world.check(told == [1, 1, 0], "the bridge says so, once", told)
    world.remove_drop_in(BRIDGE, NAME)
    world.run("systemctl", "restart", BRIDGE)
    cursor = world.cursor()
    answer = world.rcpt(client)
    told = world.said(BRIDGE, cursor, "limit on open files")
    world.check(answer.accepted and told == 0, "without the limit it is as before", answer)


def starved(world, limit, words):
    """A watcher that cannot start is started again and again; meanwhile the map is served."""
    client = world.new_address()
    world.login_and_expect(client)
    world.rcpt_until_accepted(client)
    before = world.settled_table()
    cursor = world.cursor()
    world.drop_in(WATCHER, NAME, f"[Service]\n{limit}\nRestartSec=1s\n")
    world.container.attempt("systemctl", "restart", WATCHER, must_succeed=False)
    tried = wait_until(lambda: int(world.show(WATCHER, "NRestarts")) >= STARTS, 60)
    told = world.said(WATCHER, cursor, words)
    world.check(tried and told >= STARTS,
                f"with {limit} the watcher is started again and again, and says why each time",
                told)
    late = world.new_address()
    world.login_and_expect(late)
    answers = [world.rcpt(source) for source in (client, late)]
    world.check(answers[0].accepted and answers[1].refused,
                f"with {limit} the bridge answers from the map as it is",
                [str(answer) for answer in answers])
    after = world.table()
    world.check(after == before, "the map stays as it was", after)
    world.remove_drop_in(WATCHER, NAME)
    world.run("systemctl", "restart", WATCHER)
    world.kills = 0
    answer = world.rcpt_until_accepted(late)
    world.check(answer.accepted, "without the limit, the login meanwhile counts", answer)
    world.check_table("nothing is lost")


def few_files_for_the_watcher(world):
    starved(world, "LimitNOFILE=24", "raise LimitNOFILE=")


def little_address_space(world):
    """Memory cannot be had, and the program is told so."""
    starved(world, "LimitAS=12M", "memory")


ALL = [few_files_for_the_bridge, few_files_for_the_watcher, little_address_space]
