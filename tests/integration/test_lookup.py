# SPDX-License-Identifier: LGPL-2.1-or-later
"""pbs-lookupd's answers: the protocol, keys in every spelling, and clients of every kind."""

import re
import shutil
import subprocess
import threading
import unittest

import tap
from bridge import Postmap
from lookupd import (DEADLINE, FOUND, NOT_FOUND, REFUSED, TOO_LONG, Directory, Lookupd, make_map)
from watcher import SOURCE

REQUEST_MAX = 4096
ALLOWED = ('192.0.2.10', '2001:db8::10')

# MTAS.md's spellings, as a user types them for postmap; Postfix quotes what needs it.
ONE_ADDRESS = (
    '192.0.2.10', '::ffff:192.0.2.10', '::FFFF:c000:020a',
    '2001:db8::10', '2001:0db8:0000:0000:0000:0000:0000:0010', '2001:DB8::10',
    'IPv6:2001:db8::10', 'ipv6:2001:db8:0:0:0:0:0:10', '[192.0.2.10]', '[2001:db8::10]')
NO_ADDRESS = (
    'unknown', 'client.example.com', '192.0.2', '192.0.2.10.', '192.0.2.010', '0xC000020A',
    '3221225994', '192.0.2.10/32', '2001:db8::/64', '192.0.2.10 OK', 'fe80::1%eth0',
    '2001:db8::10%eth0', '192.0.2.10\r', 'ÄÖ', '%', '%31', '192.0.2.10:825')


def quoted(key):
    """The key as Postfix puts it into a request."""
    return ''.join(chr(byte) if 0x21 <= byte < 0x7f and byte != 0x25 else f'%{byte:02X}'
                   for byte in key.encode())


class WithServer(unittest.TestCase):
    options = ()

    def setUp(self):
        self.directory = Directory()
        self.addCleanup(self.directory.close)
        make_map(self.directory.map, *(f'{address}=1800' for address in ALLOWED),
                 '192.0.2.11=-1', '2001:db8::11=-1')
        self.server = Lookupd(self.directory.map, *self.options)
        self.addCleanup(self.check_end)

    def check_end(self):
        self.assertEqual(self.server.stop(), 0, self.server.lines)

    def assert_serves(self):
        self.assertEqual(self.server.ask('192.0.2.10', '192.0.2.99'), [FOUND, NOT_FOUND])


class Answers(WithServer):
    def test_hit_miss_expired(self):
        for key, want in (('192.0.2.10', FOUND), ('192.0.2.12', NOT_FOUND),
                          ('192.0.2.11', NOT_FOUND), ('2001:db8::10', FOUND),
                          ('2001:db8::12', NOT_FOUND), ('2001:db8::11', NOT_FOUND)):
            with self.subTest(key=key):
                self.assertEqual(self.server.ask(key), want)

    def test_spellings(self):
        for key in (*ONE_ADDRESS, *NO_ADDRESS, ''):
            with self.subTest(key=key):
                want = FOUND if key in ONE_ADDRESS else NOT_FOUND
                self.assertEqual(self.server.ask(quoted(key)), want)

    def test_other_spelling_of_a_miss(self):
        for key in ('::ffff:192.0.2.12', '[2001:db8::12]', 'IPv6:2001:db8::11', '::192.0.2.10'):
            with self.subTest(key=key):
                self.assertEqual(self.server.ask(key), NOT_FOUND)

    def test_quoting(self):
        for key, want in (('%31%39%32%2e0.2.10', FOUND), ('192.0.2.10%0A', NOT_FOUND),
                          ('192.0.2.10%00', NOT_FOUND), ('192.0.2.1%3', NOT_FOUND),
                          ('192.0.2.1%3g', NOT_FOUND), ('192.0.2.10%0D', NOT_FOUND),
                          ('192.0.2.10\r', NOT_FOUND), ('192.0.2.10\0', NOT_FOUND)):
            with self.subTest(key=key):
                self.assertEqual(self.server.ask(key), want)

    @unittest.skipUnless(Postmap.available(), 'postmap is not installed')
    def test_spellings_by_postmap(self):
        postmap = Postmap(self.directory.path, self.server.port)
        for key in (*ONE_ADDRESS, *NO_ADDRESS):
            with self.subTest(key=key):
                self.assertEqual(postmap.ask(key), FOUND if key in ONE_ADDRESS else NOT_FOUND)

    @unittest.skipUnless(Postmap.available(), 'postmap is not installed')
    def test_many_keys_on_one_connection_by_postmap(self):
        keys = [key for key in (*ONE_ADDRESS, *NO_ADDRESS) if '\r' not in key and ' ' not in key]
        postmap = Postmap(self.directory.path, self.server.port)
        result = subprocess.run([*postmap.command, '-', postmap.table],
                                input=''.join(f'{key}\n' for key in keys), text=True,
                                capture_output=True, timeout=DEADLINE)
        self.assertEqual(result.stderr, '')
        self.assertEqual(result.stdout.splitlines(), [f'{key}\tOK' for key in ONE_ADDRESS])


