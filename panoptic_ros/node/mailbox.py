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

    The newest item of a sender replaces an older one, so nothing queues up.  However slow the
    worker is, an item that it takes has waited no longer than the turns of the other senders.  An
    item that is not ready when its turn comes is sent away and brought back.  Meanwhile the other
    senders have their turns.
    """

    def __init__(self) -> None:
        self._condition = Condition()
        self._items: dict[Sender, T] = {}
        self._away: set[Sender] = set()
        self._back: dict[Sender, T] = {}
        self._unwanted: set[Sender] = set()
        self._turns: dict[Sender, int] = {}
        self._turn = 0
        self._closed = False
        self._busy = self._drained = False

    def put(self, sender: Sender, item: T) -> bool:
        """Put an item into its sender's slot; return whether it replaced one that waited."""
        with self._condition:
            replaced = sender in self._items
            self._items[sender] = item
            self._condition.notify_all()
            return replaced

    def take(self, most: int = 1) -> list[T] | None:
        """
        Wait for an item and take up to ``most``, each of another sender; None once closed.

        Items that were brought back go first, as their turn has been.  Then come the items of the
        senders whose last turn was the longest ago, so that no sender starves.  The taker counts
        as busy until it calls ``take`` again.
        """
        with self._condition:
            self._busy = False
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._closed or self._senders())
            if self._closed:
                return None
            senders = self._senders()[:most]
            for sender in senders:
                self._turns[sender] = self._turn
                self._turn += 1
            self._busy, self._drained = True, False
            return [(self._back if sender in self._back else self._items).pop(sender)
                    for sender in senders]

    def send_away(self, sender: Sender) -> bool:
        """
        Hold back a sender's items until the item that was taken is brought back.

        Return whether that item will be taken again.  It will not if ``drain`` was called
        meanwhile.
        """
        with self._condition:
            if not self._drained:
                self._away.add(sender)
            return not self._drained

    def bring_back(self, sender: Sender, item: T) -> None:
        """Give back the item that was sent away; it is taken before all others."""
        with self._condition:
            self._away.discard(sender)
            if sender in self._unwanted:
                self._unwanted.discard(sender)
            else:
                self._back[sender] = item
            self._condition.notify_all()

    def drain(self, timeout: float) -> tuple[list[Sender], bool]:
        """
        Throw away all items that wait or are away, then wait until the taker is not busy.

        Returns
        -------
        The sender of each item that was thrown away, and whether the taker finished within
        ``timeout`` seconds.

        """
        with self._condition:
            unwanted = self._away - self._unwanted
            thrown = [*self._items, *self._back, *unwanted]
            self._items.clear()
            self._back.clear()
            self._unwanted |= unwanted
            self._drained = True
            return thrown, self._condition.wait_for(lambda: not self._busy, timeout)

    def close(self) -> None:
        """Let ``take`` return None from now on."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _senders(self) -> list[Sender]:
        """Return the senders with an item that can be taken, in the order of their turns."""
        waiting = [sender for sender in self._items
                   if sender not in self._away and sender not in self._back]
        return [*self._back, *sorted(waiting, key=lambda sender: self._turns.get(sender, -1))]
