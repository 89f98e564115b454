"""Moments on the device's stream, to measure time between them."""

from __future__ import annotations

from typing import Any

from .context import Context


class Event:
    """A moment on the stream; ``Device.event`` makes it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        with context.using('making an event') as cuda:
            self._event: Any = context.keep(
                cuda.Event(int(cuda.event_flags.BLOCKING_SYNC)))

    def record(self) -> None:
        """Take the moment at which all work so far is done.  Asynchronous."""
        with self._context.using('recording an event'):
            self._event.record(self._context.stream)

    def elapsed_since(self, earlier: Event) -> float:
        """Return the milliseconds from another event to this one, after waiting for this one."""
        with self._context.using('waiting for the GPU'):
            self._event.synchronize()
            return float(self._event.time_since(earlier._event))

    def close(self) -> None:
        """Let go of the event."""
        self._event = None
