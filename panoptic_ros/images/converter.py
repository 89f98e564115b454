"""Image messages of one camera to BGR arrays, where a file must not keep others waiting."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .compressed import decompress
from .limits import Limits
from .raw import to_bgr


class Converted(NamedTuple):
    """An image, (H, W, 3) uint8, BGR, and the seconds that it took to make it."""

    image: npt.NDArray[np.uint8]
    seconds: float


class Converter:
    """
    Makes images from one camera's messages, one after the other.

    A file may take seconds to decode, so files are decoded in a thread of the camera's own.  The
    time for a raw image is bounded by its pixels, so it is converted at once.

    Parameters
    ----------
    transport
        'raw' for messages like ``sensor_msgs/Image``, 'compressed' for ``CompressedImage``.
    name
        The thread's name.

    """

    def __init__(self, transport: str, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name) if transport == 'compressed' else None
        self.busy = False
        """Whether an image is being made."""
        self.largest = 0
        """Bytes of the largest image that was made; whoever reads it sets it back."""

    def convert(self, message: Any, limits: Limits) -> Future[Converted]:
        """Return a future of a message's image; the future may also hold an error."""
        if self._thread is not None:
            return self._thread.submit(self._measure, message, limits)
        future: Future[Converted] = Future()
        try:
            future.set_result(self._measure(message, limits))
        except Exception as error:      # a thread would hand it on like this
            # The traceback is removed.  One of its frames holds the future, and so the message.
            future.set_exception(error.with_traceback(None))
        return future

    def close(self) -> None:
        """End the thread after the file that it decodes; files that wait are given up."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _measure(self, message: Any, limits: Limits) -> Converted:
        start, self.busy = time.perf_counter(), True
        try:
            image = to_bgr(message, limits) if self._thread is None else decompress(message,
                                                                                    limits)
            self.largest = max(self.largest, image.nbytes)
            return Converted(image, time.perf_counter() - start)
        finally:
            self.busy = False
