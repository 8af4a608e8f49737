# SPDX-License-Identifier: LGPL-2.1-or-later
"""pbs-list on maps that are written here, key by key, as pop-before-smtp.tdb(5) has them."""

import ctypes
import fcntl
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import tempfile
import termios
import time
import unittest

import tap

BUILD = pathlib.Path(os.environ.get('PBS_BUILD_DIR',
                                    pathlib.Path(__file__).resolve().parents[2] / 'build'))
PROGRAM = BUILD / 'src/tools/pbs-list'
DEADLINE = 60  # seconds; only a failing test waits so long
SEC = 1_000_000
MIN = 60 * SEC
HOUR = 60 * MIN
DAY = 24 * HOUR


class Datum(ctypes.Structure):
    _fields_ = [('dptr', ctypes.c_char_p), ('dsize', ctypes.c_size_t)]


libtdb = ctypes.CDLL('libtdb.so.1', use_errno=True)
libtdb.tdb_open.restype = ctypes.c_void_p
libtdb.tdb_open.argtypes = [ctypes.c_char_p] + 4 * [ctypes.c_int]
libtdb.tdb_store.argtypes = [ctypes.c_void_p, Datum, Datum, ctypes.c_int]
libtdb.tdb_close.argtypes = [ctypes.c_void_p]


def write_map(path, records, prefix=128, **settings):
    """Writes a map with the records, {key: value}, and the settings of a map, or those given."""
    tdb = libtdb.tdb_open(os.fsencode(path), 101, 0, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o660)
    assert tdb, os.strerror(ctypes.get_errno())
    contents = {'.format': '1', '.prefix': str(prefix)} | settings | records
    for key, value in contents.items():
        key, value = key.encode(), value if isinstance(value, bytes) else value.encode()
        if value != b'-':
            assert libtdb.tdb_store(tdb, Datum(key, len(key)), Datum(value, len(value)), 0) == 0
    libtdb.tdb_close(tdb)


def now():
    return time.time_ns() // 1000


def record(left, ago=4 * MIN, rule='dovecot', user='alice', sessions=0):
    """A record whose time is over in `left` µs, and whose login was `ago` µs ago."""
    start = now()
    return f'{start + left} {start - ago} {sessions} {rule} {user}'


# Times that stay the same to the minute while a test runs.
MANY = {
    '192.0.2.10': (25 * MIN + 30 * SEC, 'dovecot', 'alice'),
    '192.0.2.9': (20 * MIN + 30 * SEC, 'courier', 'bob'),
    '198.51.100.7': (10 * MIN + 30 * SEC, 'courier', 'alice@example.org'),
    '2001:db8::10': (15 * MIN + 30 * SEC, 'dovecot', 'carol'),
    '2001:db8::9': (5 * MIN + 30 * SEC, 'dovecot', ''),
}
BY_EXPIRY = ['2001:db8::9', '198.51.100.7', '2001:db8::10', '192.0.2.9', '192.0.2.10']
BY_ADDRESS = ['192.0.2.9', '192.0.2.10', '198.51.100.7', '2001:db8::9', '2001:db8::10']


class ListTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.map = self.directory / 'map.tdb'

    def write(self, records=None, **options):
        write_map(self.map, records or {}, **options)

    def write_many(self):
        self.write({address: record(left, rule=rule, user=user)
                    for address, (left, rule, user) in MANY.items()})

    def start(self, *arguments, env=None, **options):
        return subprocess.run([PROGRAM, f'--dbfile={self.map}', *arguments], text=True,
                              env=os.environ | {'TZ': 'UTC', 'LC_ALL': 'C.UTF-8'} | (env or {}),
                              stdin=subprocess.DEVNULL, timeout=DEADLINE,
                              **{'capture_output': True} | options)

    def run_list(self, *arguments, status=0, stderr='', env=None):
        """What it prints, after a look at its exit status and its complaints."""
        result = self.start(*arguments, env=env)
        self.assertEqual((result.returncode, result.stderr), (status, stderr), result.stdout)
        return result.stdout

    def run_json(self, *arguments, **expected):
        return json.loads(self.run_list('--json=short', *arguments, **expected))

    def addresses(self, *arguments, **expected):
        return [row['address'] for row in self.run_json(*arguments, **expected)]

    def fails(self, status, pattern, *arguments):
        result = self.start(*arguments)
        self.assertEqual((result.returncode, result.stdout), (status, ''), result.stderr)
        self.assertRegex(result.stderr, pattern)
        return result.stderr


