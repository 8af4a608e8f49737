# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real bridge on a free loopback port, and lookups as Postfix makes them."""

import re
import shutil
import socket
import subprocess
import threading

from lookupd import Client
from watcher import DEADLINE, program

LISTENING = re.compile(r'listening on 127\.0\.0\.1:(\d+)')


class Bridge:
    def __init__(self, map_path, environment):
        command = [program('pbs-lookupd'), '--listen=127.0.0.1:0', f'--dbfile={map_path}',
                   f'--catch-up={map_path.parent / "catch-up"}']
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        errors='replace', start_new_session=True)
        self.lines = []
        self.port = self._read_port()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read_port(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip('\n'))
            if match := LISTENING.search(line):
                return int(match[1])
        raise RuntimeError(f'pbs-lookupd: exit {self.process.wait()}: {self.lines}')

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip('\n'))

    def connect(self):
        """A connection that, like an smtpd's, is kept open between lookups."""
        return Client(socket.create_connection(('127.0.0.1', self.port), timeout=DEADLINE))

    def ask(self, key):
        with self.connect() as connection:
            return connection.ask(key)

    def end(self):
        """Stops the bridge; returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.end()
        return False


class Postmap:
    """Lookups by Postfix's own client; needs no configured Postfix."""

    def __init__(self, directory, port):
        (directory / 'postmap').mkdir()
        (directory / 'postmap' / 'main.cf').write_text('compatibility_level = 3.6\n')
        self.command = ['postmap', '-c', str(directory / 'postmap'), '-q']
        self.table = f'tcp:127.0.0.1:{port}'

    @staticmethod
    def available():
        return shutil.which('postmap') is not None

    def ask(self, key):
        """The answer in the bridge's own form."""
        result = subprocess.run([*self.command, key, self.table], capture_output=True, text=True,
                                timeout=DEADLINE)
        if result.returncode == 0:
            return f'200 {result.stdout}'
        return '500 not found\n' if not result.stderr else f'400 {result.stderr}'
