"""A training in its folder: the log, the checkpoint, and what it prints."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from .failures import reason, told
from .progress import Pace, say, shown_on
from .trainer import Step, Trainer

LOG_EVERY = 20
"""Steps between lines of the log."""

Measure = Callable[[], tuple[dict[str, Any], str]]
"""Measures the training as it is; returns plain data for the log, and the same in words."""


class Intervals(NamedTuple):
    """Seconds between what a training does now and then."""

    save: float
    measure: float
    """0 for never, not even at the end."""


def checkpoint_of(folder: Path) -> Path:
    """Return the file from which the training in a folder is resumed."""
    return folder / 'checkpoint.pt'


def run(trainer: Trainer, folder: Path, intervals: Intervals,
        measure: Measure | None = None) -> None:
    """
    Train to the end or until the trainer is stopped.

    One of several processes writes a line of ``log.jsonl`` now and then, and the checkpoint every
    so many seconds and at the end.  It measures now and then, too, and at the end unless it was
    stopped, because who stops it does not wait for long.

    Raises
    ------
    OSError
        The folder cannot be written.
    ValueError
        What ended the training, in one line: a frame that cannot be read, a full disk, a process
        that was killed.  The checkpoint is written first where that is possible.

    """
    if not trainer.processes.leads:
        with told():
            for _ in trainer.steps():
                pass
        return
    console = Console()
    parameters = sum(p.numel() for p in trainer.network.parameters())
    shared = f', {trainer.processes.count} processes' if trainer.processes.count > 1 else ''
    console.print(f'network {trainer.config.name}: {parameters / 1e6:.2f} million parameters, '
                  f'on {trainer.device.type}{shared}')
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / 'log.jsonl'
    log.touch()             # who cannot write there knows it before the first step
    _Run(trainer, checkpoint_of(folder), log, intervals, measure, console).train()


class _Run:
    """The state of ``run``."""

    def __init__(self, trainer: Trainer, path: Path, log: Path, intervals: Intervals,
                 measure: Measure | None, console: Console) -> None:
        self._trainer, self._path, self._log = trainer, path, log
        self._intervals, self._console = intervals, console
        self._measure = measure if intervals.measure else None
        self._saved = self._measured = time.monotonic()
        self._measured_step = -1

    def train(self) -> None:
        trainer = self._trainer
        with told(self._keep):
            self._steps()
            if trainer.stopped or self._measure is None or trainer.step == self._measured_step:
                self._save()
            else:
                self._measure_now()
        say(self._console, f'{trainer.step} steps in {trainer.seconds / 60:.1f} minutes; saved '
            f'{self._path}')

    def _steps(self) -> None:
        pace = Pace(self._trainer)
        with shown_on(self._console) as show:
            for step in self._trainer.steps():
                pace.count(step)
                show(step.progress, pace.text(step))
                self._after(step)
                pace.go_on()

    def _after(self, step: Step) -> None:
        """Log, save and measure when it is time."""
        if step.number % LOG_EVERY == 0:
            self._write({'rate': step.rate, **step.losses})
        if time.monotonic() - self._saved > self._intervals.save:
            self._save()
        if time.monotonic() - self._measured > self._intervals.measure and step.progress < 1:
            self._measure_now()

    def _measure_now(self) -> None:
        if self._measure is not None:
            self._save()        # who ends a training does not wait for a measurement
            figures, words = self._measure()
            self._write({'held_out': figures})
            say(self._console, words)
            self._measured_step = self._trainer.step
        self._measured = time.monotonic()

    def _keep(self, why: str) -> str:
        """Save the training after an error, and return in words what became of it."""
        if not self._trainer.step:
            return ''
        try:
            try:
                self._save()
            except (OSError, RuntimeError):     # PyTorch may tell only now that a loader is dead
                self._save()
        except (OSError, RuntimeError) as error:        # a disk, or a GPU that was lost
            again = reason(error)
            return '' if again == why else f'; {again}'
        return f'; {self._path} is saved after step {self._trainer.step}'

    def _save(self) -> None:
        self._trainer.checkpoint().save(self._path)
        self._saved = time.monotonic()

    def _write(self, entry: dict[str, Any]) -> None:
        line = {'step': self._trainer.step, 'seconds': round(self._trainer.seconds, 1), **entry}
        with self._log.open('a', encoding='utf-8') as log:
            log.write(json.dumps(line) + '\n')
