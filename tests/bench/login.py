# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long it takes from a login to the first positive answer, with real servers."""

import pathlib
import subprocess

from programs import DEADLINE


class Unavailable(Exception):
    """This machine cannot run the container."""


def measure(build_directory, logins):
    """The 50th and the 99th percentile of so many logins, in milliseconds."""
    script = pathlib.Path(__file__).resolve().parent / 'login-in-container'
    result = subprocess.run([script, build_directory, str(logins)], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, errors='replace', timeout=DEADLINE)
    if result.returncode == 77:
        raise Unavailable(result.stdout.strip())
    words = result.stdout.split()
    if result.returncode != 0 or words[-4::2] != ['p50', 'p99']:
        raise RuntimeError(f'{script}: exit {result.returncode}: '
                           f'{result.stdout[-1500:]}{result.stderr[-1500:]}')
    return int(words[-3]) / 1000, int(words[-1]) / 1000
