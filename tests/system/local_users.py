# SPDX-License-Identifier: LGPL-2.1-or-later
"""What users of the machine itself can try: journal entries of every form, and the watcher's
socket."""

import subprocess

from catch_up import SOCKET, login_and_send
from container import wait_until
from world import VICTIM, WATCHER

PYTHON = "/usr/bin/python3"
DROP_WARNING = "MESSAGE_ID=5d1c7a6f0b0f4c1c9a3de26f0f1a7b09"
SECONDS = 120
TRIES = 100

CONNECT = """
import collections, socket, sys
seen = collections.Counter()
for _ in range(int(sys.argv[2])):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
        try:
            end.connect(sys.argv[1])
            end.send(bytes(8))
            seen[repr(end.recv(16))] += 1
        except OSError as error:
            seen[type(error).__name__] += 1
print(dict(seen))
"""


def count(world, *matches):
    output = world.run("journalctl", "--quiet", "--output=cat", "--output-fields=_UID", *matches)
    return len(output.splitlines())


def forge(world, user, group, mark):
    """Has everything sent that forge.py can send. Returns how many entries must have come of it by
    the journal's protocol and by syslog."""
    identifier, unit = world.server.identifiers[0], world.server.units[0]
    process = subprocess.Popen(
        world.container.command(PYTHON, world.source / "tests/system/forge.py", user, group, mark,
                                identifier, unit, world.show(unit, "MainPID")),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdin.write("".join(f"{text}\n"
                                    for text in (*world.server.forgeries, "")).encode())
        process.stdin.flush()
        made = [int(number) for number in process.stdout.readline().split()]
        wait_until(lambda: count(world, f"PBS_FORGED={mark}-end"), SECONDS)
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
    return made


def forged_entries(world):
    """Each field that a process can set, and each byte; also from within the server's own unit."""
    unit = world.server.units[0]
    group = world.show(unit, "ControlGroup")
    senders = [("nobody", "-", 0), ("pbsbob", group, 1)]
    senders += [(user, group, 1) for user in world.server.own_users]
    for number, (user, where, is_inside) in enumerate(senders):
        mark = f"forged{number}"
        made = forge(world, user, where, mark)
        uid = f"_UID={world.run('id', '-u', user).strip()}"
        transports = {"journal": f"PBS_FORGED={mark}", "syslog": f"SYSLOG_IDENTIFIER={mark}",
                      "stdout": f"SYSLOG_IDENTIFIER={mark}"}
        arrived = {name: count(world, f"_TRANSPORT={name}", match, uid)
                   for name, match in transports.items()}
        total = 2 * sum(arrived.values()) - arrived["journal"]
        world.check(made == [arrived["journal"], arrived["syslog"]] and arrived["stdout"] > 0,
                    f"{total} entries forged by {user} are in the journal",
                    f"{arrived}, sent {made}")
        inside = {name: count(world, f"_TRANSPORT={name}", match, f"_SYSTEMD_UNIT={unit}")
                  for name, match in transports.items()}
        world.check(inside == (arrived if is_inside else dict.fromkeys(transports, 0)),
                    f"{'all' if is_inside else 'none'} of them are from within {unit}", inside)
    world.check_table("no forged entry opens anything")
    answer = world.rcpt(VICTIM)
    world.check(answer.refused, "the address in them is refused", answer)
    told = [entry for entry in world.own_messages(f"_SYSTEMD_UNIT={WATCHER}")
            if VICTIM in str(entry["MESSAGE"])]
    told += world.own_messages(f"_SYSTEMD_UNIT={WATCHER}", DROP_WARNING)
    world.check(not told, "the watcher has no word on them", told[:3])


def strangers_at_the_socket(world):
    """Nobody but the bridge may have the watcher read the journal."""
    world.run("useradd", "--system", "vmail")
    before = world.show(WATCHER, "MainPID")
    directory = SOCKET.rpartition("/")[0]
    for user in ("nobody", "vmail", "pbsbob", *world.server.own_users):
        become = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
        if user == "nobody":
            become = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
        output = world.run(*become, PYTHON, "-c", CONNECT, SOCKET, str(TRIES)).strip()
        world.check(output == str({"PermissionError": TRIES}),
                    f"{user} cannot connect to it, {TRIES} times", output)
        for attempt in (f"rm -f {SOCKET}", f"mv {SOCKET} {SOCKET}.old", f"ln -s x {directory}/x",
                        f"chmod 666 {SOCKET}"):
            result = world.container.attempt(*become, "sh", "-c", attempt, must_succeed=False)
            world.check(result.returncode != 0, f"{user} cannot {attempt}", result.stdout)
    answer = login_and_send(world, world.new_address())
    world.check(answer.accepted and world.show(WATCHER, "MainPID") == before,
                "the watcher goes on as before", answer)


ALL = [forged_entries, strangers_at_the_socket]
