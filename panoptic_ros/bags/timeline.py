"""A recording's time while it is replayed."""

from __future__ import annotations

import time

MAX_GAP = 10.0
"""Longest gap between two messages, in seconds, that a replay waits for by default."""

_REST = 1.0
"""Seconds that remain of a longer gap, so that nodes with simulated time see it leap."""


_FASTEST = 1e6
"""Highest rate, in times real time: a day takes less than a tenth of a second."""


class Timeline:
    """
    The recording's time during a replay, and when each message is due.

    Parameters
    ----------
    start
        The time of the first message, in nanoseconds since the epoch.
    rate
        How many times faster than it was recorded.
    max_gap
        Seconds of the recording; longer gaps between two messages are cut short.

    Raises
    ------
    ValueError
        The rate or the gap is not positive.

    """

    def __init__(self, start: int, rate: float, max_gap: float = MAX_GAP) -> None:
        if not 0 < rate <= _FASTEST:
            raise ValueError(f'rate is {rate}: expected more than 0, and {_FASTEST:g} at most')
        if not max_gap > 0:
            raise ValueError(f'max-gap is {max_gap}: expected more than 0 seconds; inf waits for '
                             'everything')
        self._start = start
        self._rate = rate
        self._max_gap = max_gap
        self._begun: float | None = None
        self._last = start
        self._skipped = 0

    def begin(self) -> None:
        """Let the recording begin now, also if it began before."""
        self._begun = time.monotonic()
        self._last = self._start
        self._skipped = 0

    def now(self) -> int:
        """Return the recording's time, in nanoseconds since the epoch."""
        if self._begun is None:
            return self._start
        passed = int((time.monotonic() - self._begun) * self._rate * 1e9)
        return self._start + self._skipped + passed

    def approach(self, message: int) -> float:
        """
        Return how many seconds are skipped before the next message, which has this time.

        Call it once for each message, when the message before it has been published.
        """
        gap, self._last = (message - self._last) / 1e9, message
        if gap <= self._max_gap:
            return 0.0
        skipped = gap - min(_REST, self._max_gap)
        self._skipped += int(skipped * 1e9)
        return skipped

    def due(self, message: int) -> float:
        """Return when a message of this time is due, by ``time.monotonic``."""
        assert self._begun is not None
        return self._begun + (message - self._start - self._skipped) / 1e9 / self._rate
