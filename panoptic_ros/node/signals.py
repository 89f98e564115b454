"""SIGINT and SIGTERM: the process ends soon, whatever it is doing."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

SIGNALS = (signal.SIGINT, signal.SIGTERM)

DEADLINE = 1.5
"""Seconds for an orderly end; then the process ends as it is, say in the middle of a build."""


class Signals:
    """
    Waits for a signal in a thread of its own, from when it is made.

    A Python handler would wait for the main thread, which may be far inside a library.
    """

    def __init__(self) -> None:
        self.received = Event()
        self.exit_code = 0
        """With which the process ends where there is no orderly end in time."""
        self._stop: Callable[[], object] | None = None
        self._reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)
        Thread(target=self._wait, name='signals', daemon=True).start()

    def end_with(self, stop: Callable[[], object]) -> None:
        """Begin the orderly end with ``stop``; until this is called a signal ends at once."""
        self._stop = stop

    def _wait(self) -> None:
        os.read(self._reader, 1)
        self.received.set()
        if self._stop is not None:
            with suppress(Exception):       # the end may have come meanwhile, in good order
                self._stop()
            select.select([self._reader], [], [], DEADLINE)     # a second signal does not wait
        os._exit(self.exit_code)
