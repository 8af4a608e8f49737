# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ways to write a log line that looks like a server's without being the server."""

NOBODY = "nobody"


def as_root(world, identifier, text):
    """From a shell that belongs to no unit."""
    world.run("logger", "-t", identifier, text)


def as_root_with_pid(world, identifier, text):
    world.run("logger", "-t", identifier, "--id=1", "-p", "mail.info", text)


def as_root_service(world, identifier, text):
    world.container.run_in_unit("logger", "-t", identifier, text)


def as_nobody(world, identifier, text):
    world.container.run_in_unit("logger", "-t", identifier, "-p", "mail.info", text, user=NOBODY)


def journal_fields(world, identifier, text):
    unit = world.server.units[0]
    return "".join(f"{line}\n" for line in (
        f"MESSAGE={text}", f"SYSLOG_IDENTIFIER={identifier}", "PRIORITY=6", f"UNIT={unit}",
        f"_SYSTEMD_UNIT={unit}", f"OBJECT_SYSTEMD_UNIT={unit}", "_UID=0", "_PID=1", "_COMM=log",
        "_TRANSPORT=syslog", "SYSLOG_PID=1", "SYSLOG_FACILITY=2")).encode()


def native_by_root(world, identifier, text):
    """The journal's own protocol, with every field that might count."""
    world.run("logger", "--journald", stdin=journal_fields(world, identifier, text))


def native_by_nobody(world, identifier, text):
    world.container.run_in_unit("logger", "--journald", user=NOBODY,
                                stdin=journal_fields(world, identifier, text))


def output_of_service(world, identifier, text):
    """What a service prints, under the server's name."""
    world.run("systemd-run", "--quiet", "--wait", "--collect", f"--uid={NOBODY}",
              f"--property=SyslogIdentifier={identifier}", "echo", text)


def similar_unit(world, identifier, text):
    """Units whose names begin, or end, like the server's."""
    name = world.server.units[0]
    for unit in (f"x-{name}", name.replace(".service", "-x.service")):
        world.run("systemd-run", "--quiet", "--wait", "--collect", f"--unit={unit}",
                  "logger", "-t", identifier, text)


def own_process_in_unit(world, identifier, text):
    """A user's mail process shares the server's unit, but not its user id."""
    group = world.show(world.server.units[0], "ControlGroup")
    script = """for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
                    if [ -w "$hierarchy$1/cgroup.procs" ]; then
                        echo $$ >"$hierarchy$1/cgroup.procs"
                    fi
                done
                # journald looks at the process after it has the message; so logger waits for more.
                { printf "%s\\n" "$3"; sleep 1; } |
                    setpriv --reuid=pbsbob --regid=pbsbob --clear-groups logger -t "$2"
             """
    world.run("sh", "-c", script, "sh", group, identifier, text)


def description_of_unit(world, _identifier, text):
    """systemd itself writes it, as process 1, about the unit."""
    world.run("systemd-run", "--quiet", "--wait", "--collect", f"--description={text}", "true")


WAYS = [as_root, as_root_with_pid, as_root_service, as_nobody, native_by_root, native_by_nobody,
        output_of_service, similar_unit, own_process_in_unit]


def forge_all(world):
    """Each way with some text, each text in some way, under each name that the server uses. Returns
    how many entries at least must have come of it."""
    texts, names = world.server.forgeries, world.server.identifiers
    made = 0
    for number, way in enumerate(WAYS):
        for offset in (0, 1):
            way(world, names[(number + offset) % len(names)],
                texts[(number + offset) % len(texts)])
            made += 1
    for number, text in enumerate(texts):
        as_nobody(world, names[number % len(names)], text)
        made += 1
    description_of_unit(world, None, texts[0])
    return made
