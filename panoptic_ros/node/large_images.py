"""What a process sets up before its first message, so that megabytes travel fast."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import MutableMapping
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
