"""The memory of a process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ros_harness import Process


def resident(process: Process) -> int:
    """Return the bytes of a process that are in memory."""
    status = Path(f'/proc/{process.process.pid}/status').read_text(encoding='utf-8')
    return next(int(line.split()[1]) * 1024 for line in status.splitlines()
                if line.startswith('VmRSS'))


def steady_growth(readings: Sequence[float]) -> float:
    """
    Return by how much readings grow from one to the next, leaving one or two steps out of account.

    It is the lower quartile of the slopes between any two of at least twelve readings. Two steps
    lie between two thirds of all pairs at most, so a quarter of the slopes is flat. The median of
    Theil and Sen would count a single step in the middle, which lies between half of all pairs.
    What is kept of every image makes each slope steep; where an allocator takes whole arenas for
    it, there are many steps.
    """
    apart = -(-len(readings) // 1000)       # readings of hours have millions of pairs
    values = np.asarray(readings[::apart], np.float64)
    first, second = np.triu_indices(len(values), 1)
    slopes = (values[second] - values[first]) / ((second - first) * apart)
    return float(np.quantile(slopes, 0.25))