class Table(ListTest):
    def test_whole(self):
        self.write({'192.0.2.10': record(25 * MIN + 30 * SEC),
                    '2001:db8::10': record(29 * MIN + 30 * SEC, 90 * MIN + 30 * SEC, 'courier',
                                           user='')})
        self.assertRegex(self.run_list(), re.compile(
            r'ADDRESS      USER  RULE    LAST +LEFT +SESSIONS\n'
            r'192\.0\.2\.10   alice dovecot 4min( \d+s)? ago +25min \d+s left +\d\n'
            r'2001:db8::10 -     courier 1h 30min ago +29min \d+s left +\d\n'
            r'\n'
            r'2 entries listed\.\n\Z'))

    def test_held_by_sessions(self):
        """Nobody is to think that he has a day after his last session; in JSON, `sessions` tells."""
        self.write({'192.0.2.10': record(24 * 60 * MIN + 30 * SEC, sessions=2),
                    '192.0.2.11': record(25 * MIN + 30 * SEC)})
        text = self.run_list()
        self.assertRegex(text, r'(?m)^192\.0\.2\.10 .* held \(cap 1d( \d+s)? left\) +2$')
        self.assertRegex(text, r'(?m)^192\.0\.2\.11 .* 25min \d+s left +0$')
        self.assertEqual(self.addresses('--sort=LEFT'), ['192.0.2.11', '192.0.2.10'])
        self.assertEqual(self.addresses('--held'), ['192.0.2.10'])
        self.assertEqual(self.addresses('--held', '192.0.2.11', '192.0.2.10', status=1,
                                        stderr='pbs-list: 192.0.2.11: no entry\n'),
                         ['192.0.2.10'])

    def test_one_entry(self):
        self.write({'192.0.2.10': record(MIN)})
        self.assertTrue(self.run_list().endswith('\n\n1 entry listed.\n'))

    def test_empty(self):
        self.write()
        self.assertEqual(self.run_list(), 'No entries.\n')
        self.assertEqual(self.run_list('--noheadings'), '')
        self.assertEqual(self.run_list('--raw'), '')
        self.assertEqual(self.run_list('--json=short'), '[]\n')
        self.assertEqual(self.run_list('--json=pretty'), '[]\n')
        self.assertEqual(self.run_list('--json=lines'), '')

    def test_noheadings(self):
        self.write({'192.0.2.10': record(MIN)})
        for option in '--noheadings', '--no-legend':
            self.assertRegex(self.run_list(option, '--output=ADDRESS,USER'),
                             r'\A192\.0\.2\.10 alice\n\Z')

    def test_raw(self):
        self.write({'192.0.2.10': record(2 * DAY + 5 * MIN, user='a b'),
                    '192.0.2.11': record(3 * DAY, user='')})
        lines = self.run_list('--raw', '--output=address,user,left').splitlines()
        self.assertEqual(lines[0], 'ADDRESS USER LEFT')
        self.assertRegex(lines[1], r'^192\.0\.2\.10 a\\x20b 2d\\x20\d+min\\x20left$')
        self.assertRegex(lines[2], r'^192\.0\.2\.11 - 2d\\x2023h\\x20left$')
        self.assertEqual(len(lines), 3)

    def test_columns(self):
        self.write({'192.0.2.10': record(MIN, sessions=3)})
        self.assertRegex(self.run_list('--output=SESSIONS,RULE'),
                         r'\ASESSIONS RULE\n       3 dovecot\n')
        self.assertTrue(self.run_list('--output=+EXPIRES,LOGIN').startswith(
            'ADDRESS    USER  RULE    LAST'))
        self.assertRegex(self.run_list('--output=+EXPIRES,LOGIN'), r' EXPIRES +LOGIN\n')

    def test_times_are_local_and_english(self):
        self.write({'192.0.2.10': '4102444800000000 1000000 0 dovecot alice'})
        self.assertEqual(self.run_list('--noheadings', '--output=EXPIRES,LOGIN'),
                         'Fri 2100-01-01 00:00:00 UTC Thu 1970-01-01 00:00:01 UTC\n')
        self.assertEqual(self.run_list('--noheadings', '--output=EXPIRES',
                                       env={'TZ': 'EST5', 'LC_ALL': 'de_DE.UTF-8'}),
                         'Thu 2099-12-31 19:00:00 EST\n')

    def test_login_in_the_future(self):
        self.write({'192.0.2.10': record(MIN, -HOUR)})
        self.assertEqual(self.run_list('--noheadings', '--output=LAST'), '0s ago\n')

    def test_other_scripts(self):
        self.write({'192.0.2.10': record(MIN, user='jörg@пример'), '192.0.2.9': record(MIN)})
        text = self.run_list('--output=USER,ADDRESS', '--noheadings', '--sort=ADDRESS')
        self.assertEqual(text, 'alice       192.0.2.9\njörg@пример 192.0.2.10\n')

    def test_pipe_never_cuts(self):
        user = 'u' * 255
        self.write({'192.0.2.10': record(MIN, user=user)})
        self.assertIn(user, self.run_list(env={'COLUMNS': '40'}))

    def test_terminal_wraps_the_user(self):
        self.write({'192.0.2.10': record(MIN, user='u' * 100)})
        text = self.on_terminal(80)
        self.assertLessEqual(max(map(len, text.split('\r\n'))), 80)
        self.assertEqual(text.count('u'), 100)
        self.assertIn('left', text)

    def on_terminal(self, columns, *arguments):
        try:
            primary, secondary = pty.openpty()
        except OSError as error:
            self.skipTest(f'no terminal can be had here: {error}')
        with os.fdopen(primary, 'rb', 0) as terminal:
            with os.fdopen(secondary, 'wb', 0) as end:
                fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack('4H', 25, columns, 0, 0))
                self.assertEqual(self.start(*arguments, env={'TERM': 'xterm'}, stdout=end,
                                            stderr=None, capture_output=False).returncode, 0)
            text = b''
            try:
                while chunk := terminal.read(4096):
                    text += chunk
            except OSError:  # the terminal's other end is closed and its buffer empty
                pass
            return text.decode().replace('entries listed', '')

    def test_json_of_a_terminal_is_pretty(self):
        self.write({'192.0.2.10': record(MIN)})
        self.assertGreater(len(self.on_terminal(80, '-j').splitlines()), 5)
        self.assertEqual(len(self.run_list('-j').splitlines()), 1)


