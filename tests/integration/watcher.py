# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real programs, run on a journal and a configuration in a temporary directory.

Nothing here waits for a time to pass: every wait is for a line of the log or a message on the
notification socket, with a deadline that only a failure reaches."""

import array
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import journals

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get('PBS_BUILD_DIR', SOURCE / 'build'))
DEADLINE = 60  # seconds; only a failing test waits so long

EVENT = re.compile(r'(?:^|\s)(?P<kind>allow|extend|expire|ignore|logout|refuse|stale) '
                   r'(?P<address>[0-9a-f:.]+(?:/\d+)?)(?P<detail>.*?), '
                   r'rule (?P<rule>[A-Za-z0-9_-]+)(?:, user (?P<user>.*))?$')


def program(name):
    return BUILD / {'pop-before-smtp': 'src/watch', 'pbs-lookupd': 'src/lookup',
                    'pbs-list': 'src/tools'}[name] / name


def rules(*names):
    """The shipped files of those names in conf.d, all of them without a name."""
    return [SOURCE / 'conf.d' / f'{name}.conf' for name in names] if names \
        else sorted((SOURCE / 'conf.d').glob('*.conf'))


class Event:
    """A line of the log that tells what became of a login."""

    def __init__(self, match):
        self.kind, self.address, self.rule, self.user, self.detail = match.group(
            'kind', 'address', 'rule', 'user', 'detail')
        self.user = self.user or ''

    def __repr__(self):
        return f'{self.kind} {self.address}{self.detail}, rule {self.rule}, user {self.user}'


def events(lines):
    return [Event(match) for match in map(EVENT.search, lines) if match]


class Sandbox:
    """A temporary directory with a configuration, a journal directory and a place for the map."""

    def __init__(self, config='', shipped=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='pbs-'))
        self.journal = self.directory / 'journal'
        self.config = self.directory / 'pop-before-smtp.conf'
        self.rules = self.directory / 'conf.d'
        self.map = self.directory / 'map.tdb'
        self.catch_up = self.directory / 'catch-up'
        self.bin = self.directory / 'bin'
        self.journal.mkdir()
        self.rules.mkdir()
        self.bin.mkdir()
        self.watchers = []
        self.started = 0
        for path in rules() if shipped is None else shipped:
            (self.rules / path.name).symlink_to(path)
        self.configure(config)

    def configure(self, text='', networks='LocalNetworks=127.0.0.0/8'):
        """Writes the main file; unless told otherwise, only loopback is local, and one user may
        have many addresses, since most tests have only one."""
        self.config.write_text(f'[Watcher]\nCatchUpSocket={self.catch_up}\n'
                               f'MaxAddressesPerUser=65536\n{networks}\n{text}\n')

    def rule(self, name, text):
        (self.rules / name).write_text(text)

    def command(self, name, text):
        """Puts a shell script in front of the PATH of the programs that are started here."""
        path = self.bin / name
        path.write_text(f'#!/bin/sh\n{text}\n')
        path.chmod(0o755)

    def write(self, entries, file='system.journal'):
        journals.write(self.journal / file, entries)

    def writer(self, first, file='system.journal'):
        """Writes the first entries, so that there is a journal, and goes on writing to it."""
        self.write(first, file)
        return journals.Writer(self.journal / file)

    def environment(self, **extra):
        environment = {key: value for key, value in os.environ.items()
                       if key not in ('JOURNAL_STREAM', 'NOTIFY_SOCKET', 'WATCHDOG_USEC',
                                      'WATCHDOG_PID', 'LISTEN_FDS', 'LISTEN_PID')}
        environment['PATH'] = f'{self.bin}:{environment.get("PATH", "/usr/bin:/bin")}'
        environment['TZ'] = 'UTC'
        environment.update(extra)
        return environment

    def options(self):
        return [f'--config={self.config}', f'--watchlog={self.journal}', f'--dbfile={self.map}']

    def run(self, *options, defaults=True, wrapper=(), executable=None):
        """Runs the watcher to its end; for options that print something, and for errors."""
        command = [*wrapper, executable or program('pop-before-smtp'),
                   *(self.options() if defaults else ()), *options]
        return subprocess.run(command, env=self.environment(), timeout=DEADLINE,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors='replace')

    def start(self, *options, **arguments):
        watcher = Watcher(self, *options, **arguments)
        self.watchers.append(watcher)
        return watcher

    def release(self, watcher):
        """Ends it and gives back its descriptors; for tests that start very many."""
        self.watchers.remove(watcher)
        watcher.release()

    def list(self, *arguments, map=None):
        """The map's entries by address, as pbs-list tells them."""
        command = [program('pbs-list'), '--json=short', '--output=ADDRESS,USER,RULE,LOGIN,EXPIRES,SESSIONS',
                   f'--dbfile={map or self.map}', *arguments]
        result = subprocess.run(command, env=self.environment(), capture_output=True, text=True,
                                timeout=DEADLINE)
        if result.returncode not in (0, 1):
            raise RuntimeError(f'pbs-list: exit {result.returncode}: {result.stderr}')
        return {record['address']: record for record in json.loads(result.stdout)}

    def close(self):
        for watcher in self.watchers:
            watcher.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
        return False


