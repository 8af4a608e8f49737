# SPDX-License-Identifier: LGPL-2.1-or-later
"""The map file: damaged, foreign, full, remade while it is read, on a full disk."""

import ctypes
import os
import pathlib
import threading
import unittest

import journals
import tap
from bridge import Bridge
from journals import MIN, SEC
from watcher import DEADLINE, Sandbox, private_mounts


def series(first, last, start=None):
    """Logins from 192.0.2.FIRST to 192.0.2.LAST, a second apart."""
    start = start or journals.now() - 5 * MIN
    return [journals.dovecot_login(start + number * SEC, f'192.0.2.{number}', f'user{number}')
            for number in range(first, last + 1)]


def addresses(first, last):
    return {f'192.0.2.{number}' for number in range(first, last + 1)}


def cut_at_a_record(path):
    os.truncate(path, path.read_bytes().index(b'dovecot user2'))


class Damaged(unittest.TestCase):
    """A damaged map is kept aside, and made again from the journal."""

    def check(self, damage):
        with Sandbox() as box:
            box.write(series(1, 40))
            box.start().wait_ready().stop()
            before = box.list()
            self.assertEqual(set(before), addresses(1, 40))
            damage(box.map)
            damaged = box.map.read_bytes()

            watcher = box.start().wait_ready()
            self.assertEqual(box.list(), before)
            aside = list(box.directory.glob('map.tdb.corrupt-*'))
            self.assertEqual(len(aside), 1)
            self.assertEqual(aside[0].read_bytes(), damaged)
            watcher.wait_line(aside[0].name)
            # It goes on as if nothing had been.
            box.write([journals.dovecot_login(journals.now(), '192.0.2.99')])
            watcher.wait_event('allow', '192.0.2.99')
            watcher.stop()
            self.assertEqual(set(box.list()), addresses(1, 40) | {'192.0.2.99'})

    def test_cut_in_the_middle_of_the_records(self):
        self.check(cut_at_a_record)

    def test_cut_in_the_header(self):
        self.check(lambda path: os.truncate(path, 20))

    def test_empty_file(self):
        self.check(lambda path: os.truncate(path, 0))

    def test_flipped_bytes(self):
        def flip(path):
            data = bytearray(path.read_bytes())
            for at in range(4096, len(data), 61):
                data[at] ^= 0x55
            path.write_bytes(data)
        self.check(flip)

    def test_damaged_record(self):
        """The file is whole, but a value in it is none of ours."""
        def spoil(path):
            data = path.read_bytes()
            self.assertIn(b'dovecot user7', data)
            path.write_bytes(data.replace(b'dovecot user7', b'd\xffvecot\0user7'))
        self.check(spoil)

    def damage_live(self, damage):
        """The running watcher notices, and neither loses nor repeats anything."""
        with Sandbox() as box, box.writer(series(1, 5)) as writer:
            watcher = box.start().wait_ready()
            damage(box.map)
            writer.append([journals.dovecot_login(journals.now(), '192.0.2.98'),
                           journals.dovecot_login(journals.now(), '192.0.2.99')])
            watcher.wait_event('allow', '192.0.2.99')
            writer.append([journals.dovecot_login(journals.now(), '192.0.2.100')])
            watcher.wait_event('allow', '192.0.2.100')
            watcher.stop()
            self.assertEqual(set(box.list()), addresses(1, 5) | addresses(98, 100))
            self.assertEqual(len(list(box.directory.glob('map.tdb.corrupt-*'))), 1)

    def test_cut_while_it_runs(self):
        self.damage_live(lambda path: os.truncate(path, 0))

    def test_overwritten_while_it_runs(self):
        def overwrite(path):
            size = path.stat().st_size
            with open(path, 'r+b') as file:
                file.seek(168)
                file.write(b'\xff' * (size - 168))
        self.damage_live(overwrite)

    def test_deleted_while_it_runs(self):
        """A file without a name would be written to for ever, and read by nobody."""
        with Sandbox() as box, box.writer(series(1, 5)) as writer:
            watcher = box.start().wait_ready()
            box.map.unlink()
            writer.append([journals.dovecot_login(journals.now(), '192.0.2.99')])
            watcher.wait_event('allow', '192.0.2.99')
            watcher.wait_line('starting with an empty map')
            writer.append([journals.dovecot_login(journals.now(), '192.0.2.100')])
            watcher.wait_event('allow', '192.0.2.100')
            watcher.stop()
            self.assertEqual(set(box.list()), addresses(1, 5) | addresses(99, 100))

    def test_damaged_twice(self):
        with Sandbox() as box:
            box.write(series(1, 3))
            for _ in range(2):
                box.start().wait_ready().stop()
                cut_at_a_record(box.map)
            box.start().wait_ready().stop()
            self.assertEqual(set(box.list()), addresses(1, 3))


