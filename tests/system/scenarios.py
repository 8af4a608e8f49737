# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is shown, in the order in which it runs. Each scenario takes the world and adds checks."""

import itertools
import re
import time

import catch_up
import limits
import local_users
import mail
import shortage
import upgrade
from container import wait_until
from forgeries import forge_all
from servers import FOREIGN_RECIPIENT, HOSTILE_PASSWORD, TRUSTED_CLIENT
from world import BRIDGE, SOCKET, VICTIM, WATCHER, Logins

GRACE_SECONDS = 8
EXPOSURE_LIMIT = 0.6
NEVER_GRANT_CLIENT = "100.64.0.5"


def installed_and_enabled(world):
    """meson install and systemctl enable --now are all it takes."""
    world.run("systemctl", "enable", "--now", "pop-before-smtp")
    for unit in (WATCHER, SOCKET):
        active, enabled = world.show(unit, "ActiveState"), world.show(unit, "UnitFileState")
        world.check((active, enabled) == ("active", "enabled"), f"{unit} is active and enabled",
                    f"{active}, {enabled}")
    world.check(world.show(BRIDGE, "ActiveState") == "inactive",
                "the bridge is not started before the first lookup")
    world.check(world.table() == {}, "nobody is allowed at first", world.table())
    answer = world.rcpt(world.new_address())
    world.check(answer.refused and world.show(BRIDGE, "ActiveState") == "active",
                "the first lookup starts the bridge, which answers", answer)
    # One user logs in from now on, from one new address after the other.
    world.configure("10-addresses.conf", "[Watcher]\nMaxAddressesPerUser=65536\n")
    world.check(world.reload(), "a reload puts a drop-in in force")


def logins_open_their_address(world):
    """Each way to read mail, from IPv4 and IPv6."""
    for access, family in itertools.product(mail.ALL_ACCESSES, ("IPv4", "IPv6")):
        client, stranger = world.new_address(family), world.new_address(family)
        name = f"{access}, {family}"
        before, local = world.rcpt(client), world.local_rcpt(client)
        world.check(before.refused and local.accepted,
                    f"{name}: before, relaying is refused and local mail accepted",
                    f"relay: {before}\nlocal: {local}")
        accepted = world.login_and_expect(client, access)
        after = world.rcpt_until_accepted(client)
        world.check(accepted and after.accepted, f"{name}: after the login, relaying is accepted",
                    f"login: {accepted}\nrelay: {after}")
        other = world.rcpt(stranger)
        world.check(other.refused, f"{name}: from another address it is still refused", other)
    rows = world.table().values()
    world.check(all((row["user"], row["rule"]) == ("pbsalice", world.server.rule) for row in rows),
                "pbs-list shows user and rule of each", rows)
    world.check_table("pbs-list shows these addresses and no other")


def local_and_shared_addresses(world):
    """Addresses that need no help, and those that strangers share."""
    accepted = [world.login(source)
                for source in ("127.0.0.1", "::1", TRUSTED_CLIENT, NEVER_GRANT_CLIENT)]
    world.check(all(accepted), "logins from local and shared addresses succeed", accepted)
    world.check_table("loopback, mynetworks and NeverGrant= addresses do not enter the table")
    answer = world.rcpt(TRUSTED_CLIENT)
    world.check(answer.accepted, "a client in mynetworks may relay without the table", answer)
    answer = world.rcpt(NEVER_GRANT_CLIENT)
    world.check(answer.refused, "a client in NeverGrant= may not relay after its login", answer)