class Watcher:
    """A running watcher: its log lines and its notifications, as they come."""

    def __init__(self, sandbox, *options, debug=True, log=True, wrapper=(), notify=True,
                 defaults=True, extra_environment=None):
        self.arrived = threading.Condition()
        self.lines = []
        self.notes = []
        self.ended = False
        environment = sandbox.environment(**(extra_environment or {}))
        if notify:
            sandbox.started += 1
            path = sandbox.directory / f'notify-{sandbox.started}'
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.socket.bind(str(path))
            path.chmod(0o777)
            environment['NOTIFY_SOCKET'] = str(path)
        command = [*wrapper, program('pop-before-smtp'), *(sandbox.options() if defaults else ()),
                   *(['--debug'] if debug else []), *(['--logto=-'] if log else []), *options]
        # A session of its own, so that Ctrl-C reaches the caller alone, who ends it in order.
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        self.pid = self.process.pid
        self.readers = [threading.Thread(target=self._read_log, daemon=True)]
        if notify:
            self.readers.append(threading.Thread(target=self._read_notes, daemon=True))
        for reader in self.readers:
            reader.start()

    def _read_log(self):
        for line in self.process.stdout:
            with self.arrived:
                self.lines.append(line.decode(errors='surrogateescape').rstrip('\n'))
                self.arrived.notify_all()
        with self.arrived:
            self.ended = True
            self.arrived.notify_all()

    def _read_notes(self):
        while True:
            data, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(64))
            if not data:
                return
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds = array.array('i', content[:len(content) // 4 * 4])
                    for fd in fds:
                        os.close(fd)
            with self.arrived:
                self.notes += data.decode().splitlines()
                self.arrived.notify_all()

    def _wait(self, check, what, deadline):
        end = time.monotonic() + deadline if deadline is not None else None
        with self.arrived:
            while True:
                found = check()
                if found is not None:
                    return found
                left = end - time.monotonic() if end is not None else None
                # What a program sent before its end may still stand in the notification socket.
                if (left is not None and left <= 0) or (self.ended and not self._pending()):
                    state = 'ended' if self.ended else 'still runs'
                    log = '\n  '.join(self.lines[-40:])
                    raise AssertionError(f'waited for {what}; the program {state}, last notes '
                                         f'{self.notes[-8:]}, log:\n  {log}')
                self.arrived.wait(left if not self.ended else 0.2)

    def _pending(self):
        return len(self.readers) > 1 and select.select([self.socket], [], [], 0)[0]

    def wait_line(self, pattern, after=0, deadline=DEADLINE):
        """Waits for a log line that matches, at or after the index `after`; returns its index."""
        expression = re.compile(pattern)
        return self._wait(lambda: next((i for i, line in enumerate(self.lines)
                                        if i >= after and expression.search(line)), None),
                          f'a log line like "{pattern}"', deadline)

    def wait_note(self, pattern, count=1, after=0, deadline=DEADLINE):
        """Waits until so many notifications match; returns the last of them."""
        expression = re.compile(pattern)

        def check():
            found = [note for note in self.notes[after:] if expression.search(note)]
            return found[count - 1] if len(found) >= count else None
        return self._wait(check, f'the notification "{pattern}"', deadline)

    def wait_ready(self, deadline=DEADLINE):
        self.wait_note('^READY=1$', deadline=deadline)
        return self

    def wait_event(self, kind, address, after=0, deadline=DEADLINE):
        return self.wait_line(rf'(^|\s){kind} {re.escape(address)}[ ,]', after, deadline)

    def events(self, *kinds):
        with self.arrived:
            return [event for event in events(self.lines) if not kinds or event.kind in kinds]

    def mark(self):
        """The number of lines so far, for waiting for later ones."""
        with self.arrived:
            return len(self.lines)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, deadline=DEADLINE):
        """Waits for the program's end; returns its exit status."""
        status = self.process.wait(deadline)
        self.readers[0].join(deadline)
        return status

    def stop(self, deadline=DEADLINE):
        """Ends the program as systemd does, and says if it did not end well."""
        self.signal(signal.SIGTERM)
        status = self.wait(deadline)
        if status != 0:
            log = '\n  '.join(self.lines[-40:])
            raise AssertionError(f'exit {status} after SIGTERM, log:\n  {log}')
        return self

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait()
        return self

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def release(self):
        self.end()
        if len(self.readers) > 1:
            self.socket.shutdown(socket.SHUT_RDWR)
        for reader in self.readers:
            reader.join(DEADLINE)
        if len(self.readers) > 1:
            self.socket.close()
        self.process.stdout.close()


def private_mounts(commands):
    """A command prefix that runs shell commands with mounts of its own before a program, or None,
    and why that is not possible."""
    if not shutil.which('unshare'):
        return None, 'there is no unshare'
    namespace = ['--mount'] if os.geteuid() == 0 else ['--mount', '--map-root-user']
    wrapper = ['unshare', *namespace, 'sh', '-c', f'{commands} && exec "$@"', 'sh']
    attempt = subprocess.run([*wrapper, 'true'], capture_output=True, text=True)
    return wrapper if attempt.returncode == 0 else None, ' '.join(attempt.stderr.split())


def sanitised(data, limit=255):
    """A user name as src/core/text.h says that it is logged and stored."""
    result, length, at = [], 0, 0
    data = data if isinstance(data, bytes) else data.encode()
    while at < len(data):
        char, used = _character(data[at:at + 4])
        size = len(char.encode())
        if length + size > limit:
            break
        result.append(char)
        length += size
        at += used
    if result and result[0] == ' ':
        result[0] = '?'
    if result and result[-1] == ' ':
        result[-1] = '?'
    return ''.join(result)


def _character(data):
    for size in range(1, len(data) + 1):
        try:
            char = data[:size].decode()
        except UnicodeDecodeError:
            continue
        return (char if _is_harmless(char) else '?'), size
    return '?', 1


def _is_harmless(char):
    code = ord(char)
    return not (code < 0x20 or 0x7f <= code <= 0x9f or code in (0x061c, 0xfeff)
                or 0x200b <= code <= 0x200f or 0x2028 <= code <= 0x202e
                or 0x2060 <= code <= 0x206f or 0xe0000 <= code <= 0xe007f)
