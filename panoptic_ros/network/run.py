"""A training in its folder: the log, the checkpoint, and what it prints."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .trainer import Step, Trainer

LOG_EVERY = 20
"""Steps between lines of the log."""


def checkpoint_of(folder: Path) -> Path:
    """Return the file from which the training in a folder is resumed."""
    return folder / 'checkpoint.pt'


def run(trainer: Trainer, folder: Path, save_seconds: float) -> None:
    """
    Train to the end or until the trainer is stopped.

    One of several processes writes a line of ``log.jsonl`` now and then, and the checkpoint every
    so many seconds and at the end.
    """
    if not trainer.processes.leads:
        for _ in trainer.steps():
            pass
        return
    path = checkpoint_of(folder)
    console = Console()
    parameters = sum(p.numel() for p in trainer.network.parameters())
    shared = f', {trainer.processes.count} processes' if trainer.processes.count > 1 else ''
    console.print(f'network {trainer.config.name}: {parameters / 1e6:.2f} million parameters, '
                  f'on {trainer.device.type}{shared}')
    folder.mkdir(parents=True, exist_ok=True)
    saved = time.monotonic()
    mean: dict[str, float] = {}
    columns = (TextColumn('training'), BarColumn(), TextColumn('{task.percentage:.1f} %'),
               TimeElapsedColumn(), TimeRemainingColumn(), TextColumn('{task.fields[losses]}'))
    with Progress(*columns, console=console) as progress, \
            (folder / 'log.jsonl').open('a', encoding='utf-8') as log:
        task = progress.add_task('training', total=1.0, losses='')
        for step in trainer.steps():
            for name, value in step.losses.items():
                mean[name] = 0.95 * mean.get(name, value) + 0.05 * value
            progress.update(task, completed=step.progress, losses=_describe(step, mean))
            if step.number % LOG_EVERY == 0:
                log.write(json.dumps({'step': step.number, 'seconds': round(trainer.seconds, 1),
                                      'rate': step.rate, **step.losses}) + '\n')
                log.flush()
            if time.monotonic() - saved > save_seconds:
                trainer.checkpoint().save(path)
                saved = time.monotonic()
        trainer.checkpoint().save(path)     # first, because printing fails if the terminal is gone
    console.print(f'{trainer.step} steps in {trainer.seconds / 60:.1f} minutes; saved {path}')


def _describe(step: Step, mean: dict[str, float]) -> str:
    parts = ' '.join(f'{name} {value:.3f}' for name, value in mean.items() if name != 'total')
    return f'step {step.number} loss {mean["total"]:.3f} ({parts})'
