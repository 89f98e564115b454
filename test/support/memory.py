"""The memory of a process."""

from __future__ import annotations

from pathlib import Path

from ros_harness import Process


def resident(process: Process) -> int:
    """Return the bytes of a process that are in memory."""
    status = Path(f'/proc/{process.process.pid}/status').read_text(encoding='utf-8')
    return next(int(line.split()[1]) * 1024 for line in status.splitlines()
                if line.startswith('VmRSS'))