class TdbData(ctypes.Structure):
    _fields_ = [('pointer', ctypes.c_char_p), ('size', ctypes.c_size_t)]

    @classmethod
    def of(cls, data):
        return cls(data, len(data))


def other_tdb(path):
    """A TDB file of another program."""
    library = ctypes.CDLL('libtdb.so.1')
    library.tdb_open.restype = ctypes.c_void_p
    library.tdb_open.argtypes = [ctypes.c_char_p, *[ctypes.c_int] * 4]
    library.tdb_store.argtypes = [ctypes.c_void_p, TdbData, TdbData, ctypes.c_int]
    library.tdb_close.argtypes = [ctypes.c_void_p]
    tdb = library.tdb_open(os.fsencode(path), 0, 0, os.O_RDWR | os.O_CREAT, 0o600)
    if not tdb or library.tdb_store(tdb, TdbData.of(b'key'), TdbData.of(b'value'), 0) != 0 \
            or library.tdb_close(tdb) != 0:
        raise RuntimeError('libtdb could not write a file')


class Foreign(unittest.TestCase):
    """What is not a map is never touched."""

    def check(self, make):
        with Sandbox() as box:
            box.write(series(1, 3))
            make(box.map)
            before = box.map.read_bytes() if box.map.is_file() else None
            names = sorted(os.listdir(box.directory))
            result = box.run()
            self.assertEqual(result.returncode, 78, result.stderr)
            self.assertIn(str(box.map), result.stderr)
            self.assertEqual(sorted(os.listdir(box.directory)), names)
            if before is not None:
                self.assertEqual(box.map.read_bytes(), before)

    def test_text_file(self):
        self.check(lambda path: path.write_text('root: /dev/null\n'))

    def test_tdb_of_another_program(self):
        self.check(other_tdb)

    def test_directory(self):
        self.check(lambda path: path.mkdir())

    def test_link_to_a_text_file(self):
        def link(path):
            (path.parent / 'target').write_text('mine\n')
            path.symlink_to(path.parent / 'target')
        self.check(link)

    def test_link_to_nothing(self):
        self.check(lambda path: path.symlink_to(path.parent / 'nothing'))

    def test_fifo(self):
        self.check(os.mkfifo)

    def test_device(self):
        with Sandbox() as box:
            box.write(series(1, 3))
            result = box.run('--dbfile=/dev/null')
            self.assertEqual(result.returncode, 78, result.stderr)
            self.assertIn('/dev/null', result.stderr)

    def test_directory_that_is_not_there(self):
        with Sandbox() as box:
            box.write(series(1, 3))
            result = box.run(f'--dbfile={box.directory}/none/map.tdb')
            self.assertEqual(result.returncode, 69, result.stderr)
            self.assertIn('/none/map.tdb', result.stderr)

    def test_second_watcher(self):
        """Two writers would undo each other's work: the second one does not start."""
        with Sandbox() as box:
            box.write(series(1, 3))
            first = box.start().wait_ready()
            result = box.run()
            self.assertEqual(result.returncode, 69, result.stderr)
            self.assertIn(str(box.map), result.stderr)
            first.stop()
            self.assertEqual(set(box.list()), addresses(1, 3))


class Mode(unittest.TestCase):
    def test_readable_by_the_group_alone(self):
        with Sandbox() as box:
            box.write(series(1, 3))
            before = os.umask(0o077)
            try:
                box.start().wait_ready().stop()
            finally:
                os.umask(before)
            self.assertEqual(box.map.stat().st_mode & 0o7777, 0o660)


