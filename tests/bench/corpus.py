# SPDX-License-Identifier: LGPL-2.1-or-later
"""The journal that is read in all measurements: an hour of a busy mail host. A fifth of it is
Dovecot's, as 2.3 writes it: of ten entries five are logins, most of the others their logouts. Half
a dozen logins an address, which is what a program that polls makes of an hour."""

import itertools
import pathlib
import random
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'integration'))

import journals  # noqa: E402

LOGINS_PER_ADDRESS = 5
SPAN = 3600 * journals.SEC
RUNS = {'dovecot.service': 'd0' * 16, 'postfix@-.service': 'b0' * 16, 'ssh.service': 'a0' * 16}


def _template(unit, identifier, executable, pid):
    """What an entry has beside its times and message; order and number as journald has them."""
    fields = {'_BOOT_ID': 'f' * 32, 'PRIORITY': 6, '_UID': 0, '_GID': 0,
              '_SYSTEMD_SLICE': 'system.slice', '_MACHINE_ID': '3d1219c7c4c5404aaa1f6d2a48adfda4',
              '_HOSTNAME': 'mail', '_RUNTIME_SCOPE': 'system', '_TRANSPORT': 'syslog',
              'SYSLOG_IDENTIFIER': identifier, '_CAP_EFFECTIVE': 'f4ecbfff',
              '_SYSTEMD_CGROUP': f'/system.slice/{unit}', '_SYSTEMD_UNIT': unit,
              'SYSLOG_FACILITY': 2, '_SYSTEMD_INVOCATION_ID': RUNS[unit], '_PID': pid,
              '_COMM': executable.rpartition('/')[2], '_EXE': executable, '_CMDLINE': executable}
    return ''.join(f'{name}={value}\n' for name, value in fields.items())


_DOVECOT = _template('dovecot.service', 'dovecot', '/usr/lib/dovecot/log', 302)
_OTHERS = [_template('postfix@-.service', f'postfix/{name}', f'/usr/lib/postfix/sbin/{name}', pid)
           for pid, name in enumerate(('smtpd', 'cleanup', 'qmgr', 'smtp', 'local'), 400)]
_OTHERS.append(_template('ssh.service', 'sshd', '/usr/sbin/sshd', 500))


def address(number):
    """The number-th address of all that can be there; none of them is local."""
    return f'10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}'


def _login(service, user, client, session):
    return (f'{service}-login: Login: user=<user{user}>, method=PLAIN, rip={client}, '
            f'lip=192.0.2.1, mpid={1000 + session % 30000}, TLS, session=<{session:016x}>')


def _logout(service, user, session):
    start = f'{service}(user{user})<{1000 + session % 30000}><{session:016x}>: Disconnected: '
    if service == 'pop3':
        return start + 'Logged out top=0/0, retr=1/3042, del=1/7, size=21042'
    return start + ('Logged out in=118 out=1042 deleted=0 expunged=0 trashed=0 hdr_count=1 '
                    'hdr_bytes=211 body_count=0 body_bytes=0')


def dovecot_messages(count):
    """So many messages of Dovecot. Two thirds of the sessions are POP3's and end within a dozen of
    entries, the others are IMAP's, and end some thousand entries later, or never."""
    chance = random.Random(count)
    addresses = max(1, count // 2 // LOGINS_PER_ADDRESS)
    due = [[] for _ in range(count)]
    session = 0
    for i in range(count):
        if due[i]:
            yield due[i].pop()
            # What could not be said yet is said next.
            if due[i] and i + 1 < count:
                due[i + 1] += due[i]
        elif chance.random() < 0.1:
            yield (f'pop3-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<eve{i}>, '
                   f'method=PLAIN, rip={address(chance.randrange(1 << 24))}, lip=192.0.2.1')
        else:
            session += 1
            user = chance.randrange(addresses)
            service = chance.choice(('pop3', 'pop3', 'imap'))
            end = i + (chance.randrange(1, 12) if service == 'pop3' else
                       chance.randrange(1000, 20000))
            if end < count:
                due[end].append(_logout(service, user, session))
            yield _login(service, user, address(user), session)


def export(count):
    """The whole journal, a fifth of it Dovecot's, in the Journal Export Format."""
    begin = journals.now() - SPAN
    step = max(1, SPAN // count)
    other = itertools.cycle(_OTHERS)
    said = dovecot_messages(count // 5)
    for i in range(count):
        when = begin + i * step
        if i % 5 == 0:
            fields, message = _DOVECOT, next(said)
        else:
            fields = next(other)
            message = f'{i:08X}: client=client{i % 5000}.example.com[{address(i % 60000)}]'
        yield (f'__REALTIME_TIMESTAMP={when}\n__MONOTONIC_TIMESTAMP={1000000 + i * step}\n{fields}'
               f'SYSLOG_TIMESTAMP=Nov 22 {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02} \n'
               f'MESSAGE={message}\n_SOURCE_REALTIME_TIMESTAMP={when - 17}\n\n').encode()


def journal(cache, count):
    """A directory with the journal, made once."""
    directory = cache / f'journal-{count}'
    if directory.exists():
        return directory
    draft = cache / f'journal-{count}.new'
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    with subprocess.Popen([journals.JOURNAL_REMOTE, '-o', draft / 'system.journal', '-'],
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as remote:
        for entry in export(count):
            remote.stdin.write(entry)
        _, errors = remote.communicate()
    if remote.returncode != 0:
        raise RuntimeError(f'systemd-journal-remote: {errors.decode(errors="replace")}')
    draft.rename(directory)
    return directory