@unittest.skipUnless(shutil.which('exim4'), 'exim4 is not installed')
class Exim(WithServer):
    """The access rule that the manual page shows, in a session played without a network."""

    def accepts(self, client, recipient, port):
        page = (SOURCE / 'man/pbs-lookupd.8').read_text(encoding='utf-8').replace('\\e', '\\')
        rule = re.search(r'^accept condition = .*?(?=^\.Ed$)', page, re.MULTILINE | re.DOTALL)[0]
        config = self.directory.path / 'exim.conf'
        config.write_text(f'primary_hostname = mx.example\nhost_lookup =\n'
                          f'log_file_path = {self.directory.path}/%s\n'
                          f'spool_directory = {self.directory.path}\n'
                          'acl_smtp_rcpt = rcpt\nbegin acl\nrcpt:\n'
                          'accept domains = local.example\n' +
                          rule.replace('127.0.0.1:825', f'127.0.0.1:{port}') + 'deny\n')
        result = subprocess.run(['exim4', '-C', str(config), '-bh', client], text=True,
                                capture_output=True, timeout=DEADLINE,
                                input=f'HELO x\nMAIL FROM:<>\nRCPT TO:<{recipient}>\nQUIT\n')
        # The answers to the connection, HELO, MAIL and RCPT are the first four.
        codes = re.findall(r'^(\d{3}) ', result.stdout, re.MULTILINE)
        self.assertEqual(codes[:3], ['220', '250', '250'], result)
        return codes[3]

    def test_example(self):
        for client, recipient, want in (
                ('192.0.2.10', 'x@remote.example', '250'),
                ('192.0.2.11', 'x@remote.example', '550'),
                ('2001:db8::10', 'x@remote.example', '250'),
                ('2001:db8::12', 'x@remote.example', '550'),
                ('192.0.2.12', 'x@local.example', '250')):
            with self.subTest(client=client, recipient=recipient):
                self.assertEqual(self.accepts(client, recipient, self.server.port), want)

    def test_nobody_answers(self):
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(self.accepts('192.0.2.10', 'x@remote.example', self.server.port), '550')
        self.assertEqual(self.accepts('192.0.2.10', 'x@local.example', self.server.port), '250')


class Prefix(unittest.TestCase):
    def test_any_address_of_an_allowed_network(self):
        directory = Directory()
        self.addCleanup(directory.close)
        make_map(directory.map, '2001:db8:1:2::10=1800', '192.0.2.10=1800', prefix=64)
        server = Lookupd(directory.map)
        self.assertEqual(server.ask('2001:db8:1:2::10', '2001:db8:1:2:ffff::1', '2001:db8:1:3::10',
                                    '192.0.2.10', '192.0.2.11', '2001:db8:1:2::/64'),
                         [FOUND, FOUND, NOT_FOUND, FOUND, NOT_FOUND, NOT_FOUND])
        self.assertEqual(server.stop(), 0)


