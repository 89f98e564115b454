"""How far a training is: a bar on a terminal, elsewhere a line every minute."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .trainer import Step, Trainer

LINE_EVERY = 60.0
"""Seconds between lines where there is no terminal."""
_MEMORY = 0.95
"""Share of the means that they keep at each step."""


class Shown(Protocol):
    """Where the progress is shown."""

    def __call__(self, done: float, text: str) -> None:
        """Show what share of the training is done, and the rest in words."""


class Pace:
    """The mean losses, and how fast the steps are; time between them is not counted."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._losses: dict[str, float] = {}
        self._seconds = 0.0
        self._began = time.monotonic()
        self._counted = 0

    def count(self, step: Step) -> None:
        """Count a step that has just ended."""
        took = time.monotonic() - self._began
        # The first step also waits for the processes that make samples, and for memory.
        keep = _MEMORY if self._counted > 1 else 0.0
        self._seconds = keep * self._seconds + (1 - keep) * took
        for name, value in step.losses.items():
            self._losses[name] = _MEMORY * self._losses.get(name, value) + (1 - _MEMORY) * value
        self._counted += 1

    def go_on(self) -> None:
        """Begin the next step's time."""
        self._began = time.monotonic()

    def text(self, step: Step) -> str:
        """Return in words the step, the losses, the images per second and the time left."""
        schedule = self._trainer.options.schedule
        parts = ' '.join(f'{name} {value:.3f}' for name, value in self._losses.items()
                         if name != 'total')
        if schedule.steps:
            of, left = f' of {schedule.steps}', (schedule.steps - step.number) * self._seconds
        else:
            of = f', {100 * step.progress:.1f} % of {schedule.minutes:g} minutes'
            left = 60 * schedule.minutes * (1 - step.progress)
        speed = self._trainer.options.batch / max(self._seconds, 1e-9)
        return (f'step {step.number}{of}, loss {self._losses["total"]:.3f} ({parts}), '
                f'{speed:.1f} images/s, {_duration(left)} left')


@contextmanager
def shown_on(console: Console) -> Iterator[Shown]:
    """Show the progress on a console: as a bar, or, if it is no terminal, as lines."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn('training'), BarColumn(), TextColumn('{task.percentage:.1f} %'),
               TimeElapsedColumn(), TextColumn('{task.fields[text]}'))
    with Progress(*columns, console=console) as progress:
        task = progress.add_task('training', total=1.0, text='')
        yield lambda done, text: progress.update(task, completed=done, text=text)


def say(console: Console, text: str) -> None:
    """Print a line; a training goes on when nobody reads any more."""
    if console.is_terminal:
        console.print(text, soft_wrap=True, highlight=False)
        return
    with suppress(OSError):
        print(text, file=console.file, flush=True)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0

    def __call__(self, done: float, text: str) -> None:
        """Print a line if the last was long ago; the first comes at once."""
        now = time.monotonic()
        if now >= self._next:
            say(self._console, text)
            self._next = now + LINE_EVERY


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f'{max(0, round(seconds))} s'
    return f'{minutes // 60} h {minutes % 60:02d} min' if minutes >= 60 else f'{minutes} min'
