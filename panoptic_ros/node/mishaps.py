"""What failed in callbacks and was survived: said once in a while, diagnosed while it lasts."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from .log import ThrottledLog
from .text import publishable

LASTS = 10.0
"""Seconds for which a mishap is diagnosed after it last happened."""


class Mishaps:
    """
    Remembers the last mishap of each callback, of any thread.

    Parameters
    ----------
    logger
        A logger of rclpy.

    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._log = ThrottledLog(logger, LASTS)
        self._last: dict[str, tuple[float, str]] = {}
        self._lock = Lock()
        self.count = 0
        """Of all mishaps since the start."""

    def tell(self, callback: str, cause: str, kind: str = '') -> None:
        """Say that something went wrong in a callback, each kind of it, and diagnose it."""
        cause = publishable(cause)
        with self._lock:
            self.count += 1
            self._last[callback] = time.monotonic(), cause
            self._log.error(f'{callback} {kind}', f'{callback}: {cause}; the node goes on')

    def survive(self, callback: str, error: Exception) -> None:
        """Tell of an error that a callback raised."""
        try:
            self._logger.debug(publishable(''.join(traceback.format_exception(error)), 20_000))
            text = str(error)
        except Exception:       # an error of a library that cannot say what it is
            text = 'it cannot say why'
        kind = type(error).__name__
        self.tell(callback, f'{kind}: {text}', kind)

    @contextmanager
    def survived(self, callback: str) -> Iterator[None]:
        """Tell of any error in this block, and go on behind it."""
        try:
            yield
        except Exception as error:      # whatever it is, it must not end the process
            self.survive(callback, error)

    def surviving(self, callback: str, work: Callable[..., Any], otherwise: Any,
                  ) -> Callable[..., Any]:
        """Return work that gives something else where it raises, which is told."""
        def survive(*arguments: Any) -> Any:
            with self.survived(callback):
                return work(*arguments)
            return otherwise

        return survive

    def lately(self) -> dict[str, str]:
        """Return the cause of each mishap that lasts, by its callback."""
        now = time.monotonic()
        with self._lock:
            self._last = {callback: (then, cause) for callback, (then, cause)
                          in self._last.items() if now - then < LASTS}
            return {callback: cause for callback, (_, cause) in self._last.items()}
