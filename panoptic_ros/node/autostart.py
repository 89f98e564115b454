"""The node's own way to the active state: at the start, and after its engine was lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rclpy.clock import Clock
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.timer import Timer

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds before the first try to recover, and at most before a later try; delays double."""

TRUSTED_AFTER = 60.0
"""Seconds after which a recovery counts as lasting, even if no frame was segmented."""


class Autostart:
    """
    Configures and activates the node as soon as it spins, and again after a loss.

    A first start that fails is not repeated, because a model that cannot be loaded does not heal.
    A GPU may heal.  So a recovery that fails is repeated, until somebody drives a transition.

    Parameters
    ----------
    node
        The node.
    state
        Returns the label of the node's state.
    clock
        A clock for timers that go on while /clock stands still.

    """

    def __init__(self, node: LifecycleNode, state: Callable[[], str], clock: Clock) -> None:
        self._node, self._state, self._clock = node, state, clock
        self._timer: Timer | None = None
        self._delay = FIRST_DELAY
        self._recovered_at: float | None = None
        self._recovers = self._drives = False
        self.failed = False
        """Whether the first start failed, so that the node does not try again."""

    def start(self) -> None:
        """Configure and activate as soon as the node spins."""
        self._schedule(0.0)

    def recover(self) -> None:
        """Configure and activate after a while, and try again until that succeeds."""
        self._recovers, self._recovered_at = True, None
        self._schedule(self._delay)
        self._delay = min(2 * self._delay, LONGEST_DELAY)

    @property
    def recovers(self) -> bool:
        """Whether this is a try to open an engine that was lost."""
        return self._recovers

    def outlook(self, otherwise: str) -> str:
        """Return when the next try comes, in words; if none comes, return ``otherwise``."""
        return f'next try in {self._delay:.0f} s' if self._recovers else otherwise

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Mark the transitions in this block as the node's own."""
        before, self._drives = self._drives, True
        try:
            yield
        finally:
            self._drives = before

    def give_way(self) -> None:
        """Give up all tries if somebody else drives a transition."""
        if not self._drives:
            self._cancel()
            self._recovers, self._recovered_at, self._delay = False, None, FIRST_DELAY
            self.failed = False

    def trust(self, segmented: int) -> None:
        """Begin with short delays again after a recovery that lasts."""
        if self._recovered_at is not None and (
                segmented or time.monotonic() - self._recovered_at > TRUSTED_AFTER):
            self._recovered_at, self._delay = None, FIRST_DELAY

    def _schedule(self, delay: float) -> None:
        self._cancel()
        self._timer = self._node.create_timer(delay, self._try, clock=self._clock)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
            self._timer = None

    def _try(self) -> None:
        self._cancel()
        succeeded = False
        try:
            with self.driving():
                succeeded = self._drive()
        finally:
            self._follow(succeeded)

    def _follow(self, succeeded: bool) -> None:
        if succeeded and self._recovers:
            self._recovers, self._recovered_at = False, time.monotonic()
        elif self._recovers:
            self.recover()
        self.failed = not (succeeded or self._recovers)

    def _drive(self) -> bool:
        success = TransitionCallbackReturn.SUCCESS
        if self._state() == 'unconfigured' and self._node.trigger_configure() != success:
            return False
        return bool(self._state() == 'inactive' and self._node.trigger_activate() == success)
