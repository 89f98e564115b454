"""A program with a limit of time, whose output is in a file while it runs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

GRACE = 10.
"""Seconds in which a program that took too long may write what it has."""


class Done(NamedTuple):
    """How a program ended."""

    status: int
    output: str
    late: str
    """Says that it was ended because it took too long; empty otherwise."""


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path,
        limit: float) -> Done:
    """
    Run a program in a folder; end it with its children after ``limit`` seconds.

    They are ended too when an exception ends the caller.
    """
    late = ''
    with log.open('w', encoding='utf-8') as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, env=environment,
                                   start_new_session=True)
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            late = f'took longer than {limit:g} s: '
            _end(process, signal.SIGINT)
        finally:
            _end(process, signal.SIGKILL)
    return Done(process.returncode, log.read_text(encoding='utf-8', errors='replace'), late)


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Send a signal to a program and its children, and give it some time to end."""
    try:
        os.killpg(process.pid, how)
        process.wait(GRACE)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
