# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ./quickstart shows: the programs at work on recorded journals, or on this machine's own."""

import collections
import os
import subprocess
import sys

import journals
from bridge import Bridge, Postmap
from journals import MIN, SEC
from watcher import EVENT, Event, Sandbox, program, sanitised

# The recordings, and how long ago they end: one after the other, with pauses cut to half a second.
STEPS = (('Dovecot', 'dovecot', 2 * MIN), ('Courier', 'courier', 0))
EXPIRING = '203.0.113.77'  # logs in once, in the recording of a Dovecot proxy
FORGED = '6.6.6.6'         # what every forged or failed login in the recordings claims to come from
STRANGER = '198.51.100.99'
WIDTH = 78
NOTABLE = ('allow', 'expire', 'refuse')


class Score:
    """Counts answers and checks, and those that were wrong."""

    def __init__(self):
        self.total = self.wrong = 0

    def mark(self, right):
        self.total += 1
        self.wrong += not right
        return 'right' if right else 'WRONG'

    def report(self, what):
        if self.wrong:
            print(f'\n{self.wrong} of {self.total} {what} were WRONG.')
        else:
            print(f'\nAll {self.total} {what} were right.')
        return 1 if self.wrong else 0


class Log:
    """The watcher's events, printed as they come: a line each for those that change who may relay,
    and the addresses alone of those that do not, unless all is wanted."""

    def __init__(self, watcher, verbose):
        self.watcher = watcher
        self.verbose = verbose
        self.at = 0
        self.kind = None  # of the addresses on the line that was begun
        self.column = 0

    def next(self, deadline=60):
        index = self.watcher.wait_line(EVENT.pattern, after=self.at, deadline=deadline)
        self.at = index + 1
        event = Event(EVENT.search(self.watcher.lines[index]))
        if self.verbose or event.kind in NOTABLE:
            self.end_line()
            user = event.user if len(event.user) <= 34 else event.user[:31] + '...'
            print(f'  {event.kind:<7} {event.address:<15}  user {user}', flush=True)
        else:
            self.add(event.kind, event.address)
        return event

    def add(self, kind, address):
        if kind != self.kind or self.column + len(address) > WIDTH:
            self.end_line()
            self.kind, self.column = kind, 10
            print(f'  {kind:<7}', end='')
        self.column += len(address) + 1
        print(' ' + address, end='', flush=True)

    def end_line(self):
        if self.kind:
            print()
        self.kind = None

    def logins(self, count):
        """The next so many events that are logins."""
        found = []
        while len(found) < count:
            event = self.next()
            if event.kind not in ('expire', 'logout'):
                found.append(event)
        self.end_line()
        return found