class Json(ListTest):
    def test_whole(self):
        start = now()
        self.write({'192.0.2.10': f'{start + HOUR} {start - MIN} 2 dovecot alice'})
        row, = self.run_json()
        left = row.pop('left_usec')
        self.assertLessEqual(left, HOUR)
        self.assertGreater(left, HOUR - DEADLINE * SEC)
        self.assertEqual(list(row.items()), [
            ('address', '192.0.2.10'), ('user', 'alice'), ('rule', 'dovecot'),
            ('login_usec', start - MIN), ('sessions', 2), ('expires_usec', start + HOUR)])

    def test_unknown_user_is_null(self):
        self.write({'192.0.2.10': record(MIN, user='')})
        self.assertEqual(self.run_json('--output=USER'), [{'user': None}])

    def test_output_chooses_keys(self):
        self.write({'192.0.2.10': record(MIN)})
        self.assertEqual(self.run_list('--json=short', '--output=RULE,ADDRESS'),
                         '[{"rule":"dovecot","address":"192.0.2.10"}]\n')

    def test_lines(self):
        self.write_many()
        lines = self.run_list('--json=lines').splitlines()
        self.assertEqual([json.loads(line)['address'] for line in lines], BY_EXPIRY)

    def test_pretty(self):
        self.write_many()
        text = self.run_list('--json=pretty')
        self.assertEqual([row['address'] for row in json.loads(text)], BY_EXPIRY)
        self.assertGreater(len(text.splitlines()), 5 * 6)

    def test_off(self):
        self.write()
        self.assertEqual(self.run_list('--json=short', '--json=off'), 'No entries.\n')

    def test_hostile_user(self):
        user = '"},{"address":"203.0.113.6\\ \u00fc'
        self.write({'192.0.2.10': record(MIN, user=user)})
        row, = self.run_json()
        self.assertEqual((row['address'], row['user']), ('192.0.2.10', user))


