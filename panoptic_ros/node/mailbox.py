"""The place where the newest frame waits for the worker."""

from __future__ import annotations

from threading import Condition
from typing import Generic, TypeVar

T = TypeVar('T')


class Mailbox(Generic[T]):
    """
    One slot between the thread that receives and the one that works: the newest item wins.

    So nothing queues up: however slow the worker, what it takes is never older than one of its
    own periods.
    """

    def __init__(self) -> None:
        self._condition = Condition()
        self._item: T | None = None
        self._closed = False
        self._busy = False

    def put(self, item: T) -> bool:
        """Leave an item, in place of one that still waits; return whether one was replaced."""
        with self._condition:
            replaced = self._item is not None
            self._item = item
            self._condition.notify_all()
            return replaced

    def take(self) -> T | None:
        """
        Wait for an item and take it; None once the mailbox is closed.

        The taker counts as busy until it comes back for the next one.
        """
        with self._condition:
            self._busy = False
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._closed or self._item is not None)
            if self._closed:
                return None
            item, self._item = self._item, None
            self._busy = True
            return item

    def drain(self, timeout: float) -> tuple[bool, bool]:
        """
        Throw away what waits, then wait until the taker is not busy.

        Returns
        -------
        Whether an item was thrown away, and whether the taker finished within ``timeout``
        seconds.

        """
        with self._condition:
            thrown, self._item = self._item is not None, None
            return thrown, self._condition.wait_for(lambda: not self._busy, timeout)

    def close(self) -> None:
        """Send the taker home."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
