# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real pbs-lookupd in a temporary directory, on a map that make-map wrote, and its clients.

Every wait is for something that the program does, with a deadline that only a failure reaches."""

import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from watcher import BUILD, DEADLINE, program

MAKE_MAP = BUILD / 'tests/integration/make-map'

FOUND = '200 OK\n'
NOT_FOUND = '500 not found\n'
UNAVAILABLE = '400 map is not available\n'
REFUSED = '400 not a request\n'
TOO_LONG = '400 request too long\n'

# Gives the program the sockets whose numbers come first, from 3 on, as systemd does.
ACTIVATE = '''
import fcntl, os, sys
count = int(sys.argv[1])
# Out of the way first, where none of them lies that is still to be moved.
fds = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 3 + count) for fd in sys.argv[2:2 + count]]
for fd, to in zip(fds, range(3, 3 + count)):
    os.dup2(fd, to)
    os.close(fd)
os.environ.update(LISTEN_FDS=str(count), LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2 + count], sys.argv[2 + count:])
'''


def environment(**extra):
    kept = {key: value for key, value in os.environ.items()
            if key not in ('JOURNAL_STREAM', 'NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID',
                           'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES')}
    # A sanitiser that keeps what was freed for later would look like memory that is held.
    sanitiser = f'{kept.get("ASAN_OPTIONS", "")}:quarantine_size_mb=1'
    return {**kept, 'ASAN_OPTIONS': sanitiser, **extra}


def run(*arguments, extra=None):
    """Runs pbs-lookupd to its end; for what it prints, and for errors."""
    return subprocess.run([program('pbs-lookupd'), *arguments], env=environment(**(extra or {})),
                          text=True, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=DEADLINE)


def make_map(path, *records, prefix=None):
    options = [f'--ipv6-prefix={prefix}'] if prefix else []
    subprocess.run([MAKE_MAP, *options, path, *records], check=True, timeout=DEADLINE)


class Directory:
    """A temporary directory that other users may look into."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix='pbs-lookup-'))
        self.path.chmod(0o755)
        self.map = self.path / 'map.tdb'

    def close(self):
        shutil.rmtree(self.path)


