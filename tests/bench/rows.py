# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rows of the table: what is measured, against what, and what it must come to.

Where two programs are compared they run in turn, and each round gives one ratio; the median of the
rounds counts. Times by themselves say more about the machine than about the programs."""

import math
import shutil
import socket
import statistics
import time

import corpus
import login
from programs import Daemon, Server, Watcher, matches, numbers, output

MIB = 1024 * 1024
# Entries are as old as the cached journal is, and have to count all the same.
LASTING = 'Grace=365d\nMaxSession=365d'


class Figure:
    """One row: a figure, and the most or least that it may be. Rows without either are there for
    comparison."""

    def __init__(self, what, unit, value, most=None, least=None, note=''):
        self.what, self.unit, self.value, self.note = what, unit, value, note
        self.most, self.least = most, least

    def is_met(self):
        if math.isnan(self.value):
            return False
        return (self.most is None or self.value <= self.most) and \
            (self.least is None or self.value >= self.least)

    def must(self):
        if self.most is not None:
            return f'≤ {self.most:g}'
        return f'≥ {self.least:g}' if self.least is not None else ''


def missing(tool):
    """Why a peer cannot be compared with; None if it can."""
    return None if shutil.which(tool) else f'{tool} is not there'


def unmeasured(what, reason):
    return Figure(what, reason, math.nan)


def median_ratio(rounds, above, below):
    return statistics.median(each[above] / each[below] for each in rounds)


def in_turn(count, **measures):
    """Calls the functions in turn, so often; returns one dictionary of results a round."""
    return [{name: measure() for name, measure in measures.items()} for _ in range(count)]


class Bench:
    """What the measurements share: the programs, a place to write, sizes."""

    def __init__(self, programs, cache, place, sizes):
        self.programs, self.cache, self.place, self.sizes = programs, cache, place, sizes
        self.map = place / 'full.tdb'
        # Where the bridge asks the watcher to catch up; in versions that do so.
        can_ask = '--catch-up' in output([programs.bridge, '--help'])[0]
        self.catch_up = place / 'catch-up' if can_ask else None

    def program(self, name, *arguments):
        return [self.programs.bench / name, *map(str, arguments)]

    def make_map(self):
        if not self.map.exists():
            output(self.program('fill-map', self.map, self.sizes.map))

    def watcher(self, name, journal, map_path, settings=''):
        place = self.place / name
        place.mkdir(exist_ok=True)
        return Watcher(self.programs, place, journal, map_path, settings)

    def standing_watcher(self):
        """On the full map, with a journal that says nothing new. The map's addresses are allowed
        for a day, which is not to be more than the watcher would give them today."""
        socket_setting = f'CatchUpSocket={self.catch_up}\n' if self.catch_up else ''
        return self.watcher('standing', corpus.journal(self.cache, 100), self.map,
                            f'MaxEntries={self.sizes.map}\nGrace=1d\n{socket_setting}')

    def bridge(self):
        options = [f'--catch-up={self.catch_up}'] if self.catch_up else []
        return Server([self.programs.bridge, f'--dbfile={self.map}', '--listen=127.0.0.1:0',
                       *options])


# fail2ban puts the host, the program and its process in front of the message.
FAIL2BAN_PATTERN = (r'^\s*\S+ dovecot\[\d+\]: (?:imap|pop3)-login: Login: user=<.*>, '
                    r'method=[^<>, ]+, rip=<ADDR>(?:, [^<>]*)?(?:, session=<[^ ]*>)?$')


def journal_rows(bench):
    """From the journal to the map."""
    journal = corpus.journal(bench.cache, bench.sizes.journal)

    def ours():
        place = bench.place / 'cold'
        shutil.rmtree(place, ignore_errors=True)
        with bench.watcher('cold', journal, place / 'map.tdb', LASTING) as watcher:
            return watcher.seconds

    def bare():
        return output(bench.program('bare-loop', journal, *matches()))[1]

    def journalctl():
        return output(['journalctl', '-q', '-o', 'cat', f'--directory={journal}', *matches()])[1]

    def fail2ban():
        text, seconds = output(['fail2ban-regex', '-m', '_SYSTEMD_UNIT=dovecot.service _UID=0',
                                f'systemd-journal[journalpath={journal}]', FAIL2BAN_PATTERN])
        if 'Failregex: 0 total' in text:
            raise RuntimeError('fail2ban-regex finds no login')
        return seconds

    measures = {'bare': bare, 'ours': ours, 'journalctl': journalctl}
    reason = missing('fail2ban-regex')
    if not reason:
        measures['fail2ban'] = fail2ban
    rounds = in_turn(bench.sizes.rounds, **measures)
    entries = f'{bench.sizes.journal} entries'
    yield Figure(f'journal to map, {entries}', '× a bare loop',
                 median_ratio(rounds, 'ours', 'bare'), most=1.5)
    yield Figure(f'journal to map, {entries}', '× journalctl -o cat',
                 median_ratio(rounds, 'ours', 'journalctl'), most=1)
    what = f'journal to map, {entries}'
    yield unmeasured(what, reason) if reason else \
        Figure(what, '× faster than fail2ban-regex', median_ratio(rounds, 'fail2ban', 'ours'),
               least=8)


def lookup_rows(bench):
    """Answers to a mail server."""
    bench.make_map()
    sizes = bench.sizes

    def load(server, connections, first, answer, *domain):
        port = server if isinstance(server, int) else server.port
        result = numbers(bench.program('load', port, connections, sizes.load_msec, first,
                                       sizes.map, answer, *domain))
        return {'rate': result['answers'] / result['usec'], 'p99': result['p99']}

    def compare(rounds, above, below, what):
        return statistics.median(each[above][what] / each[below][what] for each in rounds)

    mib = bench.map.stat().st_size // MIB
    with bench.standing_watcher(), bench.bridge() as bridge, \
            Server(bench.program('echo')) as echo, \
            Server(bench.program('echo', mib)) as reading_echo:
        for connections in (10, 100):
            rounds = in_turn(
                sizes.rounds,
                echo=lambda: load(echo, connections, 0, 'get '),
                hit=lambda: load(bridge, connections, 0, '200 '),
                miss=lambda: load(bridge, connections, sizes.map, '500 '),
                reading=lambda: load(reading_echo, connections, 0, 'get '))
            yield Figure(f'look-ups that hit, {connections} connections', '× an echo server',
                         compare(rounds, 'hit', 'echo', 'rate'), least=0.8)
            yield Figure(f'look-ups that hit, {connections} connections, p99', '× an echo server',
                         compare(rounds, 'hit', 'echo', 'p99'), most=1.5)
            yield Figure(f'look-ups that miss, {connections} connections', '× an echo server',
                         compare(rounds, 'miss', 'echo', 'rate'), least=0.6)
            yield Figure(f'an echo server that reads {mib} MiB at 4 places, {connections} '
                         'connections', '× an echo server',
                         compare(rounds, 'reading', 'echo', 'rate'), note='for comparison')
        if reason := missing('postsrsd'):
            yield unmeasured('look-ups that hit, 10 connections', reason)
        else:
            with PostSRSd(bench.place) as postsrsd:
                rounds = in_turn(
                    sizes.rounds,
                    hit=lambda: load(bridge, 10, 0, '200 '),
                    echo=lambda: load(echo, 10, 0, 'get '),
                    srs=lambda: load(postsrsd.port, 10, 0, '200 ', 'example.org'))
            yield Figure('look-ups that hit, 10 connections', '× PostSRSd',
                         compare(rounds, 'hit', 'srs', 'rate'), least=3)
            yield Figure('an echo server, 10 connections', '× PostSRSd',
                         compare(rounds, 'echo', 'srs', 'rate'), note='for comparison')
        if reason := missing('postmap'):
            yield unmeasured('postmap -q, one at a time', reason)
        else:
            yield postmap_row(bench, bridge)


class PostSRSd(Daemon):
    """Debian's PostSRSd, a tcp_table server of another kind."""

    def __init__(self, place):
        secret = place / 'postsrsd.secret'
        secret.write_text('secret\n')
        with socket.socket() as forward, socket.socket() as reverse:
            for each in (forward, reverse):
                each.bind(('127.0.0.1', 0))
            self.port, other = forward.getsockname()[1], reverse.getsockname()[1]
        super().__init__(['postsrsd', f'-s{secret}', '-dexample.com', '-4', '-l127.0.0.1',
                          f'-f{self.port}', f'-r{other}'])
        end = time.monotonic() + 10
        while not self._answers():
            if time.monotonic() > end:
                raise RuntimeError('postsrsd does not listen')

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', self.port)) == 0


