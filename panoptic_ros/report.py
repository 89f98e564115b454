"""Progress bars, tables and JSON files of commands."""

from __future__ import annotations

import argparse
import json
import os
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

from .images import files as image_files


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument ``--json FILE`` of commands that measure."""
    parser.add_argument('--json', type=_writable, metavar='FILE',
                        help='also write what is printed to FILE')


def write_json(path: Path | None, report: dict[str, Any]) -> None:
    """
    Write a report to the file of ``--json``, which appears whole; without a file, do nothing.

    Raises
    ------
    OSError
        The file cannot be written.

    """
    if path is None:
        return
    text = json.dumps(report, indent=2) + '\n'
    if _is_special(path):
        path.write_text(text, encoding='utf-8')
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with image_files.unfinished(path) as beside:
        beside.write_text(text, encoding='utf-8')


def _writable(name: str) -> Path:
    """
    Return the path of a file that can be written: nobody learns hours later that it cannot.

    Raises
    ------
    OSError
        It cannot; a command ends with this line.

    """
    path = Path(name)
    if not _is_special(path):
        image_files.check_writable(path)
    elif path.is_dir() or not os.access(path, os.W_OK):
        raise OSError(f'cannot write {path}: expected the name of a file that may be written')
    return path


def _is_special(path: Path) -> bool:
    """Tell whether a path is a link, a device or a pipe, which no new file may replace."""
    return path.is_symlink() or (path.exists() and not path.is_file() and not path.is_dir())


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
