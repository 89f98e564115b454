"""When memory that large images needed is given back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

_WINDOW = 10.0
"""Seconds without large images after which they have ended."""

_LARGE = 32 << 20
"""Bytes of an image whose memory is worth the while: a camera of 8 megapixels needs less."""

_MUCH_LARGER = 4


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
