"""The thread in which a camera's files are decoded."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Decoded(NamedTuple):
    """An image, and the seconds that it took to make it."""

    image: npt.NDArray[np.uint8]
    seconds: float


class Decoder:
    """
    Makes images of one camera's messages, one after the other.

    A file may take seconds to decode, so files are decoded in a thread of the camera's own; what a
    raw image takes is bounded by its pixels, and it is made at once.

    Parameters
    ----------
    transport
        'raw' or 'compressed'.
    name
        Of the thread.

    """

    def __init__(self, transport: str, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name) if transport == 'compressed' else None
        self.busy = False
        """Whether an image is being made."""

    def decode(self, convert: Callable[[], npt.NDArray[np.uint8]]) -> Future[Decoded]:
        """Return what ``convert`` returns or raises, now or later."""
        if self._thread is not None:
            return self._thread.submit(self._measure, convert)
        future: Future[Decoded] = Future()
        try:
            future.set_result(self._measure(convert))
        except Exception as error:      # as a thread would hand it on
            # without its frames, one of which holds the future, and so the message, in a cycle
            future.set_exception(error.with_traceback(None))
        return future

    def close(self) -> None:
        """End the thread, once it has finished; what has not begun is given up."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _measure(self, convert: Callable[[], npt.NDArray[np.uint8]]) -> Decoded:
        start, self.busy = time.perf_counter(), True
        try:
            return Decoded(convert(), time.perf_counter() - start)
        finally:
            self.busy = False
