# SPDX-License-Identifier: LGPL-2.1-or-later
"""pbs-lookupd with a map that is missing, comes, goes, is written, replaced, damaged or foreign."""

import os
import threading
import unittest

import tap
from lookupd import FOUND, NOT_FOUND, UNAVAILABLE, Directory, Lookupd, make_map

WARNING = 'cannot read map .*, answering 400'


class Maps(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.addCleanup(self.directory.close)
        self.map = self.directory.map

    def start(self, *options, **keywords):
        self.server = Lookupd(self.map, *options, **keywords)
        self.addCleanup(self.check_end)
        return self.server

    def check_end(self):
        self.assertEqual(self.server.stop(), 0, self.server.lines)

    def replace(self, *records, **keywords):
        """Puts another map in its place, as the watcher does when it makes a new one."""
        other = self.directory.path / 'other.tdb'
        make_map(other, *records, **keywords)
        os.rename(other, self.map)

    def assert_cannot_tell(self, reason):
        """Addresses get 400 and nothing is said of them; other keys are served; one warning."""
        for _ in range(3):
            self.assertEqual(self.server.ask('192.0.2.10', 'unknown', '2001:db8::10'),
                             [UNAVAILABLE, NOT_FOUND, UNAVAILABLE])
        self.server.wait_line(reason)
        self.assertEqual(self.server.count_lines(WARNING), 1)

    def test_missing_map_that_appears(self):
        self.start()
        client = self.server.connect()
        self.assertEqual(client.ask('192.0.2.10'), UNAVAILABLE)
        self.assert_cannot_tell('No such file or directory')
        make_map(self.map, '192.0.2.10=1800')
        self.assertEqual((client.ask('192.0.2.10'), client.ask('192.0.2.12')), (FOUND, NOT_FOUND))
        self.server.wait_line(f'reading map {self.map}')
        client.close()

    def test_names_do_not_touch_the_map(self):
        self.start()
        self.assertEqual(self.server.ask('unknown', 'a.example', ''), [NOT_FOUND] * 3)
        self.assertEqual(self.server.count_lines(WARNING), 0)
        self.assertFalse(os.path.exists(self.map))

    def test_missing_map_is_not_created(self):
        self.start()
        self.assertEqual(self.server.ask('192.0.2.10'), UNAVAILABLE)
        self.assertFalse(os.path.exists(self.map))

    def test_map_that_is_written(self):
        make_map(self.map, '192.0.2.10=1800')
        self.start()
        with self.server.connect() as client:
            self.assertEqual(client.ask('192.0.2.12'), NOT_FOUND)
            make_map(self.map, '192.0.2.12=1800', '192.0.2.10=-1')
            self.assertEqual(client.ask('192.0.2.12'), FOUND)
            self.assertEqual(client.ask('192.0.2.10'), NOT_FOUND)

    def test_answers_while_the_map_is_written(self):
        make_map(self.map, '192.0.2.10=1800')
        self.start()
        answers, done = [], threading.Event()

        def ask():
            with self.server.connect() as client:
                while not done.is_set():
                    answers.append((client.ask('192.0.2.10'), client.ask('192.0.2.99')))
        asker = threading.Thread(target=ask)
        asker.start()
        try:
            for i in range(30):
                make_map(self.map, *(f'198.51.{i}.{k}=1800' for k in range(100)))
        finally:
            done.set()
            asker.join()
        self.assertEqual(set(answers), {(FOUND, NOT_FOUND)})

    def test_replaced_map(self):
        make_map(self.map, '192.0.2.10=1800', '2001:db8::10=1800')
        self.start()
        with self.server.connect() as client:
            self.assertEqual(client.ask('192.0.2.10'), FOUND)
            self.replace('192.0.2.12=1800', '2001:db8::10=1800', prefix=64)
            self.assertEqual(client.ask('192.0.2.10'), NOT_FOUND)
            self.assertEqual(client.ask('192.0.2.12'), FOUND)
            self.assertEqual(client.ask('2001:db8::ffff'), FOUND)
        self.assertEqual(self.server.count_lines(WARNING), 0)

    def test_replaced_a_hundred_times_keeps_one_file_open(self):
        make_map(self.map, '192.0.2.0=1800')
        self.start()
        with self.server.connect() as client:
            client.ask('192.0.2.0')
            files = self.server.open_files()
            for i in range(1, 100):
                self.replace(f'192.0.2.{i}=1800')
                self.assertEqual(client.ask(f'192.0.2.{i}'), FOUND)
                self.assertEqual(client.ask(f'192.0.2.{i - 1}'), NOT_FOUND)
            self.assertEqual(self.server.open_files(), files)

    def test_removed_map_that_comes_back(self):
        make_map(self.map, '192.0.2.10=1800')
        self.start()
        self.assertEqual(self.server.ask('192.0.2.10'), FOUND)
        os.unlink(self.map)
        self.assert_cannot_tell('No such file or directory')
        make_map(self.map, '192.0.2.12=1800')
        self.assertEqual(self.server.ask('192.0.2.10', '192.0.2.12'), [NOT_FOUND, FOUND])

    def test_replaced_by_something_else(self):
        make_map(self.map, '192.0.2.10=1800')
        self.start()
        self.assertEqual(self.server.ask('192.0.2.10'), FOUND)
        other = self.directory.path / 'other'
        other.write_text('not a map\n')
        os.rename(other, self.map)
        self.assert_cannot_tell('not a map of pop-before-smtp')
        self.assertEqual(self.map.read_text(), 'not a map\n')

    def test_foreign_files(self):
        contents = {'text': b'192.0.2.10 OK\n' * 1000, 'sqlite': b'SQLite format 3\0' + bytes(8192),
                    'zeros': bytes(65536), 'one byte': b'x'}
        for name, content in contents.items():
            with self.subTest(name):
                self.map.write_bytes(content)
                server = Lookupd(self.map)
                self.assertEqual(server.ask('192.0.2.10', 'unknown'), [UNAVAILABLE, NOT_FOUND])
                server.wait_line('not a map of pop-before-smtp')
                self.assertEqual(server.stop(), 0)
                self.assertEqual(self.map.read_bytes(), content)

    def test_files_of_other_kinds(self):
        makers = {'directory': os.mkdir, 'fifo': os.mkfifo,
                  'device': lambda path: os.symlink('/dev/zero', path),
                  'loop': lambda path: os.symlink(path, path)}
        for name, make in makers.items():
            with self.subTest(name):
                path = self.directory.path / name
                make(path)
                server = Lookupd(path)
                self.assertEqual(server.ask('192.0.2.10', 'unknown'), [UNAVAILABLE, NOT_FOUND])
                server.wait_line(WARNING)
                self.assertEqual(server.stop(), 0)

    def test_tdb_of_another_program(self):
        make_map(self.map, '192.0.2.10=1800')
        # Without the key that says whose it is; the file's other places that name it are unused.
        content = self.map.read_bytes()
        self.assertIn(b'.format', content)
        self.map.write_bytes(content.replace(b'.format', b'.mariah'))
        self.start()
        self.assert_cannot_tell('not a map of pop-before-smtp')

    def test_format_of_another_version(self):
        make_map(self.map, '192.0.2.10=1800')
        content = self.map.read_bytes()
        self.assertIn(b'.format1', content)
        self.map.write_bytes(content.replace(b'.format1', b'.format2'))
        self.start()
        self.assert_cannot_tell('format of another version')

    def test_damaged_files(self):
        make_map(self.map, '192.0.2.10=1800', '2001:db8::10=1800')
        whole = self.map.read_bytes()
        damages = {'empty': b'', 'magic cut short': whole[:5], 'header only': whole[:168],
                   'cut in the hash table': whole[:1000],
                   'cut before the records': whole[:whole.index(b'192.0.2.10') - 100],
                   'zeros behind the header': whole[:168] + bytes(len(whole) - 168),
                   'ones behind the header': whole[:168] + b'\xff' * (len(whole) - 168),
                   'noise in the header': whole[:32] + b'\xa5' * 136 + whole[168:]}
        for name, content in damages.items():
            with self.subTest(name):
                self.map.write_bytes(content)
                server = Lookupd(self.map)
                answers = server.ask('192.0.2.10', 'unknown', '2001:db8::10', '192.0.2.99')
                server.wait_line(WARNING)
                self.assertEqual(server.stop(), 0)
                self.assertEqual(answers, [UNAVAILABLE, NOT_FOUND, UNAVAILABLE, UNAVAILABLE])

    def test_damage_while_open(self):
        make_map(self.map, *(f'192.0.2.{i}=1800' for i in range(100)))
        self.start()
        self.assertEqual(self.server.ask('192.0.2.10'), FOUND)
        size = self.map.stat().st_size
        with open(self.map, 'r+b') as file:
            file.seek(168)
            file.write(b'\xff' * (size - 168))
        self.assertEqual(self.server.ask('192.0.2.10', 'unknown'), [UNAVAILABLE, NOT_FOUND])
        self.server.wait_line('damaged, answering 400')
        self.replace('192.0.2.10=1800')
        self.assertEqual(self.server.ask('192.0.2.10', '192.0.2.11'), [FOUND, NOT_FOUND])

    def test_cut_short_while_open(self):
        make_map(self.map, *(f'192.0.2.{i}=1800' for i in range(100)))
        self.start()
        self.assertEqual(self.server.ask('192.0.2.10'), FOUND)
        os.truncate(self.map, 4096)
        self.assertEqual(self.server.ask('192.0.2.10', 'unknown'), [UNAVAILABLE, NOT_FOUND])
        self.replace('192.0.2.10=1800')
        self.assertEqual(self.server.ask('192.0.2.10', '192.0.2.11'), [FOUND, NOT_FOUND])

    def test_one_damaged_record(self):
        make_map(self.map, '192.0.2.10=1800', '192.0.2.11=1800')
        content = self.map.read_bytes()
        at = content.index(b'192.0.2.10') + len(b'192.0.2.10')
        self.map.write_bytes(content[:at] + b'x' + content[at + 1:])
        self.start()
        self.assertEqual(self.server.ask('192.0.2.10', '192.0.2.11', '192.0.2.10', '192.0.2.12'),
                         [UNAVAILABLE, FOUND, UNAVAILABLE, NOT_FOUND])
        self.server.wait_line('cannot read the record of 192.0.2.10 in map .*: damaged')
        self.assertEqual(self.server.count_lines('cannot read'), 1)

    def test_map_that_may_not_be_read(self):
        make_map(self.map, '192.0.2.10=1800')
        self.map.chmod(0o600)
        if os.getuid() == 0:
            # The program may lie where only root looks, so a stranger cannot always start it.
            try:
                self.start(user=65534, group=65534, extra_groups=[])
            except PermissionError as error:
                self.skipTest(f'another user cannot run the program: {error}')
        else:
            self.map.chmod(0)
            self.start()
        self.assert_cannot_tell('Permission denied')
        self.map.chmod(0o666)
        self.assertEqual(self.server.ask('192.0.2.10', '192.0.2.11'), [FOUND, NOT_FOUND])


if __name__ == '__main__':
    tap.main()
