"""How much memory the node's process takes, and how much the machine has."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path

_UNIT = 1024


@dataclass(frozen=True)
class Memory:
    """Bytes; None where the system does not say."""

    resident: int | None
    """Of the process, now."""
    peak: int
    """The most that was resident."""
    available: int | None
    """What the machine can still give."""
    total: int | None


def read_memory(proc: Path = Path('/proc')) -> Memory:
    """Return the memory of this process and of the machine; ``proc`` is where Linux tells it."""
    machine = _meminfo(proc / 'meminfo')
    return Memory(_resident(proc / 'self/statm'),
                  resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT,
                  machine.get('MemAvailable'), machine.get('MemTotal'))


def _resident(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')
    except (OSError, ValueError, IndexError):
        return None


def _meminfo(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    return {line.partition(':')[0]: int(line.split()[1]) * _UNIT
            for line in lines if line.endswith(' kB')}
