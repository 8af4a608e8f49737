# SPDX-License-Identifier: LGPL-2.1-or-later
"""Journals for the tests: recorded ones moved to another time, and invented ones.

Entries are read and written in the Journal Export Format, and made into journal files by
systemd-journal-remote."""

import heapq
import os
import pathlib
import struct
import subprocess
import time
import uuid

RECORDINGS = pathlib.Path(__file__).resolve().parent.parent / 'journals'
JOURNAL_REMOTE = '/lib/systemd/systemd-journal-remote'
SEC = 1000000
MIN = 60 * SEC

_BOOT_ID = uuid.uuid4().hex.encode()
_MACHINE_ID = b'3d1219c7c4c5404aaa1f6d2a48adfda4'
_BOOT_USEC = 1600000000 * SEC  # long ago, so that no entry is from before it
_TIMES = (b'__REALTIME_TIMESTAMP', b'_SOURCE_REALTIME_TIMESTAMP')


def now():
    """The time in microseconds since the epoch."""
    return time.time_ns() // 1000


class Entry:
    """A journal entry: its fields in order, as pairs of bytes; a name may stand more than once."""

    def __init__(self, fields):
        self.fields = list(fields)

    def get(self, name, default=None):
        name = name.encode() if isinstance(name, str) else name
        return next((value for key, value in self.fields if key == name), default)

    @property
    def usec(self):
        return int(self.get(b'__REALTIME_TIMESTAMP'))

    @property
    def message(self):
        return self.get(b'MESSAGE', b'')

    def moved(self, usec):
        """The same entry, that much later."""
        return Entry((key, b'%d' % (int(value) + usec) if key in _TIMES else value)
                     for key, value in self.fields)

    def at(self, usec):
        """The same entry, at that time."""
        times = {b'__REALTIME_TIMESTAMP': b'%d' % usec,
                 b'__MONOTONIC_TIMESTAMP': b'%d' % (usec - _BOOT_USEC)}
        return Entry((key, times.get(key, value)) for key, value in self.fields)

    def export(self):
        parts = []
        for key, value in self.fields:
            if key != b'__REALTIME_TIMESTAMP' and not _is_text(value):
                parts.append(key + b'\n' + len(value).to_bytes(8, 'little') + value + b'\n')
            else:
                parts.append(key + b'=' + value + b'\n')
        return b''.join(parts) + b'\n'


def _is_text(value):
    if len(value) > 8192:  # systemd-journal-remote takes no longer lines
        return False
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    return not any((char < ' ' and char != '\t') or '\x7f' <= char <= '\x9f' for char in text)


def parse_export(data):
    """Reads the Journal Export Format; values may hold any byte."""
    entries, fields, at = [], [], 0
    while at < len(data):
        end = data.index(b'\n', at)
        line = data[at:end]
        at = end + 1
        if not line:
            if fields:
                entries.append(Entry(fields))
            fields = []
        elif b'=' in line:
            fields.append(tuple(line.split(b'=', 1)))
        else:
            size = int.from_bytes(data[at:at + 8], 'little')
            fields.append((line, data[at + 8:at + 8 + size]))
            at += 8 + size + 1
    if fields:
        entries.append(Entry(fields))
    return entries


def recorded(name):
    """The entries of a recording in tests/journals, at the times that they had."""
    return parse_export((RECORDINGS / f'{name}.export').read_bytes())


class Expected:
    """What a recording must yield: a login or logout, its address and user, as bytes, and its
    message. The address is "-" where nobody can tell."""

    def __init__(self, kind, address, user, message):
        self.kind = kind.decode()
        self.address = address.decode()
        self.user = _unescape(user)
        self.message = _unescape(message)


def _unescape(text):
    return text.replace(rb'\x09', b'\t').replace(rb'\x0a', b'\n')


