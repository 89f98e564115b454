"""A time limit for work that may hang."""

from __future__ import annotations

import faulthandler
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GRACE = 10.
"""Seconds after the limit in which the work may end by itself."""


class OutOfTimeError(Exception):
    """The limit was reached."""


class Limit:
    """
    A limit of seconds for all work in a block of the main thread.

    If the block lasts ``GRACE`` seconds longer, because a GPU does not answer, say, the process
    prints where it hangs and ends with status 1.  SIGTERM raises ``SystemExit`` in the block.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def left(self) -> float:
        """Return the remaining seconds; they are negative after the limit."""
        return self._end - time.monotonic()

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Raise ``OutOfTimeError`` in an inner block when the limit is reached."""
        if self.left() <= 0:
            self._ring()
        signal.setitimer(signal.ITIMER_REAL, max(1e-3, self.left()))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def __enter__(self) -> Limit:
        self._end = time.monotonic() + self.seconds
        self._handlers = {which: signal.signal(which, handle) for which, handle in (
            (signal.SIGALRM, self._ring), (signal.SIGTERM, _terminate),
            # Jobs in the background ignore Ctrl-C, and programs would inherit that.
            (signal.SIGINT, signal.default_int_handler))}
        faulthandler.dump_traceback_later(self.seconds + GRACE, exit=True, file=2)
        return self

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()
        for which, handler in self._handlers.items():
            signal.signal(which, handler)

    def _ring(self, *_: object) -> None:
        raise OutOfTimeError(f'the limit of {self.seconds:g} s was reached')


def _terminate(which: int, frame: FrameType | None) -> None:
    sys.exit(128 + which)
