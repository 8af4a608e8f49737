# SPDX-License-Identifier: LGPL-2.1-or-later
"""The mail programs: they read mail by POP3 and IMAP, and try to send by SMTP.

POP3 and IMAP are spoken here byte by byte, because poplib and imaplib refuse to send the user
names that a hostile client sends.
"""

import smtplib
import socket
import ssl
import time
from dataclasses import dataclass

SECONDS = 60
SERVER = {"IPv4": "192.0.2.1", "IPv6": "2001:db8::1"}


def family(address):
    return "IPv6" if ":" in address else "IPv4"


class LineClient:
    """A connection to a server that speaks in lines."""

    def __init__(self, source, port):
        self.socket = socket.create_connection((SERVER[family(source)], port), SECONDS, (source, 0))
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def start_tls(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.file.close()
        self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        """The next line; empty if the server has closed the connection instead."""
        try:
            return self.file.readline()
        except ConnectionError:
            return b""

    def ask(self, data):
        self.send(data)
        return self.line()


@dataclass(frozen=True)
class Access:
    """A way to read mail. `tls` is "", "starttls" or "tls"."""

    protocol: str
    tls: str

    def __str__(self):
        return self.protocol + {"": "", "starttls": " with STARTTLS", "tls": " over TLS"}[self.tls]

    @property
    def port(self):
        return {"IMAP": (143, 993), "POP3": (110, 995)}[self.protocol][self.tls == "tls"]

    def login(self, source, user, password):
        """Connects, logs in, says goodbye. True if the server accepted the login."""
        with LineClient(source, self.port) as client:
            if self.tls == "tls":
                client.start_tls()
            client.line()
            if self.tls == "starttls":
                client.ask({"IMAP": b"s STARTTLS\r\n", "POP3": b"STLS\r\n"}[self.protocol])
                client.start_tls()
            return {"IMAP": imap_login, "POP3": pop3_login}[self.protocol](
                client, as_bytes(user), as_bytes(password))


IMAP = Access("IMAP", "")
POP3 = Access("POP3", "")
ALL_ACCESSES = [Access(protocol, tls) for protocol in ("POP3", "IMAP")
                for tls in ("", "starttls", "tls")]


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def imap_answer(client, tag):
    while True:
        line = client.line()
        if line.startswith(tag + b" ") or not line:
            return line


def imap_login(client, user, password):
    """Sends both words as literals, in which any byte may stand."""
    answer = client.ask(b"a LOGIN {%d}\r\n" % len(user))
    if answer.startswith(b"+"):
        answer = client.ask(user + b" {%d}\r\n" % len(password))
    if not answer.startswith(b"+"):
        return False
    client.send(password + b"\r\n")
    accepted = imap_answer(client, b"a").startswith(b"a OK")
    client.send(b"b LOGOUT\r\n")
    imap_answer(client, b"b")
    return accepted


class Session:
    """An IMAP session that stays open, as that of a mail program which waits for mail (IDLE)."""

    def __init__(self, source, user, password):
        self.client = LineClient(source, IMAP.port)
        self.client.line()
        self.client.send(b"a LOGIN %s %s\r\n" % (as_bytes(user), as_bytes(password)))
        self.accepted = imap_answer(self.client, b"a").startswith(b"a OK")
        self.client.send(b"b SELECT INBOX\r\n")
        imap_answer(self.client, b"b")
        self.is_idle = self.client.ask(b"c IDLE\r\n").startswith(b"+")

    def log_out(self):
        self.client.send(b"DONE\r\nd LOGOUT\r\n")
        said = imap_answer(self.client, b"d").startswith(b"d OK")
        self.drop()
        return said

    def drop(self):
        self.client.__exit__()


def pop3_login(client, user, password):
    """In POP3 a name ends at the end of its line."""
    if not client.ask(b"USER " + user + b"\r\n").startswith(b"+OK"):
        return False
    accepted = client.ask(b"PASS " + password + b"\r\n").startswith(b"+OK")
    client.ask(b"QUIT\r\n")
    return accepted


@dataclass(frozen=True)
class Answer:
    """What the mail server said to a RCPT."""

    code: int
    text: str
    asked_usec: int  # when the client began to send it, since the epoch

    @property
    def accepted(self):
        return self.code == 250

    @property
    def refused(self):
        return self.code == 554

    def __str__(self):
        return f"{self.code} {self.text}"


def rcpt(source, recipient):
    """Asks from the address `source` to send mail to `recipient`; sends none."""
    with smtplib.SMTP(SERVER[family(source)], 25, local_hostname="client.example.net",
                      timeout=SECONDS, source_address=(source, 0)) as smtp:
        smtp.ehlo()
        smtp.mail("sender@example.net")
        asked_usec = time.time_ns() // 1000
        code, text = smtp.rcpt(recipient)
        return Answer(code, text.decode(errors="replace"), asked_usec)
