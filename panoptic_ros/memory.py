"""
The memory of a ROS process: how much there is, and how images of megabytes use it.

Before the first message, the allocator is told to keep large buffers, and Fast DDS is told to
make buffers as large as an image.  When large images have ended, their memory is given back.
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

from .resources import share_directory

PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
"""Environment variables for the profile of Fast DDS, in Jazzy and in later distributions."""

TRANSPORT_VARIABLES = (*PROFILE_VARIABLES, 'FASTDDS_BUILTIN_TRANSPORTS', 'ROS_DISCOVERY_SERVER')
"""A user who sets one of these variables has chosen a transport; that choice is respected."""

_OWN_PROFILE = 'DEFAULT_FASTDDS_PROFILES.xml', 'DEFAULT_FASTRTPS_PROFILES.xml'
"""Files in the working directory that Fast DDS reads by itself."""

_SHARED_MEMORY, _NEEDED = Path('/dev/shm'), 48 << 20
"""The folder of Fast DDS's segments, and the free bytes that it must have for ours."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST, _LARGEST_OF_OLD_GLIBC = 1 << 30, 32 << 20

_WINDOW = 10.0
"""Seconds without large images after which they count as ended."""

_LARGE = 32 << 20
"""Bytes of an image whose memory is worth giving back; a camera of 8 megapixels needs less."""

_MUCH_LARGER = 4

_UNIT = 1024


@dataclass(frozen=True)
class Memory:
    """Sizes in bytes; None if the system does not tell them."""

    resident: int | None
    """The process's resident memory now."""
    peak: int
    """The largest resident memory so far."""
    available: int | None
    """The memory that the machine can still give."""
    total: int | None


def read_memory(proc: Path = Path('/proc')) -> Memory:
    """Return the memory of this process and of the machine; ``proc`` is Linux's /proc."""
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
    Let the allocator keep buffers of the size of images; allocators other than glibc ignore it.

    By default, each image is mapped, page-faulted and unmapped at every hop.  That costs more than
    copying it.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        if not mallopt(_M_MMAP_THRESHOLD, _LARGEST):
            mallopt(_M_MMAP_THRESHOLD, _LARGEST_OF_OLD_GLIBC)


def return_memory() -> None:
    """Give all free pages back to the system; allocators other than glibc ignore it."""
    trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
    if trim is not None:
        trim(0)


def use_large_buffers(environment: MutableMapping[str, str] = os.environ) -> bool:
    """
    Let Fast DDS use shared memory and socket buffers that hold a whole image.

    Subscribers and publishers need no profile for that.  Nothing is changed if
    the user has chosen a transport, or if shared memory is scarce.

    Parameters
    ----------
    environment
        The variables, which Fast DDS will read when the first node is made.

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

    The node keeps allocated memory, since the next image usually needs as much; see
    ``keep_large_buffers``.  After one image of 67 megapixels it keeps 2 GB.

    Parameters
    ----------
    give_back
        Called when the node keeps memory that images no longer need.

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
            Bytes of the largest image; 0 without any.
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
