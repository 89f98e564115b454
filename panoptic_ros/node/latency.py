"""How long the stages of the last frames took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from time import perf_counter

import numpy as np

STAGES = ('receive', 'wait', 'convert', 'upload', 'resize', 'network', 'grouping', 'download',
          'tracking', 'publish', 'total')
"""
In the order in which a frame passes them; ``total`` is from the camera's publish to ours.

Upload and download are a GPU's, which resizes as part of ``network``; see ``CudaPipeline.stages``.
"""


@dataclass(frozen=True)
class Latency:
    """Seconds that one stage took: median, 99th percentile and maximum."""

    p50: float
    p99: float
    max: float


class LatencyWindow:
    """
    The stage times of the last frames; one thread records while another asks.

    Parameters
    ----------
    frames
        How many frames the window remembers.

    """

    def __init__(self, frames: int = 600) -> None:
        self._times = np.full((frames, len(STAGES)), np.nan)
        self._ends = np.zeros(frames)
        self._count = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return min(self._count, len(self._times))

    @property
    def seconds(self) -> float:
        """How long ago the oldest frame that is remembered was recorded; 0 without any."""
        if not self._count:
            return 0.0
        return perf_counter() - float(self._ends[:len(self)].min())

    def record(self, times: Mapping[str, float]) -> None:
        """Remember one frame's seconds per stage; a stage that it lacks is not counted."""
        row = [times.get(stage, np.nan) for stage in STAGES]
        with self._lock:
            self._times[self._count % len(self._times)] = row
            self._ends[self._count % len(self._times)] = perf_counter()
            self._count += 1

    def summary(self) -> dict[str, Latency]:
        """Return the latency of every stage that was recorded, in the order of ``STAGES``."""
        with self._lock:
            times = self._times[:len(self)].copy()
        stages = {}
        for stage, column in zip(STAGES, times.T, strict=True):
            known = np.sort(column[~np.isnan(column)])
            if len(known):
                stages[stage] = Latency(_rank(known, 0.5), _rank(known, 0.99), float(known[-1]))
        return stages


def _rank(ordered: np.ndarray[tuple[int], np.dtype[np.float64]], quantile: float) -> float:
    # the nearest rank: a value that was measured, never an interpolation between two
    return float(ordered[max(0, int(np.ceil(quantile * len(ordered))) - 1)])
