"""How old the newest labels of a camera are, and since when newer ones are due."""

from __future__ import annotations

from collections import deque

_REMEMBERED = 4096
"""Images without labels whose arrival is remembered; those that came first are."""


class Freshness:
    """
    What a consumer of the labels feels, whatever the node is doing meanwhile.

    Images are noted by the thread that receives them and asks, labels by the one that publishes.
    All times are seconds of one steady clock.
    """

    def __init__(self) -> None:
        self._due: deque[float] = deque()
        self._published: float | None = None
        self._forgiven = 0.0

    def restart(self) -> None:
        """Forget everything: what comes from now on is judged alone."""
        self._due.clear()
        self._published, self._forgiven = None, 0.0

    def receive(self, arrival: float) -> None:
        """Note an image, for which labels are due."""
        if len(self._due) < _REMEMBERED:
            self._due.append(arrival)

    def publish(self, arrival: float) -> None:
        """Note that the labels of the image that came at ``arrival`` are published."""
        self._published = arrival

    def forgive(self, arrival: float) -> None:
        """Note that no labels are due for what came before ``arrival``, as it was not usable."""
        self._forgiven = arrival

    def age(self, now: float) -> float | None:
        """Return the seconds since the image of the newest labels came; None without any."""
        return None if self._published is None else now - self._published

    def overdue(self, now: float) -> float:
        """Return the seconds since the first image came that is newer than all labels; or 0."""
        published = self._published
        while self._due and (self._due[0] < self._forgiven
                             or (published is not None and self._due[0] <= published)):
            self._due.popleft()
        return now - self._due[0] if self._due else 0.0