class Questions(threading.Thread):
    """Asks the bridge the same thing over one connection until told to end; keeps the answers."""

    def __init__(self, bridge, key):
        super().__init__(daemon=True)
        self.connection = bridge.connect()
        self.key = key
        self.enough = threading.Event()
        self.asked = threading.Condition()
        self.answers = []

    def run(self):
        while not self.enough.is_set():
            answer = self.connection.ask(self.key)
            with self.asked:
                self.answers.append(answer)
                self.asked.notify_all()
            self.enough.wait(0.002)

    def more(self, number):
        """Waits until so many more answers came."""
        with self.asked:
            until = len(self.answers) + number
            if not self.asked.wait_for(lambda: len(self.answers) >= until, DEADLINE):
                raise AssertionError('the bridge does not answer')

    def end(self):
        self.enough.set()
        self.join(DEADLINE)
        self.connection.close()
        return self.answers


class Limit(unittest.TestCase):
    def test_other_limit_under_a_running_bridge(self):
        """The map is made anew and moved into place; the bridge answers throughout."""
        with Sandbox('MaxEntries=100') as box:
            box.write(series(1, 50))
            watcher = box.start().wait_ready()
            with Bridge(box.map, box.environment()) as bridge:
                questions = Questions(bridge, '192.0.2.7')
                questions.start()
                questions.more(3)
                for limit in (5000, 60, 100000):
                    inode = box.map.stat().st_ino
                    before = box.list()
                    watcher.stop()
                    box.configure(f'MaxEntries={limit}')
                    watcher = box.start().wait_ready()
                    self.assertNotEqual(box.map.stat().st_ino, inode)
                    self.assertEqual(box.list(), before)
                    questions.more(3)
                box.write([journals.dovecot_login(journals.now(), '192.0.2.99')])
                watcher.wait_event('allow', '192.0.2.99')
                self.assertEqual(bridge.ask('192.0.2.99'), '200 OK\n')
                self.assertEqual(bridge.ask('192.0.2.98'), '500 not found\n')
                self.assertEqual(set(questions.end()), {'200 OK\n'})
            watcher.stop()

    def test_limit_below_what_the_map_holds(self):
        """Nobody who is allowed is thrown out; new ones must wait."""
        with Sandbox('MaxEntries=100') as box:
            box.write(series(1, 50))
            box.start().wait_ready().stop()
            before = box.list()
            box.configure('MaxEntries=10')
            box.write([journals.dovecot_login(journals.now(), '192.0.2.99')])
            watcher = box.start().wait_ready().stop()
            self.assertEqual(box.list(), before)
            self.assertEqual([event.address for event in watcher.events('refuse')], ['192.0.2.99'])

    def test_full(self):
        with Sandbox('MaxEntries=3') as box:
            entries = series(1, 6)
            entries += [journals.dovecot_login(entries[-1].usec + SEC, '192.0.2.2', 'again')]
            box.write(entries)
            watcher = box.start().wait_ready().stop()
            self.assertEqual([(event.kind, event.address) for event in watcher.events()],
                             [('allow', '192.0.2.1'), ('allow', '192.0.2.2'),
                              ('allow', '192.0.2.3'),
                              ('refuse', '192.0.2.4'), ('refuse', '192.0.2.5'),
                              ('refuse', '192.0.2.6'), ('extend', '192.0.2.2')])
            refusal = watcher.events('refuse')[0]
            self.assertIn('MaxEntries=3', refusal.detail)
            self.assertEqual(set(box.list()), addresses(1, 3))
            self.assertEqual(box.list()['192.0.2.2']['user'], 'again')

    def test_full_is_said_without_debug_but_not_each_time(self):
        with Sandbox('MaxEntries=3') as box:
            box.write(series(1, 30))
            watcher = box.start(debug=False).wait_ready().stop()
            said = [line for line in watcher.lines if 'MaxEntries' in line]
            self.assertEqual(len(said), 1, watcher.lines)

    def test_room_again_when_entries_run_out(self):
        first = [journals.dovecot_login(journals.now(), '192.0.2.1')]
        with Sandbox('MaxEntries=1\nGrace=2s') as box, box.writer(first) as writer:
            watcher = box.start().wait_ready()
            watcher.wait_event('expire', '192.0.2.1')
            writer.append([journals.dovecot_login(journals.now(), '192.0.2.2')])
            watcher.wait_event('allow', '192.0.2.2')
            watcher.stop()

    def test_many_entries(self):
        count = 20000
        start = journals.now() - 10 * MIN
        with Sandbox(f'MaxEntries={count}') as box:
            box.write([journals.dovecot_login(start + number * 1000,
                                              f'198.18.{number // 250}.{number % 250 + 1}')
                       for number in range(count + 5)])
            watcher = box.start().wait_ready().stop()
            self.assertEqual(len(box.list()), count)
            self.assertEqual(len(watcher.events('refuse')), 5)


