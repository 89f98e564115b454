"""Errors that come with every frame, said once in a while."""

from __future__ import annotations

import time
from typing import Any

from .text import publishable


class ThrottledLog:
    """
    Logs a kind of error when it is new, and then at most once per period.

    Parameters
    ----------
    logger
        A logger of rclpy.
    period
        Seconds for which further errors of one kind are only counted.

    """

    def __init__(self, logger: Any, period: float = 10.0) -> None:
        self._logger = logger
        self._period = period
        self._last: dict[str, float] = {}
        self._silenced: dict[str, int] = {}

    def error(self, kind: str, text: str) -> None:
        """Log an error, or count it when one of its kind was logged within the period."""
        now = time.monotonic()
        if now - self._last.get(kind, -self._period) < self._period:
            self._silenced[kind] = self._silenced.get(kind, 0) + 1
            return
        self._last[kind] = now
        more = self._silenced.pop(kind, 0)
        self._logger.error(
            publishable(text) + (f' (and {more} like it before)' if more else ''))