def feed(title, name, age, writer, log, score):
    """Appends a recording to the journal and checks what the watcher makes of it."""
    entries = journals.shorten_pauses(journals.recorded(name), SEC // 2)
    expected = journals.expected(name, 'login')
    print(f'\n{title}: {len(entries)} journal entries, {len(expected)} of them logins', flush=True)
    writer.append(journals.move(entries, journals.now() - age))
    found = log.logins(len(expected))
    right = [(event.address, event.user) for event in found] == \
        [(login.address, sanitised(login.user)) for login in expected]
    kinds = collections.Counter(event.kind for event in found)
    print(f'  {kinds["allow"]} new, {kinds["extend"]} extended, {kinds["ignore"]} from this '
          f'machine itself; exactly the logins that there were: {score.mark(right)}')
    return {login.address for login in expected if not is_loopback(login.address)}


def is_loopback(address):
    return address == '::1' or address.startswith('127.')


def show_table(box):
    print('\npbs-list\n', flush=True)
    subprocess.run([program('pbs-list'), f'--dbfile={box.map}'], check=False)


def make_client(box, bridge):
    """How lookups are made: by Postfix's own client where there is one."""
    if Postmap.available():
        how = f'postmap -q ADDRESS tcp:127.0.0.1:{bridge.port}'
        return Postmap(box.directory, bridge.port), how
    return bridge, f'Postfix\'s own protocol, port {bridge.port}'


def look_up(client, address, allowed, why, score):
    answer = client.ask(address)
    right = answer == ('200 OK\n' if allowed else '500 not found\n')
    shown = answer.strip()[4:] or 'no answer'
    print(f'  {address:<15}  {shown:<10}  {score.mark(right)}: {why}', flush=True)


def check_everything(box, bridge, allowed, score):
    client, how = make_client(box, bridge)
    print(f'\nWhat Postfix is told: {how}\n')
    for address in sorted(allowed):
        look_up(client, address, True, 'logged in', score)
    look_up(client, EXPIRING, False, 'its 30 minutes are over', score)
    look_up(client, FORGED, False, 'only failed and forged logins', score)
    look_up(client, STRANGER, False, 'never logged in', score)


def show_recordings(verbose):
    score = Score()
    # Half an hour old in a few seconds from now, and of no session that would be open still.
    login = journals.dovecot_login(journals.now() - 30 * MIN + 6 * SEC, EXPIRING, 'carl')
    with Sandbox() as box, box.writer([login]) as writer:
        watcher = box.start().wait_ready()
        log = Log(watcher, verbose)
        print('\nA login of half an hour ago')
        log.logins(1)
        with Bridge(box.map, box.environment()) as bridge:
            allowed = set()
            for title, name, age in STEPS:
                allowed |= feed(title, name, age, writer, log, score)
            print('\nThe half hour is over', flush=True)
            while log.at == 0 or not any(event.kind == 'expire' and event.address == EXPIRING
                                         for event in watcher.events()):
                log.next()
            show_table(box)
            check_everything(box, bridge, allowed, score)
        watcher.stop()
    return score.report('checks')


def check_live(box, client, event, score):
    """Asks about the event's address; the answer must agree with what pbs-list says."""
    for _ in range(2):  # again if the entry ran out between the two questions
        answer = client.ask(event.address.partition('/')[0])
        record = box.list().get(event.address)
        allowed = record is not None and record['expires_usec'] > journals.now()
        right = answer == ('200 OK\n' if allowed else '500 not found\n')
        if right:
            break
    if score.mark(right) == 'WRONG':
        print(f'  {event.address}: WRONG answer {answer.strip()!r}, '
              f'pbs-list says {"allowed" if allowed else "not allowed"}', flush=True)


def show_live(verbose):
    score = Score()
    with Sandbox() as box:
        box.configure(networks='')
        watcher = box.start(f'--config={box.config}', f'--dbfile={box.map}', defaults=False)
        try:
            watcher.wait_ready()
        except AssertionError:
            print('\n'.join(watcher.lines), file=sys.stderr)
            return 1
        with Bridge(box.map, box.environment()) as bridge:
            client, how = make_client(box, bridge)
            print('\nFollowing this machine\'s journal: logins of the last 30 minutes, and new '
                  f'ones.\nAsk yourself: {how}\nStop with Ctrl-C.\n', flush=True)
            log = Log(watcher, verbose)
            try:
                while True:
                    check_live(box, client, log.next(deadline=None), score)
            except KeyboardInterrupt:
                log.end_line()
            show_table(box)
        watcher.stop()
    if not score.total:
        print('\nNobody logged in meanwhile.')
        return 0
    return score.report('answers')


def main():
    verbose = '--verbose' in sys.argv[1:]
    os.environ.setdefault('LC_ALL', 'C.UTF-8')
    try:
        return show_live(verbose) if '--live' in sys.argv[1:] else show_recordings(verbose)
    except (AssertionError, RuntimeError, OSError) as error:
        print(f'\n{error}', file=sys.stderr)
    except KeyboardInterrupt:
        print()
    return 1


if __name__ == '__main__':
    sys.exit(main())
