"""The record of a camera's frames: stamps, outcomes, ages, and the times of the stages."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np

WINDOW = 5.0
"""The least number of seconds over which rates are taken."""

FUTURE_TOLERANCE = 0.1
"""Seconds by which a stamp may be ahead of the clock, as clocks of two machines never agree."""

_REMEMBERED = 4096
"""How many arrivals of images without labels are remembered; these are the first ones."""

STAGES = ('receive', 'wait', 'convert', 'upload', 'resize', 'network', 'grouping', 'download',
          'tracking', 'publish', 'total')
"""
The stages in the order in which a frame passes them.

``total`` is the time from the camera's publish to ours.  Only a GPU has ``upload`` and
``download``; it resizes as part of ``network``.  See ``CudaPipeline.stages``.
"""


@dataclass(frozen=True)
class Stamp:
    """A header's stamp, compared with the node's clock at the time of arrival."""

    age: float
    """Seconds by which the stamp lies behind the clock; negative if it lies in the future."""
    is_zero: bool
    clock_runs: bool
    """False under use_sim_time while nothing publishes /clock."""

    @classmethod
    def compare(cls, stamp: Any, now: int) -> Stamp:
        """Compare a ``builtin_interfaces/Time`` with the clock's time, in nanoseconds."""
        # rclpy's Time would refuse the negative stamps that a broken driver may send
        time = stamp.sec * 10**9 + stamp.nanosec
        return cls((now - time) * 1e-9, time == 0, now != 0)

    def doubt(self, max_age: float) -> str | None:
        """Return what is wrong with the stamp; None if nothing is."""
        if self.is_zero:
            return 'the stamp is zero: the camera driver does not set it'
        if not self.clock_runs:
            return 'use_sim_time is set, but /clock is silent: play the bag with --clock'
        if self.age < -FUTURE_TOLERANCE:
            return f'the stamp is {-self.age:.1f} s in the future: synchronise the clocks'
        if 0 < max_age < self.age:
            return (f'the stamp is {self.age:.1f} s old: when a bag is played, set use_sim_time '
                    'and play it with --clock')
        return None


@dataclass
class Counts:
    """Numbers of frames by outcome; each frame that is received has one of the outcomes later."""

    received: int = 0
    segmented: int = 0
    dropped: int = 0
    """A newer frame came before the worker was free."""
    rejected: int = 0
    """The message held no usable image."""
    failed: int = 0
    """The engine or a publisher raised an error."""
    stale: int = 0
    """The stamp was older than ``max_age`` when the frame's turn came."""
    lost: int = 0
    """The middleware says that the frame never came; it is not among those received."""

    @property
    def waiting(self) -> int:
        """The number of frames without an outcome so far."""
        return self.received - (self.segmented + self.dropped + self.rejected + self.failed
                                + self.stale)


@dataclass(frozen=True)
class Lately:
    """A camera's counts now and at the last look, and rates over the window."""

    counts: Counts
    before: Counts
    """The counts at the last look."""
    received_rate: float
    """Frames per second over the window; so are the next three rates."""
    segmented_rate: float
    dropped_rate: float
    lost_rate: float
    settled: bool
    """Whether images have come for the whole window, so that rates can be judged."""

    @property
    def new(self) -> Counts:
        """The difference of the two counts."""
        return Counts(*(now - then for now, then in zip(
            astuple(self.counts), astuple(self.before), strict=True)))


class Tally:
    """
    Looks at a camera's counts once in a while, and remembers a window of them.

    Parameters
    ----------
    started
        Time at which the counts began, in seconds of any steady clock.

    """

    def __init__(self, started: float) -> None:
        self._looks = deque([(started, Counts())])

    def look(self, counts: Counts, now: float, coming: bool) -> Lately:
        """
        Return the counts now and at the last look, with rates.

        Parameters
        ----------
        counts
            The camera's counts, which other threads go on changing.
        now
            Time in seconds of the same clock.
        coming
            Whether images come; after a pause the window begins anew.

        """
        counts = replace(counts)
        before = self._looks[-1][1]
        self._looks.append((now, counts))
        while len(self._looks) > 2 and now - self._looks[1][0] >= WINDOW:
            self._looks.popleft()
        start, first = self._looks[0]
        seconds = now - start
        if not coming:
            self._looks = deque([(now, counts)])
        return Lately(counts, before, (counts.received - first.received) / seconds,
                      (counts.segmented - first.segmented) / seconds,
                      (counts.dropped - first.dropped) / seconds,
                      (counts.lost - first.lost) / seconds,
                      coming and seconds >= WINDOW)


class Freshness:
    """
    The age of the labels, as a consumer sees it.

    The thread that receives images notes them, and also calls ``age`` and ``overdue``.  The thread
    that publishes labels notes these.  All times are seconds of one steady clock.
    """

    def __init__(self) -> None:
        self._due: deque[float] = deque()
        self._published: float | None = None
        self._forgiven = 0.0

    def restart(self) -> None:
        """Forget everything; only later images and labels are judged."""
        self._due.clear()
        self._published, self._forgiven = None, 0.0

    def receive(self, arrival: float) -> None:
        """Note an image, for which labels are due."""
        if len(self._due) < _REMEMBERED:
            self._due.append(arrival)

    def publish(self, arrival: float) -> None:
        """Note that the labels of the image that came at ``arrival`` are published."""
        self._published = arrival

    def forgive(self, arrival: float) -> None:
        """Note that no labels are due for images before ``arrival``, which were not usable."""
        self._forgiven = arrival

    def age(self, now: float) -> float | None:
        """Return the seconds since the image of the newest labels came; None without labels."""
        return None if self._published is None else now - self._published

    def overdue(self, now: float) -> float:
        """Return the seconds since the first image without labels came; 0 if there is none."""
        published = self._published
        while self._due and (self._due[0] < self._forgiven
                             or (published is not None and self._due[0] <= published)):
            self._due.popleft()
        return now - self._due[0] if self._due else 0.0


@dataclass(frozen=True)
class Latency:
    """The seconds of one stage: median, 99th percentile and maximum."""

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
        """Seconds since the oldest remembered frame was recorded; 0 without any."""
        if not self._count:
            return 0.0
        return perf_counter() - float(self._ends[:len(self)].min())

    def record(self, times: Mapping[str, float]) -> None:
        """Remember one frame's seconds per stage; a stage that is absent is not counted."""
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
    # The nearest rank is a measured value, not an interpolation between two.
    return float(ordered[max(0, int(np.ceil(quantile * len(ordered))) - 1)])
