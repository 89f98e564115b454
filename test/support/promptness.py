"""How soon a process ends after a signal."""

from __future__ import annotations

import os
import signal
import time

from ros_harness import Process

PROMISE = 2.0
"""Seconds within which the node ends on an idle machine."""


def end(node: Process, number: int = signal.SIGINT, code: int = 0) -> None:
    """
    Send a signal; the process must end with ``code`` in the time that was promised.

    Where more processes want to run than there are cores, each has its share of the time only.
    """
    crowd = max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
    start = time.monotonic()
    assert node.stop(number) == code, node.output
    seconds = time.monotonic() - start
    assert seconds < PROMISE * crowd, f'{seconds:.1f} s of {PROMISE * crowd:.1f} s'
    assert 'Traceback' not in node.output, node.output


def heeds_signals(node: Process) -> bool:
    """Whether the process has a handler of its own for SIGTERM, for which Python has none."""
    with open(f'/proc/{node.process.pid}/status', encoding='utf-8') as status:
        caught = next(int(line.split()[1], 16) for line in status if line.startswith('SigCgt'))
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def wait_until_heeded(node: Process) -> None:
    """Wait until the process answers signals itself, the first thing that it does."""
    while not heeds_signals(node):
        assert node.process.poll() is None, node.output
        time.sleep(0.002)
