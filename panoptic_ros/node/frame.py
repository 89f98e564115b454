"""One image of a camera: its message, when it came, and its pixels once they are made."""

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
        self.largest = 0
        """Bytes of the largest image that was made; whoever reads it sets it back."""

    def decode(self, message: ImageMessage, limits: images.Limits) -> Future[Decoded]:
        """Return the image of a message, now or later; or whatever making it raised."""
        if self._thread is not None:
            return self._thread.submit(self._measure, message, limits)
        future: Future[Decoded] = Future()
        try:
            future.set_result(self._measure(message, limits))
        except Exception as error:      # as a thread would hand it on
            # without its frames, one of which holds the future, and so the message, in a cycle
            future.set_exception(error.with_traceback(None))
        return future

    def close(self) -> None:
        """End the thread, once it has finished; what has not begun is given up."""
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
    """A header's stamp against the node's clock when it came, both in seconds."""

    age: float
    """Positive behind the clock, negative in the future."""
    is_zero: bool
    clock_runs: bool
    """False under use_sim_time while nothing publishes /clock."""


@dataclass(eq=False)
class Frame:
    """
    A camera's image on its way to its labels.

    Its message is decoded when its turn has come: ``begin``, then ``finish`` once that is done.
    """

    camera: Camera
    message: ImageMessage
    arrival: float
    """Of the clock ``time.perf_counter``."""
    receive: float
    """Seconds from the camera's publish to the callback, by the middleware's wall clock stamps."""
    stamp: Stamp
    seconds: dict[str, float] = field(default_factory=dict)
    """What its stages took, by their names; see ``record.STAGES``."""
    _decoding: Future[Decoded] | None = None
    _image: npt.NDArray[np.uint8] | None = None

    @property
    def time(self) -> float:
        """Seconds of its stamp; of its arrival where the camera stamps nothing."""
        stamp = self.message.header.stamp
        return stamp.sec + 1e-9 * stamp.nanosec or self.arrival

    @property
    def format(self) -> str:
        """Its encoding, as the camera calls it."""
        if isinstance(self.message, WireCompressedImage | CompressedImage):
            return self.message.format
        return self.message.encoding

    @property
    def image(self) -> npt.NDArray[np.uint8]:
        """Its pixels, (H, W, 3) uint8, BGR, after ``finish``."""
        assert self._image is not None
        return self._image

    def age(self, now: float) -> float:
        """Return the seconds since its stamp, at a time of ``perf_counter``; 0 if not known."""
        if self.stamp.is_zero or not self.stamp.clock_runs:
            return 0.0
        return self.stamp.age + now - self.arrival

    def begin(self, limits: images.Limits) -> Future[Decoded]:
        """Begin to make the image, unless that has begun, and return it, ready or not."""
        if self._decoding is None:
            self._decoding = self.camera.decoder.decode(self.message, limits)
        return self._decoding

    def finish(self) -> None:
        """
        Take the image, which is ready; whatever the frame did not wait for that long was waiting.

        Raises
        ------
        Exception
            Whatever making the image raised.

        """
        assert self._decoding is not None
        # a future keeps its callbacks, and an error the frames that it passed: both lead back
        # here, and would keep message and image until the collector comes
        decoding, self._decoding = self._decoding, None
        try:
            self._image, seconds = decoding.result(timeout=0)
        finally:
            del decoding
        waited = time.perf_counter() - self.arrival - seconds
        self.seconds |= {'receive': self.receive, 'wait': waited, 'convert': seconds}

    def when_ready(self, call: Callable[[Frame], None]) -> None:
        """Call with the frame, in any thread, once the image that was begun is ready."""
        assert self._decoding is not None
        self._decoding.add_done_callback(lambda _: call(self))
