"""What docs/faults.md says that commands say of recordings; needs no ROS, as they do not."""

from __future__ import annotations

import re
from pathlib import Path

_TABLE = Path(__file__).parents[2] / 'docs' / 'faults.md'


def said(name: str) -> str:
    """Return the pattern of what is said of a fault; … stands for anything."""
    row, = (line for line in _TABLE.read_text(encoding='utf-8').splitlines()
            if line.startswith(f'| {name} |'))
    quoted = re.search('`(.+?)`', row.split(' | ')[1])
    assert quoted is not None, row
    return '.*'.join(map(re.escape, quoted[1].split('…')))