class Requests(WithServer):
    def test_pipelined_requests_are_answered_in_order(self):
        kinds = (('get 192.0.2.10\n', FOUND), ('get 192.0.2.12\n', NOT_FOUND),
                 ('get name.example\n', NOT_FOUND), ('\n', REFUSED), ('get 2001:db8::10\n', FOUND))
        order = [kinds[(i * i + i // 7) % len(kinds)] for i in range(20000)]
        with self.server.connect() as client:
            sender = threading.Thread(target=client.send, args=(''.join(r for r, _ in order),))
            sender.start()
            answers = [client.line() for _ in order]
            sender.join()
            self.assertEqual(answers, [want for _, want in order])
            self.assertEqual(client.finish(), '')

    def test_half_closed_client_gets_all_answers_then_the_end(self):
        with self.server.connect() as client:
            client.send('get 192.0.2.10\nget 192.0.2.12\nget x\n' * 500)
            self.assertEqual(client.finish(), (FOUND + NOT_FOUND + NOT_FOUND) * 500)

    def test_half_closed_client_that_reads_late(self):
        with self.server.connect(send_buffer=65536) as client:
            other = self.server.connect()
            data = b'get 192.0.2.10\n'
            sent = client.send_until_blocked(data, lambda: other.ask('x'), 1 << 26)
            answers = client.finish()
            self.assertEqual(answers, FOUND * (sent // len(data)) +
                             (REFUSED if sent % len(data) else ''))
            other.close()

    def test_unfinished_line_is_no_request(self):
        with self.server.connect() as client:
            client.send('get 192.0.2.10\nget 192.0.2.1')
            self.assertEqual(client.finish(), FOUND + REFUSED)

    def test_nothing_asked(self):
        with self.server.connect() as client:
            self.assertEqual(client.finish(), '')

    def test_byte_at_a_time(self):
        with self.server.connect() as client, self.server.connect() as other:
            for byte in b'get 192.0.2.10\nfoo\nget 192.0.2.12\n':
                client.send(bytes([byte]))
                other.ask('x')  # by its answer, the byte before has been read
            self.assertEqual([client.line() for _ in range(3)], [FOUND, REFUSED, NOT_FOUND])

    def test_junk_then_a_request_on_the_same_connection(self):
        for junk in ('put 192.0.2.10 OK', 'GET 192.0.2.10', 'get', '', '\0', '\r',
                     'get\t192.0.2.10', '14:pbs 192.0.2.10,', 'request=smtpd_access_policy',
                     'EHLO x\r'):
            with self.subTest(junk=junk), self.server.connect() as client:
                client.send(junk + '\n')
                self.assertEqual(client.line(), REFUSED)
                self.assertEqual(client.ask('192.0.2.10'), FOUND)

    def test_every_byte_as_junk(self):
        with self.server.connect() as client:
            client.send(bytes(byte for byte in range(256) if byte != 0x0a) + b'\n')
            self.assertEqual(client.line(), REFUSED)
            self.assertEqual(client.ask('192.0.2.10'), FOUND)

    def test_longest_line(self):
        with self.server.connect() as client:
            client.send('get ' + 'x' * (REQUEST_MAX - 5) + '\n')
            self.assertEqual(client.line(), NOT_FOUND)
            client.send('x' * (REQUEST_MAX - 1) + '\n')
            self.assertEqual(client.line(), REFUSED)
            self.assertEqual(client.ask('192.0.2.10'), FOUND)

    def test_longer_line_ends_the_connection(self):
        for line in ('get ' + 'x' * (REQUEST_MAX - 4) + '\n', 'x' * 100000,
                     'x' * REQUEST_MAX + '\nget 192.0.2.10\n'):
            with self.subTest(length=len(line)), self.server.connect() as client:
                client.send('get 192.0.2.10\n' + line)
                self.assertEqual(client.rest(), FOUND + TOO_LONG)
        self.assert_serves()

    def test_endless_line(self):
        with self.server.connect() as client:
            with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                for _ in range(1000):
                    client.send('x' * 100000)
        self.assert_serves()


class Clients(WithServer):
    options = ('--max-connections=1100',)

    def test_a_thousand_clients(self):
        clients = [self.server.connect() for _ in range(1000)]
        for _ in range(2):
            for client in clients:
                client.send('get 192.0.2.10\nget 192.0.2.12\n')
            for client in reversed(clients):
                self.assertEqual((client.line(), client.line()), (FOUND, NOT_FOUND))
        for client in clients:
            self.assertEqual(client.finish(), '')
            client.close()

    def test_flooding_clients_that_never_read(self):
        """They stall themselves, not others, and hold little memory."""
        data = b'get 192.0.2.10\n'
        with self.server.connect() as other:
            other.ask('192.0.2.10')
            before = self.server.status('VmRSS')
            flooders = [self.server.connect(send_buffer=65536) for _ in range(30)]

            def ping():
                self.assertEqual(other.ask('192.0.2.12'), NOT_FOUND)
            limit = 1 << 26
            sent = [flooder.send_until_blocked(data, ping, limit) for flooder in flooders]
            self.assertLess(max(sent), limit)
            ping()
            # 4.5 KiB each, and what a sanitiser puts around it.
            self.assertLess(self.server.status('VmRSS') - before, 30 * 32 + 2048)

            # None of it was lost, either.
            for flooder, count in zip(flooders[:5], sent):
                self.assertEqual(flooder.finish(), FOUND * (count // len(data)) +
                                 (REFUSED if count % len(data) else ''))
            for flooder in flooders[5:]:
                flooder.reset()
            ping()

    def test_clients_that_go_away_rudely(self):
        for what in (b'', b'get 192.0.2.', b'get 192.0.2.10\n', b'get 192.0.2.10\n' * 3000,
                     b'x' * 5000):
            for _ in range(20):
                client = self.server.connect()
                client.send(what)
                client.reset()
        self.assert_serves()

    def test_a_client_that_does_not_end_after_the_last_word(self):
        client = self.server.connect()
        client.send('x' * 5000)
        self.assertEqual(client.line(), TOO_LONG)
        self.assertTrue(client.at_end())
        self.assert_serves()
        client.close()
        self.assert_serves()


class Cap(WithServer):
    options = ('--max-connections=3',)

    def test_longest_idle_client_gives_way(self):
        first, second, third = (self.server.connect() for _ in range(3))
        for client in (first, second, third):
            client.ask('192.0.2.10')
        first.ask('192.0.2.10')
        third.ask('192.0.2.10')
        fourth = self.server.connect()
        self.assertEqual(fourth.ask('192.0.2.10'), FOUND)
        self.assertTrue(second.at_end())
        for client in (first, third, fourth):
            self.assertEqual(client.ask('192.0.2.10'), FOUND)
        self.server.wait_line('3 clients are connected, closing the longest idle one')

        fifth = self.server.connect()
        self.assertEqual(fifth.ask('192.0.2.10'), FOUND)
        self.assertTrue(first.at_end())
        self.assertEqual(self.server.count_lines('clients are connected'), 1)
        for client in (first, second, third, fourth, fifth):
            client.close()
        self.assert_serves()

    def test_bytes_without_a_request_are_no_activity(self):
        dribbler, second, third = (self.server.connect() for _ in range(3))
        for client in (second, third):
            client.ask('192.0.2.10')
        dribbler.send('get 192.')
        second.ask('x')
        fourth = self.server.connect()
        self.assertEqual(fourth.ask('192.0.2.10'), FOUND)
        self.assertTrue(dribbler.at_end())
        for client in (dribbler, second, third, fourth):
            client.close()

    def test_a_storm_of_clients(self):
        clients = [self.server.connect() for _ in range(200)]
        last = self.server.connect()
        self.assertEqual(last.ask('192.0.2.10'), FOUND)
        for client in clients[:-2]:
            self.assertTrue(client.at_end())
        for client in (*clients, last):
            client.close()


if __name__ == '__main__':
    tap.main()
