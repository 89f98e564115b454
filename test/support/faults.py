"""The table of docs/faults.md: what a fault is expected to show, where tests look it up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

TABLE = Path(__file__).parents[2] / 'docs' / 'faults.md'
COLUMNS = ('fault', 'log', 'diagnostics', 'still works', 'cure', 'test')
LEVELS = {'OK': DiagnosticStatus.OK, 'WARN': DiagnosticStatus.WARN,
          'ERROR': DiagnosticStatus.ERROR}


@dataclass(frozen=True)
class Fault:
    """A row of the table; what it quotes is a pattern in which … stands for anything."""

    name: str
    log: str | None
    status: str
    """Name of the status that tells of it, without that of the camera."""
    level: bytes | None
    message: str
    test: str
    """FILE::FUNCTION of the test that shows it."""

    def diagnosed(self, messages: Iterable[Any], node: str) -> bool:
        """Whether a DiagnosticArray of a node, by its full name, tells of the fault."""
        return any(
            status.name.startswith(f'{node}: {self.status}') and status.level == self.level
            and re.search(self.message, status.message)
            for message in list(messages) for status in message.status)


def rows() -> list[list[str]]:
    """Return the cells of the table, row by row, without its head."""
    lines = [line for line in TABLE.read_text(encoding='utf-8').splitlines()
             if line.startswith('| ')]
    return [[cell.strip() for cell in line.strip('| ').split(' | ')] for line in lines
            if not line.startswith(('| fault |', '| --- |'))]


def _pattern(cell: str) -> str | None:
    quoted = re.search('`(.+?)`', cell)
    return '.*'.join(map(re.escape, quoted[1].split('…'))) if quoted else None


def _fault(cells: list[str]) -> Fault:
    name, log, diagnosis, _, _, test = cells
    status, level = '', None
    if quoted := _pattern(diagnosis):
        status, word = diagnosis.split(' `')[0].split()
        level = LEVELS[word]
    return Fault(name, _pattern(log), status, level, quoted or '', test.strip('`'))


FAULTS = {cells[0]: _fault(cells) for cells in rows()}
