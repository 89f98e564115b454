"""What failed in callbacks and was survived: said once in a while, diagnosed while it lasts."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .log import ThrottledLog
from .text import publishable

LASTS = 10.0
"""Seconds for which a mishap is diagnosed after it last happened."""


class Mishaps:
    """
    Remembers the last mishap of each callback; all calls are the executor's.

    Parameters
    ----------
    logger
        A logger of rclpy.

    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._log = ThrottledLog(logger, LASTS)
        self._last: dict[str, tuple[float, str]] = {}
        self.count = 0
        """Of all mishaps since the start."""

    def tell(self, callback: str, cause: str) -> None:
        """Say that something went wrong in a callback, and diagnose it for a while."""
        self.count += 1
        self._last[callback] = time.monotonic(), publishable(cause)
        self._log.error(f'{callback} {cause[:40]}', f'{callback}: {cause}; the node goes on')

    def survive(self, callback: str, error: Exception) -> None:
        """Tell of an error that a callback raised."""
        self._logger.debug(publishable(''.join(traceback.format_exception(error)), 20_000))
        self.tell(callback, f'{type(error).__name__}: {error}')

    @contextmanager
    def survived(self, callback: str) -> Iterator[None]:
        """Tell of any error in this block, and go on behind it."""
        try:
            yield
        except Exception as error:      # whatever it is, it must not end the process
            self.survive(callback, error)

    def lately(self) -> dict[str, str]:
        """Return the cause of each mishap that lasts, by its callback."""
        now = time.monotonic()
        self._last = {callback: (then, cause) for callback, (then, cause) in self._last.items()
                      if now - then < LASTS}
        return {callback: cause for callback, (_, cause) in self._last.items()}