class Order(ListTest):
    def setUp(self):
        super().setUp()
        self.write_many()

    def test_expiry_is_the_default(self):
        self.assertEqual(self.addresses(), BY_EXPIRY)
        self.assertEqual(self.addresses('--sort=LEFT'), BY_EXPIRY)
        self.assertEqual(self.addresses('--reverse'), BY_EXPIRY[::-1])
        self.assertEqual(self.addresses('-r'), BY_EXPIRY[::-1])

    def test_addresses_are_numbers(self):
        self.assertEqual(self.addresses('--sort=ADDRESS'), BY_ADDRESS)
        self.assertEqual(self.addresses('--sort=address', '-r'), BY_ADDRESS[::-1])

    def test_text_and_ties(self):
        self.assertEqual(self.addresses('--sort=RULE'),
                         ['192.0.2.9', '198.51.100.7', '192.0.2.10', '2001:db8::9', '2001:db8::10'])
        self.assertEqual(self.addresses('--sort=USER'),
                         ['2001:db8::9', '192.0.2.10', '198.51.100.7', '192.0.2.9', '2001:db8::10'])

    def test_many(self):
        records = {f'10.{i // 256}.{i % 256}.1': record(HOUR + (i * 7919) % 5000 * SEC)
                   for i in range(5000)}
        self.write(records)
        rows = self.run_json()
        self.assertEqual({row['address'] for row in rows}, set(records))
        expiries = [row['expires_usec'] for row in rows]
        self.assertEqual(expiries, sorted(expiries))


class Filter(ListTest):
    def setUp(self):
        super().setUp()
        self.write_many()

    def test_address_in_any_spelling(self):
        for spelling in '192.0.2.10', '::ffff:192.0.2.10', '::FFFF:c000:020a', '[192.0.2.10]':
            self.assertEqual(self.addresses(spelling), ['192.0.2.10'], spelling)
        for spelling in ('2001:db8::10', '2001:0DB8:0000:0000:0000:0000:0000:0010',
                         'IPv6:2001:db8::10', 'ipv6:2001:db8:0:0:0:0:0:10', '[2001:db8::10]'):
            self.assertEqual(self.addresses(spelling), ['2001:db8::10'], spelling)

    def test_absent_address(self):
        self.assertEqual(self.run_list('192.0.2.11', status=1), 'No entries.\n')
        self.assertEqual(self.addresses('192.0.2.11', status=1), [])
        self.assertEqual(self.addresses('192.0.2.11', '192.0.2.10', '2001:db8::11', status=1,
                                        stderr='pbs-list: 192.0.2.11: no entry\n'
                                               'pbs-list: 2001:db8::11: no entry\n'),
                         ['192.0.2.10'])

    def test_prefix(self):
        for prefix, expected in {
            '192.0.2.0/24': {'192.0.2.9', '192.0.2.10'},
            '192.0.2.10/31': {'192.0.2.10'},
            '192.0.2.10/32': {'192.0.2.10'},
            '0.0.0.0/0': {'192.0.2.9', '192.0.2.10', '198.51.100.7'},
            '2001:db8::/32': {'2001:db8::9', '2001:db8::10'},
            '[2001:db8::10]/124': {'2001:db8::10'},
            '::/0': {'2001:db8::9', '2001:db8::10'},
        }.items():
            self.assertEqual(set(self.addresses(prefix)), expected, prefix)
        self.assertEqual(self.addresses('203.0.113.0/24', status=1), [])

    def test_several_targets(self):
        self.assertEqual(self.addresses('192.0.2.0/24', '192.0.2.9', '198.51.100.7'),
                         ['198.51.100.7', '192.0.2.9', '192.0.2.10'])

    def test_user(self):
        for patterns, expected in {
            ('alice',): {'192.0.2.10'},
            ('alice*',): {'192.0.2.10', '198.51.100.7'},
            ('*@example.org',): {'198.51.100.7'},
            ('[bc]*',): {'192.0.2.9', '2001:db8::10'},
            ('bob', 'carol'): {'192.0.2.9', '2001:db8::10'},
            ('',): {'2001:db8::9'},
            ('dave',): set(),
        }.items():
            options = [f'--user={pattern}' for pattern in patterns]
            self.assertEqual(set(self.addresses(*options)), expected, patterns)

    def test_user_and_address_must_both_hold(self):
        self.assertEqual(self.addresses('--user=alice', '192.0.2.0/24'), ['192.0.2.10'])
        self.assertEqual(self.addresses('--user=bob', '192.0.2.10', status=1), [])

    def test_quiet(self):
        self.assertEqual(self.run_list('--quiet', '192.0.2.10'), '')
        self.assertEqual(self.run_list('-q', '192.0.2.11', status=1), '')
        self.assertEqual(self.run_list('-q', '192.0.2.10', '192.0.2.11', status=1), '')

    def test_neither_address_nor_prefix(self):
        for text in ('localhost', '192.0.2', '192.0.2.010', '192.0.2.10/24', '192.0.2.0/33',
                     '2001:db8::10/32', 'fe80::1%lo', '!192.0.2.10', '192.0.2.10 ', '', '/8'):
            self.assertIn(f'"{text}"', self.fails(2, 'not an address or a prefix', '--', text))


