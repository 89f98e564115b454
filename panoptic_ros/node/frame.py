"""One image of a camera: its message, the time of its arrival, and its pixels once decoded."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage, Image

from .. import images
from .wire import WireCompressedImage, WireImage

if TYPE_CHECKING:
    from .camera import Camera

ImageMessage: TypeAlias = 'WireImage | Image | WireCompressedImage | CompressedImage'


class Decoded(NamedTuple):
    """An image, and the seconds that its decoding took."""

    image: npt.NDArray[np.uint8]
    seconds: float


class Decoder:
    """
    Makes images from one camera's messages, one after the other.

    A file may take seconds to decode, so files are decoded in a thread of the camera's own.  The
    time for a raw image is bounded by its pixels, so it is converted at once.

    Parameters
    ----------
    transport
        'raw' or 'compressed'.
    name
        The thread's name.

    """

    def __init__(self, transport: str, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name) if transport == 'compressed' else None
        self.busy = False
        """Whether an image is being decoded."""
        self.largest = 0
        """Bytes of the largest image that was decoded; whoever reads it sets it back."""

    def decode(self, message: ImageMessage, limits: images.Limits) -> Future[Decoded]:
        """Return a future of a message's image; the future may also hold an error."""
        if self._thread is not None:
            return self._thread.submit(self._measure, message, limits)
        future: Future[Decoded] = Future()
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

    def _measure(self, message: ImageMessage, limits: images.Limits) -> Decoded:
        start, self.busy = time.perf_counter(), True
        try:
            image = _convert(message, limits)
            self.largest = max(self.largest, image.nbytes)
            return Decoded(image, time.perf_counter() - start)
        finally:
            self.busy = False


def _convert(message: ImageMessage, limits: images.Limits) -> npt.NDArray[np.uint8]:
    if isinstance(message, WireCompressedImage | CompressedImage):
        return images.decompress(message, limits)
    return images.to_bgr(message, limits)


@dataclass(frozen=True)
class Stamp:
    """A header's stamp, compared with the node's clock at the time of arrival."""

    age: float
    """Seconds by which the stamp lies behind the clock; negative if it lies in the future."""
    is_zero: bool
    clock_runs: bool
    """False under use_sim_time while nothing publishes /clock."""


@dataclass(eq=False)
class Frame:
    """
    A camera's image on its way to its labels.

    The message is decoded when the frame has its turn: ``begin`` starts the decoding, and
    ``finish`` takes the image once it is ready.
    """

    camera: Camera
    message: ImageMessage
    arrival: float
    """Time of arrival, by the clock ``time.perf_counter``."""
    receive: float
    """Seconds from the camera's publish to the callback, by the middleware's wall clock stamps."""
    stamp: Stamp
    seconds: dict[str, float] = field(default_factory=dict)
    """The seconds of the frame's stages, by their names; see ``record.STAGES``."""
    _decoding: Future[Decoded] | None = None
    _image: npt.NDArray[np.uint8] | None = None

    @property
    def time(self) -> float:
        """The stamp in seconds; without a stamp, the arrival in seconds."""
        stamp = self.message.header.stamp
        return stamp.sec + 1e-9 * stamp.nanosec or self.arrival

    @property
    def format(self) -> str:
        """The image's encoding, as the message gives it."""
        if isinstance(self.message, WireCompressedImage | CompressedImage):
            return self.message.format
        return self.message.encoding

    @property
    def image(self) -> npt.NDArray[np.uint8]:
        """The image's pixels, (H, W, 3) uint8, BGR, after ``finish``."""
        assert self._image is not None
        return self._image

    def age(self, now: float) -> float:
        """Return the seconds since the stamp, at a time of ``perf_counter``; 0 if unknown."""
        if self.stamp.is_zero or not self.stamp.clock_runs:
            return 0.0
        return self.stamp.age + now - self.arrival

    def begin(self, limits: images.Limits) -> Future[Decoded]:
        """Begin to decode the image, unless that has begun; return a future of it."""
        if self._decoding is None:
            self._decoding = self.camera.decoder.decode(self.message, limits)
        return self._decoding

    def finish(self) -> None:
        """
        Take the image, which must be ready, and note the times of the stages so far.

        The time since the arrival in which the image was not being decoded counts as waiting.

        Raises
        ------
        Exception
            The decoding raised it.

        """
        assert self._decoding is not None
        # A future keeps its callbacks, and an error keeps the stack frames that it passed.  Both
        # lead back to this frame, and would keep message and image until a garbage collection.
        decoding, self._decoding = self._decoding, None
        try:
            self._image, seconds = decoding.result(timeout=0)
        finally:
            del decoding
        waited = time.perf_counter() - self.arrival - seconds
        self.seconds |= {'receive': self.receive, 'wait': waited, 'convert': seconds}

    def when_ready(self, call: Callable[[Frame], None]) -> None:
        """Call a function with this frame once its image is ready; any thread may call it."""
        assert self._decoding is not None
        self._decoding.add_done_callback(lambda _: call(self))
