"""Processes that draw streets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from ..processes import ProcessPool


@contextmanager
def rendering_pool(workers: int) -> Iterator[ProcessPool]:
    """
    Hold processes that draw with one thread each.

    Work that has not begun when the block ends is not done.
    """
    pool = ProcessPool(workers, cv2.setNumThreads, 1)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
