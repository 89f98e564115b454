"""What became of a camera's frames: their number, their age, and how long their stages took."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from threading import Lock
from time import perf_counter

import numpy as np

WINDOW = 5.0
"""Seconds over which rates are taken, at least."""

_REMEMBERED = 4096
"""Images without labels whose arrival is remembered; those that came first are."""

STAGES = ('receive', 'wait', 'convert', 'upload', 'resize', 'network', 'grouping', 'download',
          'tracking', 'publish', 'total')
"""
In the order in which a frame passes them; ``total`` is from the camera's publish to ours.

Upload and download are a GPU's, which resizes as part of ``network``; see ``CudaPipeline.stages``.
"""


@dataclass
class Counts:
    """What became of the frames; each one that is received is later one of the others."""

    received: int = 0
    segmented: int = 0
    dropped: int = 0
    """A newer one came before the worker was free."""
    rejected: int = 0
    """The message held no usable image."""
    failed: int = 0
    """The engine or a publisher raised."""
    stale: int = 0
    """Its stamp was older than ``max_age`` when its turn came."""
    lost: int = 0
    """It never came, says the middleware; the only one that is not among those received."""

    @property
    def waiting(self) -> int:
        """How many are on their way."""
        return self.received - (self.segmented + self.dropped + self.rejected + self.failed
                                + self.stale)


@dataclass(frozen=True)
class Lately:
    """One look at a camera's counts, and what they were before."""

    counts: Counts
    before: Counts
    """When they were last looked at."""
    received_rate: float
    """Frames per second, over the window; also the next ones."""
    segmented_rate: float
    dropped_rate: float
    lost_rate: float
    settled: bool
    """Whether images have come for the whole window, so that rates can be judged."""

    @property
    def new(self) -> Counts:
        """What became of the frames between the two."""
        return Counts(*(now - then for now, then in zip(
            astuple(self.counts), astuple(self.before), strict=True)))


class Tally:
    """
    Looks at a camera's counts once in a while, and remembers a window of that.

    Parameters
    ----------
    started
        When the counts began, in seconds of any clock that is steady.

    """

    def __init__(self, started: float) -> None:
        self._looks = deque([(started, Counts())])

    def look(self, counts: Counts, now: float, coming: bool) -> Lately:
        """
        Return what became of the frames.

        Parameters
        ----------
        counts
            The camera's, which others go on changing.
        now
            Seconds of the same clock.
        coming
            Whether images come; the window begins anew when they do so again.

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
    What a consumer of the labels feels, whatever the node is doing meanwhile.

    Images are noted by the thread that receives them and asks, labels by the one that publishes.
    All times are seconds of one steady clock.
    """

    def __init__(self) -> None:
        self._due: deque[float] = deque()
        self._published: float | None = None
        self._forgiven = 0.0

    def restart(self) -> None:
        """Forget everything: what comes from now on is judged alone."""
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
        """Note that no labels are due for what came before ``arrival``, as it was not usable."""
        self._forgiven = arrival

    def age(self, now: float) -> float | None:
        """Return the seconds since the image of the newest labels came; None without any."""
        return None if self._published is None else now - self._published

    def overdue(self, now: float) -> float:
        """Return the seconds since the first image came that is newer than all labels; or 0."""
        published = self._published
        while self._due and (self._due[0] < self._forgiven
                             or (published is not None and self._due[0] <= published)):
            self._due.popleft()
        return now - self._due[0] if self._due else 0.0


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