def grace_ends(world):
    """With a short Grace= from a drop-in and a reload."""
    world.configure("90-grace.conf", f"[Watcher]\nGrace={GRACE_SECONDS}s\n")
    world.reload()
    logged_in = {}
    for family in ("IPv4", "IPv6"):
        client = world.new_address(family)
        world.login(client)
        logged_in[client] = time.monotonic()
        answer = world.rcpt_until_accepted(client)
        world.check(answer.accepted, f"{family}: relaying is accepted within the grace", answer)
    # A logout that is read after the reload would begin a grace of the longer kind.
    world.settled_table()
    world.unconfigure("90-grace.conf")
    world.reload()
    for client, begin in logged_in.items():
        refused = wait_until(lambda source=client: world.rcpt(source).refused, GRACE_SECONDS + 10)
        passed = time.monotonic() - begin
        world.check(refused and GRACE_SECONDS - 1 < passed < GRACE_SECONDS + 3,
                    f"{mail.family(client)}: it is refused when the grace is over",
                    f"{passed:.1f} s")
        tell_the_story(world, client)
    # Those who were in when the grace became shorter have been let out by it as well.
    world.expected.clear()
    world.check_table("a shorter grace holds for those who are in already")


def tell_the_story(world, client):
    """The journal tells an address's story by its field."""
    def story():
        entries = world.own_messages(f"PBS_ADDRESS={client}")
        return [(entry.get("PBS_EVENT"), entry.get("PBS_USER"), entry.get("PBS_RULE"),
                 entry.get("PRIORITY"), "MESSAGE_ID" in entry) for entry in entries]

    want = [(event, "pbsalice", world.server.rule, "6", True) for event in ("allow", "expire")]
    wait_until(lambda: len(story()) >= 2, 10)
    world.check(story() == want, "journalctl PBS_ADDRESS= tells of allow and expire",
                f"got  {story()}\nwant {want}")


def open_sessions(world):
    """A mail program that stays logged in may send, long after the grace of its login."""
    world.configure("90-grace.conf", f"[Watcher]\nGrace={GRACE_SECONDS}s\n")
    world.reload()
    client, other = world.new_address(), world.new_address("IPv6")
    session = world.open_session(client)
    begin = time.monotonic()
    world.check(session.accepted and session.is_idle, "a client logs in and waits for mail (IDLE)")
    open_now = wait_until(lambda: world.sessions(client) == 1, 10)
    world.check(open_now, "pbs-list shows one open session", world.table())
    world.login(other)
    world.run("systemctl", "restart", WATCHER)
    expired = wait_until(lambda: other not in world.table(), GRACE_SECONDS + 10)
    world.check(expired, "the grace of a client that logged out runs out")
    time.sleep(max(0, begin + 2 * GRACE_SECONDS - time.monotonic()))
    answer = world.rcpt(client)
    world.check(answer.accepted and world.sessions(client) == 1,
                f"after {time.monotonic() - begin:.0f} s, a grace of {GRACE_SECONDS} s and a "
                "restart of the watcher, the open session still allows relaying", answer)
    said = session.log_out()
    begin = time.monotonic()
    ended = wait_until(lambda: world.sessions(client) == 0, 5)
    answer = world.rcpt(client)
    world.check(said and ended and answer.accepted, "after the logout it is accepted at first",
                f"{said} {ended} {answer}")
    refused = wait_until(lambda: world.rcpt(client).refused, GRACE_SECONDS + 10)
    passed = time.monotonic() - begin
    world.check(refused and GRACE_SECONDS - 1 < passed < GRACE_SECONDS + 3,
                "and refused when the grace after it is over", f"{passed:.1f} s")
    server_killed(world)
    world.unconfigure("90-grace.conf")
    world.reload()
    world.expected.clear()