def expected(name, *kinds):
    """What a recording holds, in order; of these kinds only, if there are any."""
    lines = (RECORDINGS / f'{name}.expect').read_bytes().split(b'\n')
    found = [Expected(*line.split(b'\t', 3)) for line in lines if line]
    return [item for item in found if not kinds or item.kind in kinds]


# Goodbyes of sessions that a restart of the server had ended already: Dovecot's old log process
# wrote them when the new run, to which systemd then counted it, had begun.
LATE = {'dovecot-anyuser': ['imap(alice)<443><zVnBEtpgqZDAAAIK>: ',
                            'pop3(carol)<447><LmzFE9pgAefAAAIK>: ']}


def is_late(name, item):
    return any(item.message.startswith(late.encode()) for late in LATE.get(name, []))


def move(entries, last):
    """The entries with all times moved by the same span so that the last one happened at `last`."""
    return [entry.moved(last - entries[-1].usec) for entry in entries]


def shorten_pauses(entries, longest):
    """The entries, with pauses between them cut to `longest`; the first keeps its time."""
    result, cut, before = [], 0, None
    for entry in entries:
        if before is not None:
            cut += max(0, entry.usec - before - longest)
        before = entry.usec
        result.append(entry.moved(-cut))
    return result


def merge(*lists):
    """Several recordings as one, in the order of time."""
    return list(heapq.merge(*lists, key=lambda entry: entry.usec))


def entry(when, message, **fields):
    """An invented entry. Fields with the value None are left out."""
    message = message.encode() if isinstance(message, str) else message
    values = {'_TRANSPORT': 'syslog', 'PRIORITY': '6', '_HOSTNAME': 'mail', **fields}
    return Entry([(b'__REALTIME_TIMESTAMP', b'%d' % when),
                  (b'__MONOTONIC_TIMESTAMP', b'%d' % (when - _BOOT_USEC)),
                  (b'_BOOT_ID', _BOOT_ID), (b'_MACHINE_ID', _MACHINE_ID), (b'MESSAGE', message)]
                 + [(key.encode(), value if isinstance(value, bytes) else str(value).encode())
                    for key, value in values.items() if value is not None])


_DOVECOT = {'_SYSTEMD_UNIT': 'dovecot.service', '_UID': 0, '_GID': 0, '_COMM': 'log', '_PID': 321,
            '_EXE': '/usr/lib/dovecot/log', 'SYSLOG_IDENTIFIER': 'dovecot', 'SYSLOG_FACILITY': 2,
            '_SYSTEMD_INVOCATION_ID': 'd0' * 16}
_COURIER = {'_SYSTEMD_UNIT': 'courier-imap.service', '_UID': 0, '_GID': 0, '_PID': 432,
            '_COMM': 'courierlogger', '_EXE': '/usr/sbin/courierlogger',
            'SYSLOG_IDENTIFIER': 'imapd', 'SYSLOG_FACILITY': 2,
            '_SYSTEMD_INVOCATION_ID': 'c0' * 16}


def dovecot_message(address, user='alice', service='imap', session=None):
    return (f'{service}-login: Login: user=<{user}>, method=PLAIN, rip={address}, '
            'lip=127.0.0.1, mpid=522, TLS' + (f', session=<{session}>' if session else ''))


def dovecot(when, message, **fields):
    """Whatever Dovecot says."""
    return entry(when, message, **{**_DOVECOT, **fields})


def dovecot_login(when, address, user='alice', session=None, **fields):
    """An entry like those that Dovecot writes when somebody logs in. Without a session, as before
    2.2.14, the login is all that counts."""
    return entry(when, dovecot_message(address, user, session=session), **{**_DOVECOT, **fields})


def dovecot_logout(when, session, user='alice', **fields):
    """What Dovecot 2.3 writes when the session ends; no address stands in it."""
    return entry(when, f'imap({user})<522><{session}>: Disconnected: Logged out in=8 out=418 '
                 'deleted=0 expunged=0 trashed=0 hdr_count=0 hdr_bytes=0 body_count=0 '
                 'body_bytes=0', **{**_DOVECOT, **fields})


