"""Ending a command between two frames when a signal asks for it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stop(threading.Event):
    """Set by SIGINT or SIGTERM."""

    number = int(signal.SIGINT)


@contextmanager
def signals() -> Iterator[Stop]:
    """After a signal, let the frame at work be finished; a second signal ends at once."""
    stop = Stop()

    def take(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.number = number
        stop.set()

    before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
