"""Progress of a build on the terminal, and its end at Ctrl-C."""

from __future__ import annotations

import signal
import threading
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)


class Building:
    """
    The context of a build, which may take minutes.

    Ctrl-C asks the build to end, so that no exception crosses TensorRT.  A second Ctrl-C raises
    ``KeyboardInterrupt``.

    Parameters
    ----------
    console
        The console for progress.

    """

    def __init__(self, console: Console | None = None) -> None:
        self._stop = threading.Event()
        self._bar = Progress(TextColumn('{task.description:<32}'), BarColumn(),
                             TaskProgressColumn(), TimeElapsedColumn(), console=console,
                             transient=True)
        self._task: TaskID | None = None
        self._previous: Any = None

    def __enter__(self) -> Building:
        self._previous = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *error: object) -> None:
        if self._task is not None:
            self._bar.stop()
        signal.signal(signal.SIGINT, self._previous)

    def log(self, line: str) -> None:
        """Print a line."""
        self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def show(self, phase: str, share: float) -> None:
        """Show the phase of the build, and the share that is done, 0 to 1."""
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task(phase, total=1.0)
        self._bar.update(self._task, description=phase, completed=share)

    def cancelled(self) -> bool:
        """Return whether the build was asked to end."""
        return self._stop.is_set()

    def _interrupt(self, number: int, frame: Any) -> None:
        if self._stop.is_set():
            raise KeyboardInterrupt
        self._stop.set()