def _courier_client(address, port):
    shown = address if ':' in address else f'::ffff:{address}'
    return f'ip=[{shown}]' + (f', port=[{port}]' if port else '')


def courier_login(when, address, user='alice', port=None, **fields):
    """An entry like those that Courier writes; IPv4 addresses come mapped to IPv6 from it. Without
    a port, as in old versions, the login is all that counts."""
    return entry(when, f'LOGIN, user={user}, {_courier_client(address, port)}, protocol=IMAP',
                 **{**_COURIER, **fields})


def courier_logout(when, address, port, user='alice', **fields):
    return entry(when, f'LOGOUT, user={user}, {_courier_client(address, port)}, headers=0, body=0, '
                 'rcvd=24, sent=350, time=0', **{**_COURIER, **fields})


def noise(when, number=0, **fields):
    """An entry that is nobody's login."""
    return entry(when, f'imap-login: Disconnected: Inactivity (no auth attempts in {number} secs): '
                 'user=<>, rip=6.6.6.6, lip=127.0.0.1', **{**_DOVECOT, **fields})


class HalfWritten:
    """Takes the last entry of a journal file back to where journald is in the middle of appending
    it: it is counted in the header, but the fields do not list it yet. The format is that of
    https://systemd.io/JOURNAL_FILE_FORMAT/."""

    _DATA, _ENTRY = 1, 3
    _COMPACT = 1 << 4

    def __init__(self, path):
        self.path = path
        data = path.read_bytes()
        # What a data object says of its entries: the first one, the array of the others, how many.
        self.lists = {at + 40: struct.unpack_from('<QQQ', data, at + 40)
                      for at in self._fields(data, self._last_entry(data))}
        self._put({at: (first, array, count - 1) if count > 1 else (0, 0, 0)
                   for at, (first, array, count) in self.lists.items()})

    def _last_entry(self, data):
        at, last = struct.unpack_from('<Q', data, 88)[0], None
        tail = struct.unpack_from('<Q', data, 136)[0]
        while at <= tail:
            kind, size = struct.unpack_from('<B7xQ', data, at)
            if kind == self._ENTRY:
                last = at
            at += size + -size % 8
        return last

    def _fields(self, data, entry):
        """Where the data objects of the entry are."""
        form = '<I' if struct.unpack_from('<I', data, 12)[0] & self._COMPACT else '<Q8x'
        end = entry + struct.unpack_from('<Q', data, entry + 8)[0]
        found = [at for at, in struct.iter_unpack(form, data[entry + 64:end])]
        assert found and all(data[at] == self._DATA for at in found)
        return found

    def _put(self, lists):
        """In the order of the file, as journald does; each at once, as it is found by others."""
        with open(self.path, 'r+b', buffering=0) as file:
            for at, values in sorted(lists.items()):
                os.pwrite(file.fileno(), struct.pack('<QQQ', *values), at)

    def finish(self):
        """Appends the rest, without a notice."""
        self._put(self.lists)

    def notify(self):
        """Tells readers, the way journald does some time later."""
        os.truncate(self.path, self.path.stat().st_size)


def write(path, entries):
    """Appends the entries to a journal file, which is created if need be, and closes it."""
    with Writer(path) as writer:
        writer.append(entries)


class Writer:
    """A process that keeps a journal file open and appends what it is given at once."""

    def __init__(self, path):
        self.closed = False
        self.process = subprocess.Popen([JOURNAL_REMOTE, '-o', os.fspath(path), '-'],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)

    def append(self, entries):
        self.process.stdin.write(b''.join(entry.export() for entry in entries))
        self.process.stdin.flush()

    def close(self):
        """Ends the process once everything is written."""
        self.closed = True
        _, errors = self.process.communicate()
        if self.process.returncode != 0:
            raise RuntimeError(f'systemd-journal-remote: {errors.decode(errors="replace")}')

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if not self.closed:
            self.close()
        return False
