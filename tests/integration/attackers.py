# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: attackers.py KIND PORT SEED

Attacks a server on 127.0.0.1 with many clients, from the line "ready" on standard output until
the end of standard input; then prints how often something was tried. A process of its own, so that
it does not take the interpreter's time of whoever measures; with the lowest priority there is, so
that what is measured is the server and not the queue for a processor."""

import os
import random
import select
import signal
import socket
import sys
import time

import faults

REQUEST = b'get 192.0.2.10\n'
FLOOD = REQUEST * 273  # about what a server takes at one time


class Attack:
    """Some clients; step() is called with one after the other, `batch` of them each millisecond."""

    clients = 1000
    batch = 50
    buffer = None  # bytes each way, where the system's own are too large

    def __init__(self, port, seed):
        self.address = ('127.0.0.1', port)
        self.random = random.Random(seed)
        self.tried = 0
        self.sockets = [self.connect() for _ in range(self.clients)]
        self.next = 0

    def connect(self):
        connection = socket.socket()
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF) if self.buffer else ():
            connection.setsockopt(socket.SOL_SOCKET, option, self.buffer)
        connection.connect(self.address)
        connection.setblocking(False)
        return connection

    def turn(self):
        for _ in range(self.batch):
            index = self.next
            self.next = (index + 1) % len(self.sockets)
            try:
                self.step(index, self.sockets[index])
            except BlockingIOError:
                pass
            except ConnectionError:
                self.renew(index)

    def renew(self, index):
        self.sockets[index].close()
        self.sockets[index] = self.connect()

    def drop(self, index):
        """Ends a connection the rude way, which leaves nothing behind, and makes another."""
        self.sockets[index].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        self.renew(index)

    def step(self, index, connection):
        raise NotImplementedError

    def send(self, connection, data):
        self.tried += 1
        return connection.send(data)

    def take(self, index, connection):
        """Reads what is there."""
        try:
            if not connection.recv(65536):
                self.renew(index)
        except BlockingIOError:
            pass


class Idle(Attack):
    """Clients that say nothing, nor go away."""

    def step(self, index, connection):
        self.tried += 1
        self.take(index, connection)


class Crowd(Idle):
    """More clients than there may be, who come back when they are put out."""

    clients = 1500
    batch = 5


class Bytes(Attack):
    """Requests that come byte by byte."""

    batch = 20

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.at = [0] * self.clients

    def step(self, index, connection):
        at = self.at[index]
        self.send(connection, REQUEST[at:at + 1])
        self.at[index] = (at + 1) % len(REQUEST)
        if at + 1 == len(REQUEST):
            self.take(index, connection)


class Endless(Attack):
    """Lines without an end."""

    batch = 2

    def step(self, index, connection):
        self.send(connection, b'x' * 16384)


class Flood(Attack):
    """Requests in heaps, one heap at a time, the answers to which are read."""

    clients = 100
    batch = 1

    def step(self, index, connection):
        self.send(connection, FLOOD)
        connection.settimeout(60)
        left = FLOOD.count(b'\n')
        while left > 0:
            data = connection.recv(65536)
            if not data:
                raise ConnectionError
            left -= data.count(b'\n')
        connection.setblocking(False)


class Storm(Attack):
    """Requests in heaps, as many as the server can take, the answers to which are read."""

    clients = 10
    batch = 100

    def step(self, index, connection):
        self.take(index, connection)
        self.send(self.sockets[index], FLOOD)


class Unread(Attack):
    """Requests in heaps, the answers to which are not read, until nothing more is taken."""

    clients = faults.times(200, 1000)
    batch = 20
    buffer = 4096

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.refused = [0] * self.clients
        while min(self.refused) < 20:
            self.turn()
            time.sleep(0.001)

    def step(self, index, connection):
        self.refused[index] += 1
        self.send(connection, FLOOD)
        self.refused[index] = 0

    def renew(self, index):
        super().renew(index)
        self.refused[index] = 20  # a server that does not keep such clients


class HalfClosed(Attack):
    """Clients that send their last, wait for the end, and come back."""

    clients = 100
    batch = 2

    def step(self, index, connection):
        self.tried += 1
        connection.send(REQUEST * self.random.randrange(1, 9) + b'get 192.')
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(60)
        while connection.recv(4096):
            pass
        self.renew(index)


class Churn(Attack):
    """Clients that come and go at once, with an orderly end or without."""

    clients = 100
    batch = 2

    def step(self, index, connection):
        self.tried += 1
        if self.random.randrange(2):
            self.drop(index)
        else:
            self.renew(index)


class Random(Attack):
    """Bytes that mean nothing, lines of them or not."""

    clients = 100
    batch = 2

    def step(self, index, connection):
        self.take(index, self.sockets[index])
        data = self.random.randbytes(self.random.randrange(1, 2000))
        self.send(self.sockets[index], data if self.random.randrange(4) else REQUEST + data)
        if self.random.randrange(50) == 0:
            self.drop(index)


KINDS = {kind.__name__: kind for kind in (Idle, Crowd, Bytes, Endless, Flood, Storm, Unread,
                                          HalfClosed, Churn, Random)}


def main():
    kind, port, seed = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the caller, who ends us in order
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    attack = KINDS[kind](int(port), int(seed))
    print('ready', flush=True)
    while not select.select([sys.stdin], [], [], 0.001)[0]:
        attack.turn()
    print(attack.tried, flush=True)


if __name__ == '__main__':
    main()