def postmap_row(bench, bridge):
    """Postfix's own client, on our bridge and on a file of Postfix's own."""
    count = min(bench.sizes.map, 20000)
    place = bench.place / 'postfix'
    place.mkdir(exist_ok=True)
    (place / 'main.cf').write_text('compatibility_level = 3.6\n')
    keys, table = place / 'keys', place / 'table'
    keys.write_text(''.join(f'{corpus.address(i)}\n' for i in range(count)))
    table.write_text(''.join(f'{corpus.address(i)} OK\n' for i in range(count)))
    output(['postmap', '-c', str(place), f'hash:{table}'])

    def ask(name):
        command = f'postmap -c {place} -q - {name} <{keys}'
        text, seconds = output(['sh', '-c', command])
        if text.count('OK') != count:
            raise RuntimeError(f'postmap -q {name}: {text.count("OK")} of {count} answers')
        return seconds

    rounds = in_turn(bench.sizes.rounds, ours=lambda: ask(f'tcp:127.0.0.1:{bridge.port}'),
                     file=lambda: ask(f'hash:{table}'))
    return Figure('postmap -q, one at a time', '× a hash: file of Postfix',
                  median_ratio(rounds, 'ours', 'file'), note='for comparison')


def standing_rows(bench):
    """What the daemons need while nothing happens."""
    bench.make_map()
    sizes = bench.sizes
    with bench.standing_watcher() as watcher, bench.bridge() as bridge:
        clients = [socket.create_connection(('127.0.0.1', bridge.port))
                   for _ in range(sizes.clients)]
        for number, client in enumerate(clients):
            client.sendall(f'get {corpus.address(number)}\n'.encode())
            if not client.recv(100).startswith(b'200 '):
                raise RuntimeError('a look-up fails')
        output(bench.program('load', bridge.port, 10, sizes.load_msec, 0, sizes.map, '200 '))
        # The timer that limits a look-up's patience runs out once more.
        time.sleep(min(sizes.idle, 2))
        before = watcher.wake_ups() + bridge.wake_ups()
        time.sleep(sizes.idle)
        woken = watcher.wake_ups() + bridge.wake_ups() - before
        names = (str(bench.map), '.journal')
        yield Figure(f'idle {sizes.idle} s, {sizes.clients} clients', 'wake-ups', woken, most=0)
        yield Figure(f'memory of the watcher, {sizes.map} addresses', 'MiB private',
                     watcher.private_kib(*names) / 1024, most=48)
        yield Figure(f'memory of the bridge, {sizes.clients} clients', 'MiB private',
                     bridge.private_kib(*names) / 1024, most=8)
        yield Figure(f'file of the map, {sizes.map} addresses', 'MiB',
                     bench.map.stat().st_size / MIB, most=160)
        for client in clients:
            client.close()


