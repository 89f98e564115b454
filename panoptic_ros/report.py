"""Progress bars, tables and JSON files of commands."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument ``--json FILE`` of commands that measure."""
    parser.add_argument('--json', type=Path, metavar='FILE',
                        help='also write what is printed to FILE')


def write_json(path: Path | None, report: dict[str, Any]) -> None:
    """Write a report to the file of ``--json``; without a file, do nothing."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')


def progress_bar() -> Progress:
    """Return a bar that shows the task, how much of it is done, and the remaining time."""
    return Progress(TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
                    TimeRemainingColumn(elapsed_when_finished=True))


def p50_p99(values: Sequence[float] | npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the median and the 99th percentile, interpolated between the nearest values."""
    p50, p99 = np.quantile(np.asarray(values, float), (0.5, 0.99))
    return float(p50), float(p99)


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table whose first column is text and whose others are figures."""
    table = Table(title=title, title_justify='left')
    for column, name in enumerate(header):
        table.add_column(name, justify='left' if column == 0 else 'right')
    for row in rows:
        table.add_row(*(f'{cell:.2f}' if isinstance(cell, float) else str(cell) for cell in row))
    Console().print(table)