def server_killed(world):
    """A server that is killed says no goodbyes; its next run tells that its sessions are over."""
    clients = [world.new_address(), world.new_address("IPv6")]
    sessions = [world.open_session(client) for client in clients]
    opened = wait_until(lambda: [world.sessions(client) for client in clients] == [1, 1], 10)
    world.check(opened, "two clients stay logged in", world.table())
    unit = world.server.units[0]
    world.run("systemctl", "kill", "--signal=KILL", unit)
    wait_until(lambda: world.show(unit, "ActiveState") != "active", 10)
    for session in sessions:
        session.drop()
    time.sleep(GRACE_SECONDS + 1)
    kept = [world.sessions(client) for client in clients]
    world.run("systemctl", "reset-failed", unit)
    world.run("systemctl", "start", unit)
    marker = world.new_address()
    begin = time.monotonic()
    world.check(wait_until(lambda: world.can_log_in(marker), 10),
                "the server is killed, and started again")
    ended = wait_until(lambda: [world.sessions(client) for client in clients] == [0, 0], 5)
    world.check(kept == [1, 1] and ended, "its sessions are open until then, and then ended",
                f"{kept}, then {world.table()}")
    gone = wait_until(lambda: not {*clients} & {*world.table()}, GRACE_SECONDS + 5)
    passed = time.monotonic() - begin
    world.check(gone and passed < GRACE_SECONDS + 3, "each is left its grace", f"{passed:.1f} s")


def failed_logins(world):
    """A wrong password opens nothing, however the name is made."""
    attempts = [(world.new_address(family), access, "pbsalice", "wrong")
                for access, family in itertools.product(mail.ALL_ACCESSES, ("IPv4", "IPv6"))]
    for name in world.server.hostile_names:
        attempts.append((world.new_address(), mail.IMAP, name, "wrong"))
        attempts.append((world.new_address("IPv6"), mail.POP3, name, "wrong"))
    for name in world.server.hostile_imap_names:
        attempts.append((world.new_address(), mail.IMAP, name, "wrong"))
    accepted = [attempt for attempt, success in zip(attempts, world.login_all(attempts)) if success]
    world.check(not accepted, "wrong passwords are refused", accepted)
    world.check_table("failed logins with plain and hostile names open nothing")
    answers = {source: world.rcpt(source) for source in (attempts[0][0], attempts[1][0], VICTIM)}
    world.check(all(answer.refused for answer in answers.values()),
                "the clients that failed are refused, and so is the address in their names",
                {source: str(answer) for source, answer in answers.items()})


def hostile_names_that_succeed(world):
    """A user may have any name; it opens the address that he has, not the one in his name."""
    world.server.admit_hostile_names(world.container)
    attempts = []
    for name in world.server.hostile_names:
        attempts.append((world.new_address(), mail.IMAP, name, HOSTILE_PASSWORD))
        attempts.append((world.new_address("IPv6"), mail.POP3, name, HOSTILE_PASSWORD))
    refused = [attempt for attempt, success in zip(attempts, world.login_all(attempts))
               if not success]
    world.expected.update(source for source, *_ in attempts)
    world.check(not refused, "users with hostile names can log in", refused)
    world.server.admit_users(world.container)
    world.check_table("their logins open their own addresses and no other")
    answer = world.rcpt(VICTIM)
    world.check(answer.refused, "the address in their names is refused", answer)


def cut_lines(world):
    """courierlogger(1) cuts lines after 511 bytes, so that the rest of a long name of a failed
    login stands in the journal as an entry of its own, with every trusted field genuine."""
    attempts = [(world.new_address(), access, name, "wrong")
                for name in world.server.cut_names for access in (mail.IMAP, mail.POP3)]
    world.login_all(attempts)
    # The logger reads on, and writes down what it has cut, only when another line comes.
    uncertain = [world.new_address() for _ in range(4)]
    for source, access in zip(uncertain, (mail.IMAP, mail.POP3) * 2):
        world.login(source, access)
    forged = world.run("journalctl", "--quiet", "--output=cat", "--grep=^LOGIN, user=(eve|e+),",
                       "--identifier=imapd", "--identifier=pop3d")
    world.check(forged, "the server logs parts of failed names as entries of their own")
    # A logger that has been silent for ten seconds is believed again.
    time.sleep(11)
    world.settle()
    table = set(world.table())
    opened = table & ({VICTIM} | {source for source, *_ in attempts})
    world.check(not opened, "such entries open nothing", sorted(opened))
    # The logger swallows a line after each that it cuts, so these logins may count or not.
    world.expected.update(table.intersection(uncertain), opened)
    world.check_table("later logins count")


