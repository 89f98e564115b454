"""How far ``segment`` of many recordings is: a bar on a terminal, elsewhere lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from ..offline.driver import Driver
from ..offline.progress import Progress
from .command import say

LINE_EVERY = 30.0
"""Seconds between lines where there is no terminal."""


class Shown:
    """Shows how far all is, and how far the job at work in this process is."""

    def __init__(self, show: Callable[[Progress, str], None]) -> None:
        self._show = show
        self.of: Driver | None = None

    def __call__(self, progress: Progress) -> None:
        """Show how far all is."""
        failed = f', {progress.failed} failed' if progress.failed else ''
        self._show(progress, f'{progress.done} of {progress.jobs} done{failed}; '
                             f'{progress.frames + sum(progress.running.values())} frames, '
                             f'{progress.rate:.1f}/s')

    def at_work(self, frames: dict[str, int]) -> None:
        """Show how far the job at work is."""
        if self.of is not None:
            self.of.progress.running = frames
            self(self.of.progress)


@contextmanager
def shown() -> Iterator[Shown]:
    """Show the progress on a terminal as a bar, elsewhere as lines of the standard error."""
    console = Console()
    if not console.is_terminal:
        yield Shown(_Lines())
        return
    with Bar(TextColumn('{task.description}'), BarColumn(),
             TimeRemainingColumn(elapsed_when_finished=True), console=console) as bar:
        task = bar.add_task('', total=None)

        def show(progress: Progress, text: str) -> None:
            bar.update(task, total=max(1, progress.bytes), completed=progress.bytes_done,
                       description=text)

        yield Shown(show)


class _Lines:
    """The first line comes after as long as any other: a short command needs none."""

    def __init__(self) -> None:
        self._next = monotonic() + LINE_EVERY

    def __call__(self, progress: Progress, text: str) -> None:
        now = monotonic()
        if now < self._next:
            return
        self._next = now + LINE_EVERY
        left = progress.seconds_left
        with suppress(OSError):     # nobody reads any more, and the work goes on
            say('segment', text + ('' if left is None else f', {left / 60:.0f} min left'))