def restart_rows(bench):
    """A start with a map that is there."""
    bench.make_map()

    def restart():
        with bench.standing_watcher() as watcher:
            return watcher.seconds

    restart()
    rounds = in_turn(bench.sizes.rounds, ours=restart,
                     check=lambda: output(bench.program('check-map', bench.map))[1])
    yield Figure(f'restart, {bench.sizes.map} addresses', '× tdb_check',
                 median_ratio(rounds, 'ours', 'check'), most=2)


def growth_rows(bench):
    """What a larger map costs."""
    counts = bench.sizes.growth
    path = bench.place / 'growth.tdb'
    rounds = [numbers(bench.program('growth', path, counts[-1], *counts))
              for _ in range(bench.sizes.rounds)]
    path.unlink()
    for what, name, limits in (('login', 'a login, one a commit', {'most': 2}),
                               ('backlog', 'a login, 4096 a commit', {'note': 'for comparison'}),
                               ('lookup', 'a look-up', {'most': 2})):
        yield Figure(f'cost of {name}, {counts[-1]} addresses', f'× {counts[0]} addresses',
                     median_ratio(rounds, f'{what}-{counts[-1]}', f'{what}-{counts[0]}'), **limits)


def churn_rows(bench):
    """A map in which nothing stays."""
    path = bench.place / 'churn.tdb'
    sizes = numbers(bench.program('churn', path, bench.sizes.live, bench.sizes.logins))
    path.unlink()
    yield Figure(f'file after {bench.sizes.logins} logins, {bench.sizes.live} at a time',
                 '× after the first tenth', sizes['end'] / sizes['first'], most=1.2)


def login_rows(bench):
    """From a login to an answer, with a real server and a real journald, in a container."""
    p50, p99 = login.measure(bench.cache.parent / 'container', bench.sizes.container)
    what = f'login to a positive answer, {bench.sizes.container} logins'
    yield Figure(what, 'ms (p50)', p50, most=5)
    yield Figure(what, 'ms (p99)', p99, most=20)


GROUPS = {'journal': journal_rows, 'lookup': lookup_rows, 'standing': standing_rows,
          'restart': restart_rows, 'growth': growth_rows, 'churn': churn_rows, 'login': login_rows}
