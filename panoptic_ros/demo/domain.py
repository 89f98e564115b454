"""A ROS domain that nobody else on the machine uses."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

DOMAINS = range(20, 100)
"""Domains whose ports neither the system nor, as a rule, a robot uses."""


@contextmanager
def private_domain() -> Iterator[int]:
    """
    Hold a ROS domain that no other demo on this machine holds.

    Raises
    ------
    OSError
        All domains are held.

    """
    for domain in reversed(DOMAINS):
        lock = _take(_lock_file(domain))
        if lock is not None:
            with lock:
                yield domain
            return
    raise OSError(f'the ROS domains {DOMAINS.start} to {DOMAINS.stop - 1} are all in use: end one '
                  f'of the demos that hold them, or remove {_lock_file("*")} that ended ones left')


def _lock_file(domain: int | str) -> Path:
    return Path(tempfile.gettempdir()) / f'panoptic_ros_domain_{domain}.lock'


def _take(path: Path) -> IO[str] | None:
    """Return the open lock; None when another holds it, or when it is not ours to open."""
    try:
        file = path.open('w')
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
