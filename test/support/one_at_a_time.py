"""What several processes may make is made by one of them, for which the others wait."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_at_a_time(file: Path) -> Iterator[None]:
    """Hold the lock of a file that is about to be made; its folder is made if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix('.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
