"""The place where the newest frame of each camera waits for the worker."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Condition
from typing import Generic, TypeVar

Sender = TypeVar('Sender', bound=Hashable)
T = TypeVar('T')


class Mailbox(Generic[Sender, T]):
    """
    One slot for each sender, between the threads that receive and the one that works.

    The newest item of a sender wins, so nothing queues up: however slow the worker, what it takes
    is never older than the turns of the other senders.
    """

    def __init__(self) -> None:
        self._condition = Condition()
        self._items: dict[Sender, T] = {}
        self._turns: dict[Sender, int] = {}
        self._turn = 0
        self._closed = False
        self._busy = False

    def put(self, sender: Sender, item: T) -> bool:
        """Leave an item, in place of one that still waits; return whether one was replaced."""
        with self._condition:
            replaced = sender in self._items
            self._items[sender] = item
            self._condition.notify_all()
            return replaced

    def take(self, most: int = 1) -> list[T] | None:
        """
        Wait for an item and take up to ``most``, each of another sender; None once closed.

        Those go first whose last turn was the longest ago, so that no sender starves.  The taker
        counts as busy until it comes back for the next ones.
        """
        with self._condition:
            self._busy = False
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._closed or self._items)
            if self._closed:
                return None
            senders = sorted(self._items, key=lambda sender: self._turns.get(sender, -1))[:most]
            for sender in senders:
                self._turns[sender] = self._turn
                self._turn += 1
            self._busy = True
            return [self._items.pop(sender) for sender in senders]

    def drain(self, timeout: float) -> tuple[list[Sender], bool]:
        """
        Throw away what waits, then wait until the taker is not busy.

        Returns
        -------
        The senders whose items were thrown away, and whether the taker finished within
        ``timeout`` seconds.

        """
        with self._condition:
            thrown = list(self._items)
            self._items.clear()
            return thrown, self._condition.wait_for(lambda: not self._busy, timeout)

    def close(self) -> None:
        """Send the taker home."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
