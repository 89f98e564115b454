"""Printing what a command measured, and writing the same to a file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Give a command that measures its ``--json FILE``."""
    parser.add_argument('--json', type=Path, metavar='FILE',
                        help='also write what is printed to FILE')


def write_json(path: Path | None, report: dict[str, Any]) -> None:
    """Write a report where ``--json`` says; nothing without it."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table whose first column is text and whose others are figures."""
    table = Table(title=title, title_justify='left')
    for column, name in enumerate(header):
        table.add_column(name, justify='left' if column == 0 else 'right')
    for row in rows:
        table.add_row(*(f'{cell:.2f}' if isinstance(cell, float) else str(cell) for cell in row))
    Console().print(table)
