"""A ROS domain that nobody else on the machine uses."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DOMAINS = range(20, 100)
"""Those in whose ports neither the system's nor, as a rule, a robot's own traffic is."""


@contextmanager
def private_domain() -> Iterator[int]:
    """
    Hold a ROS domain that no other demo on this machine holds.

    Raises
    ------
    OSError
        All are held.

    """
    for domain in reversed(DOMAINS):
        lock = Path(tempfile.gettempdir()) / f'panoptic_ros_domain_{domain}.lock'
        with lock.open('w') as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield domain
            return
    raise OSError(f'the ROS domains {DOMAINS.start} to {DOMAINS.stop - 1} are all in use: end one '
                  'of the demos that hold them')