def forgeries(world):
    """Log lines that were written by anybody but the server."""
    made = forge_all(world)
    output = world.run("journalctl", "--quiet", "--output=cat",
                       *(f"--identifier={name}" for name in world.server.identifiers))
    arrived = [line for line in output.splitlines() if line in world.server.forgeries]
    world.check(len(arrived) >= made, "forged lines are in the journal",
                f"{len(arrived)} of {made}")
    number = world.run("id", "-u", "pbsbob").strip()
    output = world.run("journalctl", "--quiet", "--output=cat", f"_UID={number}",
                       f"_SYSTEMD_UNIT={world.server.units[0]}")
    world.check(VICTIM in output, "one is by a user's process in the server's unit", output)
    world.check_table("forged log lines of root, of nobody and of services open nothing")
    answer = world.rcpt(VICTIM)
    world.check(answer.refused, "the forged address is refused", answer)


def watcher_killed(world):
    """SIGKILL while logins arrive; Restart= brings the watcher back."""
    with Logins(world) as logins:
        for _ in range(2):
            logins.more(4)
            pid = world.show(WATCHER, "MainPID")
            world.run("kill", "-KILL", pid)
            world.kills += 1
            # Logins go on while there is no watcher.
            logins.more(4)
            wait_until(lambda: world.show(WATCHER, "ActiveState") == "active"
                       and world.show(WATCHER, "MainPID") not in ("0", pid), 30)
        logins.more(4)
    world.check(len(logins.done) >= 20 and not logins.failed,
                f"{len(logins.done)} logins arrive while the watcher is killed twice",
                logins.failed)
    world.check_table("none of them is lost")


def journal_rotated(world):
    """Journal files go away below the reader."""
    freed = []
    with Logins(world) as logins:
        for _ in range(4):
            logins.more(5)
            world.run("journalctl", "--rotate")
            logins.more(15)
            freed.append(world.run("journalctl", "--vacuum-time=1s"))
    deleted = sum(text.count("Deleted archived journal") for text in freed)
    world.check(deleted and not logins.failed,
                f"{len(logins.done)} logins arrive while journal files are rotated and deleted",
                f"{deleted} deleted\n{logins.failed}")
    world.check_table("none of them is lost")


def bad_configuration(world):
    """A reload with a mistake changes nothing, and says so."""
    before = world.settled_table()
    world.configure("95-broken.conf", "[Watcher]\nGrace=a while\n")
    world.reload()
    complaint = wait_until(lambda: "reload failed" in world.status_line(), 10)
    world.check(complaint, "systemctl status says that the reload failed", world.status_line())
    output = world.service_status()
    world.check("/95-broken.conf:2: " in output, "it shows file and line of the mistake", output)
    world.check(world.show(WATCHER, "ActiveState") == "active", "the watcher runs on")
    after = world.settled_table()
    world.check(after == before, "the table is as before", difference(after, before))
    world.check_table("logins count as before")
    world.unconfigure("95-broken.conf")
    world.reload()
    fine = wait_until(lambda: "reload failed" not in world.status_line(), 10)
    world.check(fine, "a good reload takes the complaint away", world.status_line())


def difference(got, want):
    return "\n".join(f"{address}: got {got.get(address)}, want {want.get(address)}"
                     for address in sorted({*got, *want})
                     if got.get(address) != want.get(address))


