# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run in the container, as the user and in the control group given: sends journald every form of a
message that any process can send, and then waits for the end of standard input, since journald
looks at the sender after it has the message.

Usage: forge.py USER CGROUP MARK IDENTIFIER UNIT PID, with the texts on standard input, one a line,
and an empty line at their end. CGROUP "-" stays where it is. All is sent twice, under the name
IDENTIFIER, and under the name MARK to be found by. Prints how many entries by the journal's own
protocol there are then with PBS_FORGED=MARK, and how many by syslog(3) with the name MARK.
"""

import fcntl
import os
import pwd
import socket
import sys

NATIVE, SYSLOG, STREAM = (f"/run/systemd/journal/{name}"
                          for name in ("socket", "dev-log", "stdout"))
HIERARCHIES = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")
MIB = 1 << 20
# journald's own id of the message that it dropped others.
DROPPED = b"a596d6fe7bfa4994828e72309e95d61e"


def become(user, group):
    for hierarchy in HIERARCHIES if group != "-" else ():
        file = f"{hierarchy}{group}/cgroup.procs"
        if os.access(file, os.W_OK):
            with open(file, "w", encoding="ascii") as procs:
                procs.write(str(os.getpid()))
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setresgid(*[entry.pw_gid] * 3)
    os.setresuid(*[entry.pw_uid] * 3)


def spellings(text):
    """A text as it is, and with what a reader could stumble over."""
    yield text
    yield b"x\n" + text
    yield text + b"\nx"
    yield b"\n" + text + b"\n"
    yield text + b"\0"
    yield b"\0" + text
    yield text.replace(b"=", b"=\0", 1)
    yield b"\xff\xfe" + text
    yield text + b"\xc3\x28\xf0\x9f"
    yield text.replace(b"user=", b"user=\xff", 1)


def long_spellings(text):
    yield text + b"x" * (MIB - len(text))
    yield b"x" * MIB + text
    yield text + b"\n" * MIB
    yield text.replace(b"user=", b"user=" + b"x" * MIB, 1)


def fields(mark, unit, pid):
    """Every field that may count. Those that begin with "_" are journald's to set, not ours."""
    number = b"%d" % pid
    return [(b"SYSLOG_IDENTIFIER", mark), (b"PRIORITY", b"6"), (b"SYSLOG_FACILITY", b"2"),
            (b"SYSLOG_PID", number), (b"SYSLOG_TIMESTAMP", b"Jan  1 00:00:00 "),
            (b"UNIT", unit), (b"USER_UNIT", unit), (b"COREDUMP_UNIT", unit),
            (b"OBJECT_PID", number), (b"OBJECT_SYSTEMD_UNIT", unit), (b"OBJECT_UID", b"0"), (b"_SYSTEMD_UNIT", unit),
            (b"_SYSTEMD_CGROUP", b"/system.slice/" + unit), (b"_SYSTEMD_SLICE", b"system.slice"),
            (b"_SYSTEMD_INVOCATION_ID", b"0" * 32), (b"_UID", b"0"), (b"_GID", b"0"),
            (b"_PID", number), (b"_COMM", b"log"), (b"_EXE", b"/usr/lib/dovecot/log"),
            (b"_CMDLINE", b"dovecot/log"), (b"_CAP_EFFECTIVE", b"1ffffffffff"),
            (b"_TRANSPORT", b"syslog"), (b"_BOOT_ID", b"0" * 32), (b"_MACHINE_ID", b"0" * 32),
            (b"_HOSTNAME", b"mx"), (b"_NAMESPACE", b""), (b"_RUNTIME_SCOPE", b"system"),
            (b"_SOURCE_REALTIME_TIMESTAMP", b"9000000000000000"),
            (b"__REALTIME_TIMESTAMP", b"9000000000000000"), (b"__CURSOR", b"s=0;i=1"),
            (b"PBS_EVENT", b"allow"), (b"PBS_ADDRESS", b"6.6.6.6")]


def encode(pairs):
    """The journal's own protocol, each value with its length, so that it may hold any byte."""
    return b"".join(b"%s\n%s%s\n" % (name, len(value).to_bytes(8, "little"), value)
                    for name, value in pairs)


def send_native(pairs):
    data = encode(pairs)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.connect(NATIVE)
        if len(data) < 65536:
            end.send(data)
            return
        memory = os.memfd_create("entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(memory, data)
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
                    | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL)
        socket.send_fds(end, [b""], [memory])
        os.close(memory)


def native(texts, mark, unit, pid):
    rest = fields(mark, unit, pid)
    for text in texts:
        for message in (*spellings(text), *long_spellings(text)):
            yield [(b"MESSAGE", message), *rest]
        # Several of a field: the first, the last, and all of them.
        yield [(b"MESSAGE", b"x"), (b"MESSAGE", text), *rest]
        yield [(b"MESSAGE", text), *rest, *rest, (b"MESSAGE", b"")]
        yield [(b"MESSAGE", text)] * 64 + rest
        yield [*rest, *((b"FIELD_%d" % number, text) for number in range(200)), (b"MESSAGE", text)]
        # journald's own words.
        yield [(b"MESSAGE", b"Suppressed 4711 messages from " + unit), (b"MESSAGE_ID", DROPPED),
               (b"N_DROPPED", b"4711"), *rest]


def send_syslog(data):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MIB)
        end.connect(SYSLOG)
        end.send(data)


def syslog(texts, mark, pid):
    for text in texts:
        for message in spellings(text):
            yield b"<22>Jan  1 00:00:00 %s[%d]: %s" % (mark, pid, message)
        # As long as the kernel lets a datagram be for one who is not root.
        yield b"<22>%s[%d]: %s" % (mark, pid, text.replace(b"user=", b"user=" + b"x" * 100000, 1))


def send_stream(texts, mark, unit):
    """What a service's standard output is; the second line names the unit that it is of."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.connect(STREAM)
        end.sendall(b"%s\n%s\n6\n1\n0\n0\n0\n" % (mark, unit))
        for text in texts:
            for line in spellings(text):
                end.sendall(line + b"\n")
        end.shutdown(socket.SHUT_WR)
        # journald closes its end when it has it all.
        end.recv(1)


def main():
    user, group, mark, identifier, unit, pid = sys.argv[1:]
    mark, identifier, unit, pid = mark.encode(), identifier.encode(), unit.encode(), int(pid)
    texts = []
    while (line := sys.stdin.buffer.readline().rstrip(b"\n")):
        texts.append(line)
    become(user, group)
    native_count = syslog_count = 0
    for name in (identifier, mark):
        for pairs in native(texts, name, unit, pid):
            send_native([*pairs, (b"PBS_FORGED", mark)])
            native_count += 1
        syslog_count = 0
        for data in syslog(texts, name, pid):
            send_syslog(data)
            syslog_count += 1
        send_stream(texts, name, unit)
    send_native([(b"MESSAGE", b"all is sent"), (b"PBS_FORGED", mark + b"-end")])
    print(native_count, syslog_count, flush=True)
    sys.stdin.buffer.read()


main()
