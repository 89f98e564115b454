"""
The memory of the node's process: how much there is, and how images of megabytes use it.

Before the first message the allocator is told to keep large buffers and Fast DDS to make its own
as large as an image.  What large images needed is given back when they have ended.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
from collections import deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from ..resources import share_directory

PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
"""Where Fast DDS of Jazzy and of later distributions is told its profile."""

TRANSPORT_VARIABLES = (*PROFILE_VARIABLES, 'FASTDDS_BUILTIN_TRANSPORTS', 'ROS_DISCOVERY_SERVER')
"""Who sets one of these has chosen how Fast DDS transports, and is not contradicted."""

_OWN_PROFILE = 'DEFAULT_FASTDDS_PROFILES.xml', 'DEFAULT_FASTRTPS_PROFILES.xml'
"""Files in the working directory that Fast DDS reads by itself."""

_SHARED_MEMORY, _NEEDED = Path('/dev/shm'), 48 << 20
"""Where Fast DDS has its segments, and the free bytes with which ours leaves room for others."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST, _LARGEST_OF_OLD_GLIBC = 1 << 30, 32 << 20

_WINDOW = 10.0
"""Seconds without large images after which they have ended."""

_LARGE = 32 << 20
"""Bytes of an image whose memory is worth the while: a camera of 8 megapixels needs less."""

_MUCH_LARGER = 4

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


def keep_large_buffers() -> None:
    """
    Let the allocator keep buffers of the size of images; other allocators than glibc ignore it.

    By default each image is mapped, page-faulted and unmapped at every hop, which costs more
    than copying it.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        if not mallopt(_M_MMAP_THRESHOLD, _LARGEST):
            mallopt(_M_MMAP_THRESHOLD, _LARGEST_OF_OLD_GLIBC)


def return_memory() -> None:
    """Give every page that is free back to the system; other allocators than glibc ignore it."""
    trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
    if trim is not None:
        trim(0)


def use_large_buffers(environment: MutableMapping[str, str] = os.environ) -> bool:
    """
    Let Fast DDS write into shared memory, and read from sockets, that hold a whole image.

    Neither subscribers nor publishers need a profile for it.  Nothing is done where the user has
    chosen a transport or where shared memory is scarce.

    Parameters
    ----------
    environment
        The variables that Fast DDS will read when the first node is made.

    Returns
    -------
    Whether the shipped profile is used.

    """
    if (any(environment.get(name) for name in TRANSPORT_VARIABLES)
            or any(Path(name).exists() for name in _OWN_PROFILE)
            or not _SHARED_MEMORY.is_dir()
            or shutil.disk_usage(_SHARED_MEMORY).free < _NEEDED):
        return False
    profile = str(share_directory() / 'config' / 'fastdds_node.xml')
    for name in PROFILE_VARIABLES:
        environment[name] = profile
    return True


class Surplus:
    """
    Notices that images have become much smaller, or come no more.

    The node keeps what was allocated, since the next image needs as much; see
    ``keep_large_buffers``.  One image of 67 megapixels leaves 2 GB so.

    Parameters
    ----------
    give_back
        Called when that is memory that nobody needs.

    """

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back = give_back
        self._looks: deque[tuple[float, int]] = deque()
        self._kept = 0

    def look(self, largest: int, now: float) -> None:
        """
        Note the images since the last look.

        Parameters
        ----------
        largest
            Bytes of the largest one; 0 without any.
        now
            Seconds of a steady clock.

        """
        self._looks.append((now, largest))
        self._kept = max(self._kept, largest)
        while now - self._looks[0][0] > _WINDOW:
            self._looks.popleft()
        needed = max(size for _, size in self._looks)
        if self._kept > max(_LARGE, _MUCH_LARGER * needed):
            self._kept = needed
            self._give_back()