class Groups(ListTest):
    def setUp(self):
        super().setUp()
        self.write({'2001:db8:1:2::/64': record(HOUR), '192.0.2.10': record(2 * HOUR)}, prefix=64)

    def test_shown_as_network(self):
        self.assertEqual(self.addresses(), ['2001:db8:1:2::/64', '192.0.2.10'])

    def test_found_by_any_address_in_it(self):
        for text in '2001:db8:1:2::', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8::/32':
            self.assertEqual(self.addresses(text), ['2001:db8:1:2::/64'], text)
        self.assertEqual(self.addresses('2001:db8:1:3::1', status=1), [])


class Expired(ListTest):
    def test_counts_as_absent(self):
        self.write({'192.0.2.10': record(-1), '192.0.2.11': record(-DAY),
                    '192.0.2.12': record(HOUR)})
        self.assertEqual(self.addresses(), ['192.0.2.12'])
        self.assertEqual(self.addresses('192.0.2.10', status=1), [])
        self.assertEqual(self.run_list('192.0.2.0/28', '-q'), '')

    def test_all_expired(self):
        self.write({'192.0.2.10': record(-1)})
        self.assertEqual(self.run_list(), 'No entries.\n')


class Trouble(ListTest):
    def test_no_map(self):
        self.assertIn(str(self.map), self.fails(69, 'no map yet.*systemctl status pop-before-smtp'))

    def test_no_directory(self):
        self.fails(69, 'no map yet', f'--dbfile={self.directory}/nowhere/map.tdb')

    def test_foreign_file(self):
        self.map.write_bytes(b'SQLite format 3\0' + bytes(4096))
        before = self.map.read_bytes()
        self.fails(69, 'not a map of pop-before-smtp')
        self.assertEqual(self.map.read_bytes(), before)

    def test_foreign_tdb(self):
        self.write(**{'.format': '-'})
        self.fails(69, 'not a map of pop-before-smtp')

    def test_directory(self):
        self.map.mkdir()
        self.fails(69, 'not a map of pop-before-smtp')

    def test_newer_format(self):
        self.write(**{'.format': '2'})
        self.fails(69, 'made by a newer pop-before-smtp')

    def test_cut_map(self):
        self.write_many()
        os.truncate(self.map, 20)
        self.fails(69, 'damaged.*systemctl restart pop-before-smtp')

    def test_damaged_record(self):
        self.write({'192.0.2.10': record(MIN), '192.0.2.11': 'soon alice',
                    '192.0.2.12': record(MIN).encode() + b'\x1b[2J', 'localhost': record(MIN)})
        complaint = f'pbs-list: {self.map}: 3 damaged records left out\n'
        self.assertEqual(self.addresses(stderr=complaint), ['192.0.2.10'])

    @unittest.skipIf(os.geteuid() != 0, 'needs root, to become another user')
    def test_not_permitted(self):
        self.write()
        self.directory.chmod(0o755)
        # The program may be where only root can go; its open file descriptor is not.
        program = os.open(PROGRAM, os.O_RDONLY)
        self.addCleanup(os.close, program)
        for mode in 0o600, 0o644:  # readable alone does not do: TDB must lock
            self.map.chmod(mode)
            result = subprocess.run([f'/proc/self/fd/{program}', f'--dbfile={self.map}'],
                                    pass_fds=[program], user=65534, group=65534, extra_groups=[],
                                    capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual((result.returncode, result.stdout), (77, ''), result.stderr)
            self.assertRegex(result.stderr, 'permission denied.*root.*_pop-before-smtp')

    def test_map_is_not_changed(self):
        self.write_many()
        before = self.map.read_bytes()
        self.run_list()
        self.assertEqual(self.map.read_bytes(), before)

    def test_full_output(self):
        self.write_many()
        for mode in '--json=off', '--json=short', '--json=lines':
            with open('/dev/full', 'wb') as full:
                result = self.start(mode, stdout=full, stderr=subprocess.PIPE, capture_output=False)
            self.assertEqual(result.returncode, 74)
            self.assertRegex(result.stderr, 'standard output: No space left on device')


class Usage(ListTest):
    def test_wrong_options(self):
        for arguments, pattern in {
            ('--nonsense',): '--nonsense',
            ('--user',): '--user',
            ('--json=xml',): 'pretty, short, lines or off',
            ('--sort=SIZE',): 'there are ADDRESS USER RULE LAST LEFT SESSIONS EXPIRES LOGIN',
            ('--output=',): 'there are ADDRESS',
            ('--output=ADDRESS,',): 'there are ADDRESS',
            ('--output=ADDRESS,,USER',): 'there are ADDRESS',
            ('--output=ADDR',): 'there are ADDRESS',
            ('--output=' + ','.join(['USER'] * 17),): 'too many columns',
        }.items():
            self.assertIn("Try 'pbs-list --help'", self.fails(2, pattern, *arguments))

    def test_help_has_each_option_and_column(self):
        text = self.run_list('--help')
        for word in ('--user', '--dbfile', '--json', '-j', '--raw', '--noheadings', '--no-legend',
                     '--output', '--sort', '--reverse', '-r', '--quiet', '-q', '--no-pager',
                     '--version', '--help', 'ADDRESS', 'USER', 'RULE', 'LAST', 'LEFT', 'SESSIONS',
                     'EXPIRES', 'LOGIN'):
            self.assertRegex(text, rf'(?m)(^|[ ,]){word}\b', word)
        self.assertTrue(text.endswith('See the pbs-list(1) man page for details.\n'))

    def test_manual_has_each_option_and_column(self):
        page = pathlib.Path(__file__).resolve().parents[2] / 'man/pbs-list.1'
        manual = page.read_text(encoding='utf-8')
        for option in re.findall(r'--([a-z-]+)', self.run_list('--help')):
            self.assertRegex(manual, rf'(?m)^\.It .*Fl Fl {option}\b')
        for column in 'ADDRESS USER RULE LAST LEFT SESSIONS EXPIRES LOGIN'.split():
            self.assertRegex(manual, rf'(?m)^\.It (Cm|Li) {column}\b')

    def test_version(self):
        self.assertRegex(self.run_list('--version'), r'\Apop-before-smtp \d+(\.\d+)*\n\Z')

    def test_no_pager_is_accepted(self):
        self.write()
        self.assertEqual(self.run_list('--no-pager'), 'No entries.\n')

    def test_options_after_addresses(self):
        self.write_many()
        self.assertEqual(self.addresses('192.0.2.10', '--output=ADDRESS'), ['192.0.2.10'])


if __name__ == '__main__':
    tap.main()
