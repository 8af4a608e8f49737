# SPDX-License-Identifier: LGPL-2.1-or-later
"""pbs-lookupd as a process: options, sockets of its own and of systemd, signals, notifications,
its log, and limits on open files."""

import os
import pathlib
import re
import signal
import socket
import sys
import unittest

import tap
from lookupd import (DEADLINE, FOUND, NOT_FOUND, Client, Directory, Lookupd,
                     Notifications, make_map, run)
from watcher import SOURCE

# Names its own standard error, or a file that it is not, as the stream to the journal.
JOURNAL = '''
import os, sys
info = os.fstat(2)
os.environ['JOURNAL_STREAM'] = f'{info.st_dev}:{info.st_ino + int(sys.argv[1])}'
os.execv(sys.argv[2], sys.argv[2:])
'''

HINT = "Try 'pbs-lookupd --help'"


def listening_socket(family=socket.AF_INET, address=('127.0.0.1', 0), kind=socket.SOCK_STREAM):
    server = socket.socket(family, kind)
    server.bind(address)
    if kind == socket.SOCK_STREAM:
        server.listen()
    return server


def has_ipv6():
    try:
        listening_socket(socket.AF_INET6, ('::1', 0)).close()
    except OSError:
        return False
    return True


class Process(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.addCleanup(self.directory.close)
        self.map = self.directory.map
        make_map(self.map, '192.0.2.10=1800')

    def start(self, *options, **keywords):
        self.server = Lookupd(self.map, *options, **keywords)
        self.addCleanup(lambda server=self.server: self.assertEqual(server.stop(), 0, server.lines))
        return self.server

    def listening(self, *arguments, **keywords):
        opened = listening_socket(*arguments, **keywords)
        self.addCleanup(opened.close)
        return opened

    def notifications(self):
        opened = Notifications(self.directory.path)
        self.addCleanup(opened.close)
        return opened

    def ask_at(self, address, family=socket.AF_INET):
        connection = socket.socket(family)
        connection.settimeout(DEADLINE)
        connection.connect(address)
        with connection.makefile('rwb') as file:
            file.write(b'get 192.0.2.10\nget 192.0.2.11\n')
            file.flush()
            answers = [file.readline().decode(), file.readline().decode()]
        connection.close()
        self.assertEqual(answers, [FOUND, NOT_FOUND])


class Sockets(Process):
    def test_several_listeners(self):
        self.start(listen=('127.0.0.1:0', '127.0.0.2:0'))
        self.ask_at(('127.0.0.1', self.server.ports[0]))
        self.ask_at(('127.0.0.2', self.server.ports[1]))

    @unittest.skipUnless(has_ipv6(), 'this machine has no IPv6')
    def test_ipv6_listener(self):
        self.start(listen=('[::1]:0',))
        self.server.wait_line(r'listening on \[::1\]:\d+$')
        self.ask_at(('::1', self.server.port), socket.AF_INET6)

    @unittest.skipUnless(has_ipv6(), 'this machine has no IPv6')
    def test_all_addresses_of_both_families_on_one_port(self):
        self.start(listen=('0.0.0.0:0',))
        other = Lookupd(self.map, listen=(f'[::]:{self.server.port}',))
        self.ask_at(('::1', self.server.port), socket.AF_INET6)
        self.ask_at(('127.0.0.1', self.server.port))
        self.assertEqual(other.stop(), 0)

    def test_port_in_use(self):
        self.start()
        result = run(f'--listen=127.0.0.1:{self.server.port}')
        self.assertEqual(result.returncode, 1)
        self.assertIn(f'cannot listen on 127.0.0.1:{self.server.port}: Address already in use',
                      result.stderr)

    def test_port_is_free_again_at_once(self):
        first = self.start()
        client = first.connect()
        client.ask('192.0.2.10')
        self.assertEqual(first.stop(), 0)
        self.assertEqual(client.line(), '')
        second = self.start(listen=(f'127.0.0.1:{first.port}',))
        self.assertEqual(second.port, first.port)
        self.assertEqual(second.ask('192.0.2.10'), FOUND)
        client.close()

    def test_passed_socket(self):
        passed, ready = self.listening(), self.notifications()
        # A client that came before the program did is served, too: systemd starts it for that one.
        early = Client(socket.create_connection(passed.getsockname(), timeout=DEADLINE))
        early.send('get 192.0.2.10\n')
        self.start(listen=(), passed=[passed], notify=ready)
        ready.wait('READY=1')
        self.assertEqual(early.line(), FOUND)
        self.ask_at(passed.getsockname())
        early.close()

    def test_passed_sockets_of_all_kinds_and_an_own_one(self):
        path = str(self.directory.path / 'socket')
        passed = [self.listening(), self.listening(socket.AF_UNIX, path)]
        if has_ipv6():
            passed.append(self.listening(socket.AF_INET6, ('::1', 0)))
        self.start(passed=passed)
        for each in passed:
            self.ask_at(each.getsockname(), each.family)
        self.ask_at(('127.0.0.1', self.server.port))

    def test_passed_socket_outlives_a_restart(self):
        passed = self.listening()
        first = Lookupd(self.map, listen=(), passed=[passed])
        self.ask_at(passed.getsockname())
        self.assertEqual(first.stop(), 0)
        waiting = Client(socket.create_connection(passed.getsockname(), timeout=DEADLINE))
        waiting.send('get 192.0.2.10\n')
        self.start(listen=(), passed=[passed])
        self.assertEqual(waiting.line(), FOUND)
        waiting.close()

    def test_passed_socket_that_cannot_be_served(self):
        connected = socket.socketpair()
        for name, wrong in (('datagram', self.listening(kind=socket.SOCK_DGRAM)),
                            ('not listening', connected[0]),
                            ('file', open(os.devnull, encoding='ascii'))):
            with self.subTest(name):
                server = Lookupd(self.map, listen=(), passed=[wrong])
                self.assertEqual(server.process.wait(DEADLINE), 1)
                server.wait_line('cannot serve passed socket 3: Socket operation on non-socket')
                server.stop()
        for each in (*connected, wrong):
            each.close()

    def test_sockets_for_another_process_are_not_taken(self):
        result = run(extra={'LISTEN_FDS': '1', 'LISTEN_PID': '1'})
        self.assertEqual(result.returncode, 2)
        self.assertIn('no socket to listen on', result.stderr)


class Service(Process):
    def test_ready_and_stopping(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                notes = self.notifications()
                server = Lookupd(self.map, notify=notes)
                notes.wait('READY=1')
                # With clients connected, one of them in the middle of a request.
                idle, unfinished = server.connect(), server.connect()
                self.assertEqual(idle.ask('192.0.2.10'), FOUND)
                unfinished.send('get 192.')
                self.assertEqual(server.stop(number), 0)
                notes.wait('STOPPING=1')
                # The connection that it offers to systemd, which does not take it here.
                notes.wait('FDSTORE=1')
                for client in (idle, unfinished):
                    self.assertTrue(client.at_end())
                    client.close()
                notes.close()
                os.unlink(notes.path)

    def test_connections_outlive_a_restart(self):
        """As many as one message can carry and some more; but not what is only half said."""
        passed, notes = self.listening(), self.notifications()
        first = Lookupd(self.map, '--max-connections=400', listen=(), passed=[passed], notify=notes)
        clients = []
        for _ in range(300):
            client = Client(socket.create_connection(passed.getsockname(), timeout=DEADLINE))
            self.assertEqual(client.ask('192.0.2.10'), FOUND)
            clients.append(client)
        clients[-1].send('get 192.0.2.')
        self.assertEqual(clients[-2].ask('192.0.2.11'), NOT_FOUND)
        kept = notes.keep_files(first.stop)
        self.assertEqual(len(kept), 299)
        self.assertTrue(clients.pop().at_end())

        # One asks while nobody is there.
        clients[0].send('get 192.0.2.10\n')
        names = ':'.join(['a.socket'] + ['client'] * len(kept))
        self.start('--max-connections=400', listen=(), passed=[passed, *kept], notify=notes,
                   extra={'LISTEN_FDNAMES': names})
        notes.wait('FDSTOREREMOVE=1')
        for each in kept:
            each.close()
        self.assertEqual(clients[0].line(), FOUND)
        for client in clients:
            self.assertEqual(client.ask('192.0.2.10'), FOUND)
            client.close()

    def test_ready_without_a_map(self):
        self.map.unlink()
        notes = self.notifications()
        self.start(notify=notes)
        notes.wait('READY=1')

    def test_watchdog(self):
        notes = self.notifications()
        self.start(notify=notes, extra={'WATCHDOG_USEC': '100000'})
        notes.wait('WATCHDOG=1', count=5)
        self.assertEqual(self.server.ask('192.0.2.10'), FOUND)

    def test_no_watchdog_unless_asked(self):
        notes = self.notifications()
        self.start(notify=notes)
        notes.wait('READY=1')
        self.assertEqual(self.server.stop(), 0)
        notes.wait('STOPPING=1')
        self.assertNotIn('WATCHDOG=1', notes.seen)

    def test_log_lines_carry_their_priority_for_the_journal(self):
        self.map.unlink()
        for offset, prefix in ((0, '<{}>'), (1, 'pbs-lookupd: ')):
            with self.subTest(offset):
                # As for a service: the stream is named before the program starts.
                server = Lookupd(self.map, wrapper=(sys.executable, '-c', JOURNAL, str(offset)))
                self.assertEqual(server.ask('192.0.2.10')[:3], '400')
                self.assertEqual(server.stop(), 0)
                self.assertEqual(
                    server.lines,
                    [f'{prefix.format(6)}listening on 127.0.0.1:{server.port}',
                     f'{prefix.format(4)}cannot read map {self.map}: No such file or directory, '
                     'answering 400'])

    def test_debug_logs_each_request(self):
        self.start('--debug')
        with self.server.connect() as client:
            client.send(b'get 192.0.2.10\nget x\x1b[31m\xff\n\nget %s\n' % (b'y' * 4000))
            for _ in range(4):
                client.line()
        self.server.wait_line(r'^pbs-lookupd: get 192\.0\.2\.10: 200 OK$')
        self.server.wait_line(r'^pbs-lookupd: get x\?\[31m\?: 500 not found$')
        self.server.wait_line(r'^pbs-lookupd: : 400 not a request$')
        self.server.wait_line(r'^pbs-lookupd: get y{60,200}: 500 not found$')

    def test_no_request_is_logged_without_debug(self):
        self.start()
        self.assertEqual(self.server.ask('192.0.2.10', 'x'), [FOUND, NOT_FOUND])
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(len(self.server.lines), 1, self.server.lines)


class OpenFiles(Process):
    def test_cap_follows_a_hard_limit(self):
        self.start('--max-connections=1000', wrapper=('prlimit', '--nofile=100:100'))
        self.server.wait_line(r'the limit on open files leaves room for 36 clients, not 1000')
        clients = [self.server.connect() for _ in range(40)]
        for client in clients:
            client.send('get 192.0.2.10\n')
        self.assertEqual(clients[39].line(), FOUND)
        self.server.wait_line('36 clients are connected, closing the longest idle one')
        self.assertEqual(self.server.count_lines('cannot accept'), 0)
        for client in clients:
            client.close()

    def test_soft_limit_is_raised(self):
        self.start('--max-connections=200', wrapper=('prlimit', '--nofile=100:4096'))
        clients = [self.server.connect() for _ in range(200)]
        for client in clients:
            self.assertEqual(client.ask('192.0.2.10'), FOUND)
        for client in clients:
            client.close()
        self.assertEqual(len(self.server.lines), 1)

    def test_out_of_files_with_clients(self):
        """The longest idle one gives way, as it does at the cap."""
        self.start()
        first, second = self.server.connect(), self.server.connect()
        for client in (second, first):
            self.assertEqual(client.ask('192.0.2.10'), FOUND)
        self.server.limit_files(self.server.open_files())
        third = self.server.connect()
        self.assertEqual(third.ask('192.0.2.10'), FOUND)
        self.assertTrue(second.at_end())
        self.assertEqual(first.ask('192.0.2.10'), FOUND)
        self.server.wait_line('cannot accept a client: Too many open files')
        for client in (first, second, third):
            client.close()

    def test_out_of_files_without_clients(self):
        """Nothing can be closed: it waits, does not spin, and goes on when it can."""
        self.start()
        self.server.limit_files(self.server.open_files())
        client = self.server.connect()
        self.server.wait_line('cannot accept a client: Too many open files')
        self.server.wait_asleep()
        self.server.limit_files(100)
        self.assertEqual(client.ask('192.0.2.10'), FOUND)
        self.assertEqual(self.server.ask('192.0.2.10'), FOUND)
        client.close()


class Options(unittest.TestCase):
    def assert_usage_error(self, arguments, message):
        with self.subTest(arguments=arguments):
            result = run(*arguments)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(message, result.stderr)
            self.assertEqual(result.stdout, '')
            return result

    def test_nothing_to_listen_on(self):
        result = self.assert_usage_error([], 'no socket to listen on')
        self.assertIn(HINT, result.stderr)

    def test_listen_needs_a_numeric_address_and_port(self):
        for value in ('', 'x', '825', ':825', '127.0.0.1', '127.0.0.1:', '127.0.0.1:x',
                      '127.0.0.1:65536', '127.0.0.1:-1', '127.0.0.1:+1', '127.0.0.1: 1',
                      '127.0.0.1:0x19', '127.0.0.1:825 ', '127.0.0.1:99999999999', '127.1:825',
                      'localhost:825', '127.0.0.1:smtp', '::1:825', '[::1]', '[::1]825', '[]:825',
                      '[127.0.0.1]:825', '[::1%lo]:825', '[localhost]:825', '/run/socket',
                      'x' * 5000 + ':825'):
            result = self.assert_usage_error([f'--listen={value}'],
                                             f'cannot listen on {value[:900]}')
            if len(value) < 900:
                self.assertIn('not a numeric ADDRESS:PORT', result.stderr)

    def test_values(self):
        for value in ('0', '-1', '65537', '99999999999999999999', 'x', '', '10k', ' 5', '0x10'):
            self.assert_usage_error([f'--max-connections={value}'],
                                    f'--max-connections={value}: must be a number from 1 to 65536')
        self.assert_usage_error(['--dbfile='], '--dbfile=: must be a file name')
        self.assert_usage_error(['--listen=127.0.0.1:0'] * 33, 'at most 32 times')

    def test_unknown_options_and_arguments(self):
        for arguments, message in ((['--colour'], 'unrecognized option'),
                                   (['-v'], 'invalid option'),
                                   (['--listen'], 'requires an argument'),
                                   (['--debug=yes'], "doesn't allow an argument"),
                                   (['192.0.2.10'], "unexpected argument '192.0.2.10'")):
            result = self.assert_usage_error(arguments, message)
            self.assertIn(HINT, result.stderr)

    def test_help_names_what_the_manual_page_describes(self):
        result = run('--help')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        shown = set(re.findall(r'^  --([a-z-]+)', result.stdout, re.MULTILINE))
        page = pathlib.Path(SOURCE, 'man/pbs-lookupd.8').read_text(encoding='utf-8')
        described = set(re.findall(r'^\.It Fl Fl ([a-z-]+)', page, re.MULTILINE))
        self.assertEqual(shown, described)
        self.assertIn('listen', shown)

    def test_version(self):
        result = run('--version')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertRegex(result.stdout, r'^pop-before-smtp \d+(\.\d+)*\n$')


if __name__ == '__main__':
    tap.main()