class Lookupd:
    """A running pbs-lookupd, with the lines of its log as they come."""

    def __init__(self, map_path, *options, listen=('127.0.0.1:0',), passed=(), notify=None,
                 extra=None, wrapper=(), catch_up='', **keywords):
        """Listens at `listen`, on the `passed` sockets, or both. `wrapper` is a command that runs
        the program's, `extra` is for the environment, `catch_up` the watcher's socket,
        `keywords` are for Popen."""
        command = [*wrapper, str(program('pbs-lookupd')), f'--dbfile={map_path}',
                   f'--catch-up={catch_up}',
                   *(f'--listen={where}' for where in listen), *options]
        if passed:
            numbers = [str(each.fileno()) for each in passed]
            command = [sys.executable, '-c', ACTIVATE, str(len(passed)), *numbers, *command]
            keywords['pass_fds'] = [each.fileno() for each in passed]
        extra = dict(extra or {})
        if notify:
            extra['NOTIFY_SOCKET'] = notify.path
        self.process = subprocess.Popen(command, env=environment(**extra), text=True,
                                        errors='replace', stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, **keywords)
        self.pid = self.process.pid
        self.arrived = threading.Condition()
        self.lines, self.ended = [], False
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.ports = [int(self.wait_line(r'listening on .*:(\d+)$', after=i)[1])
                      for i in range(len(listen))]
        self.port = self.ports[0] if self.ports else None

    def _read(self):
        for line in self.process.stderr:
            with self.arrived:
                self.lines.append(line.rstrip('\n'))
                self.arrived.notify_all()
        with self.arrived:
            self.ended = True
            self.arrived.notify_all()

    def wait_line(self, pattern, after=0):
        """Waits for a line of the log; returns the match."""
        def found():
            return next(filter(None, (re.search(pattern, line) for line in self.lines[after:])),
                        None)
        with self.arrived:
            self.arrived.wait_for(lambda: found() or self.ended, DEADLINE)
            if not found():
                raise AssertionError(f'no line like "{pattern}" in the log: {self.lines}')
            return found()

    def count_lines(self, pattern):
        with self.arrived:
            return sum(bool(re.search(pattern, line)) for line in self.lines)

    def connect(self, **keywords):
        return Client(socket.create_connection(('127.0.0.1', self.port), timeout=DEADLINE),
                      **keywords)

    def ask(self, *keys):
        """The answers on one connection, in one string if there is one key, else in a list."""
        with self.connect() as client:
            answers = [client.ask(key) for key in keys]
        return answers[0] if len(keys) == 1 else answers

    def status(self, field):
        """A number of kilobytes from the kernel's word on the process."""
        text = pathlib.Path(f'/proc/{self.pid}/status').read_text()
        return int(re.search(rf'^{field}:\s+(\d+) kB', text, re.MULTILINE)[1])

    def wait_asleep(self):
        """Waits until it waits for something: a program that spins never does."""
        end = time.monotonic() + DEADLINE
        while self._state() != 'S':
            if time.monotonic() > end:
                raise AssertionError(f'does not come to rest; log: {self.lines}')
            os.sched_yield()

    def _state(self):
        return pathlib.Path(f'/proc/{self.pid}/stat').read_text().rpartition(')')[2].split()[0]

    def open_files(self):
        return len(os.listdir(f'/proc/{self.pid}/fd'))

    def limit_files(self, number):
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (number, 4096))

    def stop(self, number=signal.SIGTERM):
        """Ends it; returns the exit status, which is another if a sanitiser found something."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(DEADLINE)
        self.reader.join(DEADLINE)
        self.process.stderr.close()
        return status


class Client:
    def __init__(self, connection, send_buffer=None):
        self.socket = connection
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if send_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self.file = connection.makefile('rb')

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        """The next answer; empty when the connection is at its end."""
        return self.file.readline().decode()

    def ask(self, key):
        self.send(f'get {key}\n')
        return self.line()

    def finish(self):
        """Sends no more; returns all that still comes."""
        self.socket.shutdown(socket.SHUT_WR)
        return self.rest()

    def rest(self):
        return self.file.read().decode()

    def at_end(self):
        """True once the other side has closed."""
        try:
            return self.file.read(1) == b''
        except ConnectionResetError:
            return True

    def send_until_blocked(self, data, ping, limit):
        """Sends `data` again and again, without reading, until nothing more is taken: `ping` gives
        the other side turns in which it could read, and in 20 of them it does not. Returns the
        number of bytes sent, at most about `limit`."""
        self.socket.setblocking(False)
        sent = offset = idle = 0
        while idle < 20 and sent < limit:
            try:
                count = self.socket.send(data[offset:])
                offset = (offset + count) % len(data)
                sent += count
                idle = 0
            except BlockingIOError:
                ping()
                idle += 1
        self.socket.settimeout(DEADLINE)
        return sent

    def reset(self):
        """Ends the connection the rude way."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
        return False


class Notifications:
    """A stand-in for systemd's end of NOTIFY_SOCKET."""

    def __init__(self, directory):
        self.path = str(directory / 'notify')
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.seen = []

    def wait(self, message, count=1):
        """Waits until a message has come so many times, counting all from the beginning."""
        end = time.monotonic() + DEADLINE
        while self.seen.count(message) < count:
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            self.seen += self.socket.recv(4096).decode().splitlines()

    def keep_files(self, end):
        """What systemd would have been given to keep until end() is over, which ends the sender."""
        kept, ender = [], threading.Thread(target=end)
        ender.start()
        while ender.is_alive():
            self.socket.settimeout(0.1)
            try:
                data, files, _, _ = socket.recv_fds(self.socket, 4096, 253)
            except TimeoutError:
                continue
            lines = data.decode().splitlines()
            self.seen += lines
            if 'FDSTORE=1' in lines and 'FDNAME=client' in lines:
                kept += [socket.socket(fileno=file) for file in files]
            else:
                for file in files:
                    os.close(file)
        ender.join()
        return kept

    def close(self):
        self.socket.close()
