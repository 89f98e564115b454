"""
Export, convert, run and build networks of this package, and write docs/models.md.

``models_report.py [NETWORK ...]`` measures the named networks, or all that the page lists, and
keeps the other rows of the page.  It fails if an export differs from PyTorch, if a conversion
differs from the export, or if TensorRT-RTX cannot build it.  A network takes about a minute, one
of Mask2Former, EoMT or Panoptic-FPN takes minutes and several gigabytes.  ``--check`` measures
nothing, and fails if the page has other words or rows than this tool would write.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

import models_deeplab
import models_fpn
import models_masks
import torch
from models_measuring import examine

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / 'build' / 'models'
DOCUMENT = ROOT / 'docs' / 'models.md'
PARTS: tuple[Any, ...] = (models_deeplab, models_masks, models_fpn)
TITLE = """\
# The networks

Written by `make models` from what it measured; do not edit.
"""
BUILDER = re.compile(r'^The plans of the tables above were built by (.*)\.$', re.MULTILINE)


def main(argv: Sequence[str]) -> int:
    """Measure and write; return 1 if a network misses a tolerance."""
    page = DOCUMENT.read_text(encoding='utf-8')
    rows = rows_of(page)
    if list(argv) == ['--check']:
        return check(page, document(rows, builder_of(page)))
    unknown = sorted({*argv} - {name for part in PARTS for name in part.NAMES})
    if unknown:
        print(f'no network {unknown[0]!r}', file=sys.stderr)
        return 1
    BUILD.mkdir(parents=True, exist_ok=True)
    builder, failures = builder_of(page), []
    for name in argv or list(rows):
        print(f'{name} ...', flush=True)
        part = next(part for part in PARTS if name in part.NAMES)
        torch.manual_seed(0)
        try:
            figures = part.examine(name, BUILD) if part is models_fpn else examine(
                part.subject(name), BUILD)
        except Exception as error:      # the other networks are still measured
            failures.append(f'{name}: {error}')
            print(failures[-1], file=sys.stderr)
            continue
        print(json.dumps(figures), flush=True)
        rows[name] = row_of(name, part.cells(name, figures))
        builder = figures.get('tensorrt', builder)
    DOCUMENT.write_text(document(rows, builder), encoding='utf-8')
    print('\n'.join(failures) or f'{DOCUMENT} is written')
    return 1 if failures else 0


def check(page: str, expected: str) -> int:
    """Print how the page differs from what is expected; return 1 if it does."""
    sys.stdout.writelines(unified_diff(page.splitlines(True), expected.splitlines(True),
                                       'docs/models.md', 'as this tool would write it'))
    return int(page != expected)


def document(rows: Mapping[str, str], builder: str) -> str:
    """Return the page; networks without a row are left out."""
    parts = [TITLE]
    last_with_plans = [part for part in PARTS if 'plan MB' in part.COLUMNS][-1]
    for part in PARTS:
        columns = ('network', *part.COLUMNS)
        table = [row_of(columns[0], columns[1:]), '| --- |' + ' ---: |' * len(part.COLUMNS),
                 *(rows[name] for name in part.NAMES if name in rows)]
        parts += [part.INTRODUCTION, '\n'.join(table) + '\n']
        if part is last_with_plans:
            parts.append(f'The plans of the tables above were built by {builder}.\n')
    return '\n'.join(parts)


def rows_of(page: str) -> dict[str, str]:
    """Return the rows of a page by network; rows of tables with other columns are none."""
    columns = {name: len(part.COLUMNS) for part in PARTS for name in part.NAMES}
    found = {}
    for line in page.splitlines():
        name, *cells = line.strip('|').split('|')
        if columns.get(name.strip()) == len(cells):
            found[name.strip()] = line
    return found


def row_of(name: str, cells: Sequence[str]) -> str:
    """Return a row of a table."""
    return f'| {" | ".join((name, *cells))} |'


def builder_of(page: str) -> str:
    """Return which TensorRT built the plans."""
    found = BUILDER.search(page)
    return found[1] if found else ''


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
