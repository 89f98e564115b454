"""Trainings as processes of their own, none of which outlives its test."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def started(*words: object, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python with ``words`` as the leader of a session; all that it started ends here."""
    process = subprocess.Popen(
        [sys.executable, *map(str, words)], start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, 'PYTHONPATH': str(ROOT), **environment})
    deadline = threading.Timer(300, process.kill)   # who reads its output waits for its end
    deadline.start()
    try:
        yield process
    finally:
        deadline.cancel()
        for started_by_it in [*_descendants(process.pid), process.pid]:
            with suppress(ProcessLookupError):
                os.kill(started_by_it, signal.SIGKILL)
        if process.stdout:
            process.stdout.close()
        process.wait()


def _descendants(process: int) -> list[int]:
    """Return what ``process`` started, and so on: torchrun's are in sessions of their own."""
    found = []
    for task in Path(f'/proc/{process}/task').glob('*/children'):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *_descendants(child)]
    return found
