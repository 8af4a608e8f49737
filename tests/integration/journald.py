# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real systemd-journald of its own, in a mount namespace where /run is empty."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

JOURNALD = '/lib/systemd/systemd-journald'
SOCKET = 'run/systemd/journal/socket'
PREPARE = '''
mount -t tmpfs tmpfs /run &&
mkdir -p /run/systemd/journal /run/systemd/journald.conf.d &&
cat > /run/systemd/journald.conf.d/test.conf &&
exec "$@"
'''


def unavailable():
    """Why there cannot be one, or None."""
    if os.geteuid() != 0:
        return 'this needs root'
    if not pathlib.Path(JOURNALD).exists() or not shutil.which('unshare'):
        return 'there is no systemd-journald, or no unshare'
    return None


class Journald:
    path = '/run/log/journal'  # within its namespace

    def __init__(self, settings=''):
        settings = ('[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\nReadKMsg=no\nAudit=no\n'
                    f'{settings}\n')
        self.process = subprocess.Popen(
            ['unshare', '--mount', 'sh', '-c', PREPARE, 'sh', JOURNALD], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        self.process.stdin.write(settings.encode())
        self.process.stdin.close()
        self.root = pathlib.Path(f'/proc/{self.process.pid}/root')
        self.wrapper = ['nsenter', f'--target={self.process.pid}', '--mount']
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._connect()

    def _connect(self):
        end = time.monotonic() + 20
        while True:
            try:
                return self.socket.connect(str(self.root / SOCKET))
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise RuntimeError('systemd-journald does not start') from None
                time.sleep(0.01)

    def send(self, message, identifier='dovecot'):
        self.socket.send(f'MESSAGE={message}\nPRIORITY=6\nSYSLOG_IDENTIFIER={identifier}\n'.encode())

    def rotate(self):
        self.process.send_signal(signal.SIGUSR2)

    def files(self):
        return list((self.root / self.path[1:]).glob('*/*.journal'))

    def run(self, *command):
        return subprocess.run([*self.wrapper, *command], capture_output=True, text=True)

    def close(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()
