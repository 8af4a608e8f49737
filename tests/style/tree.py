# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the style tests have in common: the project's files, the tools, and how a test ends."""

import os
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _walk():
    for directory, subdirectories, names in os.walk(TOP):
        subdirectories[:] = [name for name in subdirectories
                             if name not in ('.git', '__pycache__') and not name.startswith('build')]
        yield from (os.path.relpath(os.path.join(directory, name), TOP) for name in names)


def files():
    """The project's files, relative to its top: what git tracks or would track, and where there is
    no git, as in a release, all that is there."""
    git = subprocess.run(['git', '-C', TOP, 'ls-files', '-z', '--cached', '--others',
                          '--exclude-standard'], capture_output=True, check=False) \
        if shutil.which('git') else None
    names = git.stdout.decode().split('\0') if git and git.returncode == 0 else _walk()
    return sorted(name for name in set(names) if name and os.path.isfile(os.path.join(TOP, name)))


def read(name):
    with open(os.path.join(TOP, name), encoding='utf-8', errors='replace') as file:
        return file.read()


def is_binary(name):
    with open(os.path.join(TOP, name), 'rb') as file:
        return b'\0' in file.read(8192)


def tool(*names):
    """The first of these programs that is installed. Without any, the test is skipped."""
    for name in names:
        if shutil.which(name):
            return name
    skip(f'{" or ".join(names)} is not installed')


def skip(reason):
    print(f'skipped: {reason}')
    sys.exit(77)


def run(command, **options):
    """Runs a command at the top of the project; returns its exit status and all that it said."""
    result = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, errors='replace', check=False, **options)
    return result.returncode, result.stdout


def finish(complaints, checked):
    """Ends the test; nothing checked is as bad as something found."""
    for complaint in complaints:
        print(complaint.rstrip('\n'))
    print(f'{checked} checked, {len(complaints)} complaints')
    sys.exit(1 if complaints or not checked else 0)