def watcher_restarted(world):
    """Stop and start keep the entries; in between, lookups are answered from the map."""
    client = world.new_address()
    world.login_and_expect(client)
    world.rcpt_until_accepted(client)
    before = world.settled_table()
    world.run("systemctl", "stop", WATCHER)
    answer = world.rcpt(client)
    world.check(answer.accepted, "with the watcher stopped, lookups are answered", answer)
    late = world.new_address()
    world.login_and_expect(late)
    world.run("systemctl", "start", WATCHER)
    after = world.settled_table()
    same = {address: row for address, row in after.items() if address in before}
    world.check(same == before, "the entries are as before the restart",
                difference(same, before))
    world.check(late in after, "a login in between counts as soon as the watcher is ready", after)
    world.check_table("nothing else has come up")


def postfix_is_content(world):
    """Postfix has had no trouble with the answers."""
    output = world.run("journalctl", "--quiet", "--output=cat", "--unit=postfix@-.service")
    warnings = [line for line in output.splitlines()
                if re.search("warning:.*tcp", line, re.IGNORECASE)]
    world.check(not warnings, "Postfix has logged no warning about the table", "\n".join(warnings))


def lookups_impossible(world):
    """With permit_auth_destination first, inbound mail never depends on the bridge."""
    client = world.new_address()
    world.login_and_expect(client)
    world.rcpt_until_accepted(client)
    world.run("systemctl", "stop", SOCKET, BRIDGE)
    begin = time.monotonic()
    local = world.local_rcpt(world.new_address())
    passed = time.monotonic() - begin
    world.check(local.accepted and passed < 5, "bridge and socket stopped: local mail is accepted",
                f"{local} after {passed:.1f} s")
    foreign = world.rcpt(client, FOREIGN_RECIPIENT)
    world.check(foreign.code == 451, "bridge and socket stopped: relaying is put off", foreign)
    world.run("systemctl", "start", SOCKET)
    answer = world.rcpt_until_accepted(client)
    world.check(answer.accepted, "started again: relaying is accepted", answer)


def hardened(world):
    """What systemd thinks of the units."""
    for unit in (WATCHER, BRIDGE):
        output = world.run("systemd-analyze", "--no-pager", "security", unit)
        match = re.search(r"Overall exposure level for \S+: ([\d.]+)", output)
        world.check(match and float(match.group(1)) <= EXPOSURE_LIMIT,
                    f"systemd-analyze security {unit} is {EXPOSURE_LIMIT} or less", output[-2000:])
    verified = world.container.attempt("systemd-analyze", "--man=no", "verify", WATCHER, BRIDGE,
                                       SOCKET, must_succeed=False)
    complaints = [line for line in verified.stdout.splitlines() if "pop-before-smtp" in line]
    world.check(verified.returncode == 0 and not complaints, "systemd-analyze verify is clean",
                verified.stdout)


def stayed_alive(world):
    """No crash, no watchdog: the only restarts are those after our own kills."""
    for unit, want in ((WATCHER, world.kills), (BRIDGE, 0)):
        got = world.show(unit, "NRestarts")
        world.check(got == str(want), f"{unit} has been restarted {want} times only", got)
    for unit in (WATCHER, BRIDGE):
        output = world.run("journalctl", "--quiet", "--output=cat", "--priority=err",
                           f"_SYSTEMD_UNIT={unit}")
        output = "\n".join(line for line in output.splitlines()
                           if not re.search("95-broken|reload failed", line))
        world.check(not output, f"{unit} has logged no error", output)


ALWAYS = [installed_and_enabled, logins_open_their_address, local_and_shared_addresses, grace_ends,
          open_sessions, failed_logins, hostile_names_that_succeed, forgeries, watcher_restarted,
          postfix_is_content, watcher_killed, journal_rotated, postfix_is_content]
DOVECOT = [*ALWAYS, *catch_up.ALL, *local_users.ALL, bad_configuration, hardened,
           upgrade.upgraded_under_load, stayed_alive, *shortage.ALL, *limits.ALL,
           lookups_impossible]
COURIER = [*ALWAYS, *catch_up.ALL, *local_users.ALL, stayed_alive, cut_lines]
