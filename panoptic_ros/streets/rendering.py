"""Processes that draw streets."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import cv2


@contextmanager
def rendering_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """
    Hold processes that draw with one thread each.

    Work that has not begun when the block ends is not done.  The processes ignore Ctrl-C; the
    process that waits for them answers it.
    """
    pool = ProcessPoolExecutor(workers, get_context('spawn'), _start_worker)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