class ReadOnlyDisk(unittest.TestCase):
    """What is in the map keeps serving; a watcher that cannot write says so, and changes nothing."""

    def test_start(self):
        with Sandbox() as box:
            box.write(series(1, 3))
            box.start().wait_ready().stop()
            wrapper, reason = private_mounts(f'mount --bind {box.directory} {box.directory} && '
                                             f'mount -o remount,bind,ro {box.directory}')
            if not wrapper:
                self.skipTest(f'nothing can be mounted read-only: {reason}')
            before = box.map.read_bytes()
            result = box.run(wrapper=wrapper)
            self.assertEqual(result.returncode, 69, result.stderr)
            self.assertIn('Read-only file system', result.stderr)
            self.assertEqual(box.map.read_bytes(), before)
            self.assertEqual(list(box.directory.glob('map.tdb.*')), [])
            with Bridge(box.map, box.environment()) as bridge:
                self.assertEqual(bridge.ask('192.0.2.1'), '200 OK\n')


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox('MaxEntries=2000')
        self.addCleanup(self.box.close)
        self.disk = self.box.directory / 'disk'
        self.disk.mkdir()
        self.wrapper, reason = private_mounts(f'mount -t tmpfs -o size=4m pbs {self.disk}')
        if not self.wrapper:
            self.skipTest(f'no file system of its own can be mounted: {reason}')

    def outside(self, path):
        """The path of a file on that file system, as seen from here."""
        return pathlib.Path(f'/proc/{self.watcher.pid}/root{path}')

    def fill(self):
        file = self.outside(self.disk / 'other')
        with open(file, 'wb', buffering=0) as stream:
            try:
                while stream.write(bytes(4096)):
                    pass
            except OSError:
                pass
        return file

    def test_nothing_is_lost(self):
        map_path = self.disk / 'map.tdb'
        start = journals.now() - 5 * MIN
        many = [journals.dovecot_login(start + number * 1000,
                                       f'198.18.{number // 250}.{number % 250 + 1}', 'u' * 200,
                                       _SYSTEMD_INVOCATION_ID='d1' * 16)
                for number in range(1200)]
        first = journals.dovecot_login(start, '192.0.2.1', 'first', session='a1')
        with self.box.writer([first]) as writer:
            self.watcher = self.box.start(f'--dbfile={map_path}', wrapper=self.wrapper)
            self.watcher.wait_ready()
            with Bridge(self.outside(map_path), self.box.environment()) as bridge:
                self.assertEqual(bridge.ask('192.0.2.1'), '200 OK\n')
                filler = self.fill()
                writer.append(many)
                failure = self.watcher.wait_line('warning: writing the map failed')
                self.assertEqual(bridge.ask('192.0.2.1'), '200 OK\n')
                held = self.box.list(map=self.outside(map_path))
                self.assertIn('192.0.2.1', held)
                self.assertLess(len(held), len(many))
                filler.unlink()
                self.watcher.wait_event('allow', many[-1].message.split(b'rip=')[1]
                                        .split(b',')[0].decode())
                self.assertEqual(bridge.ask('192.0.2.1'), '200 OK\n')
                self.assertEqual(bridge.ask('198.18.0.1'), '200 OK\n')
            held = self.box.list(map=self.outside(map_path))
            self.assertEqual(len(held), len(many) + 1)
            allowed = [event.address for event in self.watcher.events('allow')]
            self.assertEqual(len(allowed), len(set(allowed)), 'a login was told of twice')
            runs = [line for line in self.watcher.lines if 'was started anew' in line]
            self.assertEqual(len(runs), 1, 'a new run was told of twice, or never')
            self.watcher.stop()
            self.assertIn('No space left on device', self.watcher.lines[failure])


if __name__ == '__main__':
    tap.main()
