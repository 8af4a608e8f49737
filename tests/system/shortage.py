# SPDX-License-Identifier: LGPL-2.1-or-later
"""journald drops messages of the mail server, logins among them."""

import re
import time

import mail
from container import wait_until
from local_users import DROP_WARNING

# journald lets through up to six times as many, by how much of its disk is free.
BURST = 5
INTERVAL_SECONDS = 15
REMEDY = "[Service]\nLogRateLimitIntervalSec=1s\nLogRateLimitBurst=1000000\n"
FLOOD = 150


def flood(world, client):
    """The server logs each connection that ends without a login."""
    for _ in range(FLOOD):
        with world.container.network(), mail.LineClient(client, mail.IMAP.port) as end:
            end.line()


def numbers(messages, unit):
    """How many messages journald says that it dropped."""
    found = [re.search(rf"Suppressed (\d+) messages from {unit}", str(message["MESSAGE"]))
             for message in messages]
    return [int(match[1]) for match in found if match]


def dropped(world, client, how):
    """Somebody logs in while journald drops; it says so when there is a message after that. Then
    it lets few messages through again, so there are few logins until then, and a pause after."""
    unit = world.server.units[0]
    wait_until(lambda: world.can_log_in(client), 20)
    lost = world.new_address()
    before = len(world.own_messages(DROP_WARNING))
    flood(world, client)
    accepted = world.login(lost)

    def warnings():
        return world.own_messages(DROP_WARNING)[before:]

    time.sleep(INTERVAL_SECONDS + 1)
    world.login(client)
    told = wait_until(lambda: sum(numbers(warnings(), unit)) > FLOOD / 3 and warnings(), 10, 0.5)
    text = str(told[-1]["MESSAGE"]) if told else ""
    world.check(accepted and told and told[-1]["PRIORITY"] == "4"
                and "LogRateLimitBurst=1000000" in text and f"systemctl edit {unit}" in text,
                f"{how}: a warning has unit, number and remedy", warnings())
    world.check("journald dropped messages of mail servers" in world.status_line(),
                f"{how}: systemctl status shows it", world.status_line())
    answer = world.rcpt(lost)
    world.check(answer.refused and lost not in world.table(),
                f"{how}: the login that was dropped does not count", answer)
    time.sleep(INTERVAL_SECONDS + 1)
    again = world.login_and_expect(lost)
    answer = world.rcpt_until_accepted(lost)
    world.check(again and answer.accepted, f"{how}: the next one does", answer)


def messages_dropped(world):
    """By the unit's limit, and by that of journald itself; then with the remedy."""
    unit = world.server.units[0]
    client = world.new_address()
    world.login_and_expect(client)
    world.drop_in(unit, "50-limit.conf",
                  f"[Service]\nLogRateLimitIntervalSec={INTERVAL_SECONDS}s\n"
                  f"LogRateLimitBurst={BURST}\n")
    world.run("systemctl", "restart", unit)
    dropped(world, client, "LogRateLimitBurst= of the unit")
    world.remove_drop_in(unit, "50-limit.conf")

    world.container.write("/etc/systemd/journald.conf.d/limit.conf",
                          f"[Journal]\nRateLimitIntervalSec={INTERVAL_SECONDS}s\n"
                          f"RateLimitBurst={BURST}\n")
    world.run("systemctl", "restart", "systemd-journald", unit)
    dropped(world, client, "RateLimitBurst= of journald")

    world.drop_in(unit, "override.conf", REMEDY)
    world.run("systemctl", "restart", unit)
    wait_until(lambda: world.can_log_in(client), 20)
    before = len(world.own_messages(DROP_WARNING))
    flood(world, client)
    other = world.new_address()
    world.login_and_expect(other)
    answer = world.rcpt_until_accepted(other)
    told = world.own_messages(DROP_WARNING)[before:]
    world.check(answer.accepted and not told, "with the remedy, a login in such a flood counts",
                told or answer)
    world.remove_drop_in(unit, "override.conf")
    (world.container.root / "etc/systemd/journald.conf.d/limit.conf").unlink()
    world.run("systemctl", "restart", "systemd-journald", unit)
    wait_until(lambda: world.can_log_in(client), 20)
    world.check_table("only the logins that were dropped are lost")


ALL = [messages_dropped]
