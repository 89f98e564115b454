"""The memory that a call takes for a while."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..processes import ProcessPool

Prepare = Callable[..., Callable[[], object]]


def peak_mib(prepare: Prepare, *arguments: Any) -> float | None:
    """
    Return the MiB by which a fresh process grows at most during a call; None where unknown.

    Parameters
    ----------
    prepare
        A function of a module; called with the arguments, it returns what is then called.
    arguments
        Whatever can be sent to a process.

    """
    with ProcessPool(1) as pool:
        return pool.submit(_peak_mib, prepare, arguments).result()


def _peak_mib(prepare: Prepare, arguments: tuple[Any, ...]) -> float | None:
    call = prepare(*arguments)
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)    # freed memory would not be counted
        Path('/proc/self/clear_refs').write_text('5', encoding='ascii')     # reset the peak
    except (OSError, AttributeError):   # not Linux with glibc
        return None
    before = _status('VmRSS')
    result = call()
    peak = _status('VmHWM')
    del result      # it counts, and must live until here
    return (peak - before) / 2**20


def _status(name: str) -> int:
    """Return a size in bytes from the kernel's account of this process."""
    for line in Path('/proc/self/status').read_text(encoding='ascii').splitlines():
        if line.startswith(name + ':'):
            return int(line.split()[1]) * 1024
    raise OSError(f'/proc/self/status has no {name}: expected a Linux kernel')
