"""What became of a camera's frames lately."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from .camera import Counts

WINDOW = 5.0
"""Seconds over which rates are taken, at least."""


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

    def more(self, name: str) -> int:
        """Return how many more frames of a count there are than before."""
        return int(getattr(self.counts, name) - getattr(self.before, name))


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
