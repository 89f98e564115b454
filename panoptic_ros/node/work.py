"""A frame on its way from its turn to its labels."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..images import Limits
from .camera import Frame
from .channel import Channel
from .decoder import Decoded


@dataclass(eq=False)
class Work:
    """A frame whose turn has come, its image once it has one, and what its stages took."""

    channel: Channel
    frame: Frame
    decoding: Future[Decoded] | None = None
    """The image that is made of its message; None before its turn."""
    _image: npt.NDArray[np.uint8] | None = None
    times: dict[str, float] = field(default_factory=dict)
    """Seconds by stage."""

    def begin(self, limits: Limits) -> Future[Decoded]:
        """Begin to make the image, unless that has begun, and return it, ready or not."""
        if self.decoding is None:
            channel, frame = self.channel, self.frame
            self.decoding = channel.decoder.decode(lambda: channel.convert(frame, limits))
        return self.decoding

    def image(self) -> npt.NDArray[np.uint8]:
        """
        Return the image, which is ready; whatever it did not wait for that long was waiting.

        Raises
        ------
        Exception
            Whatever making it raised.

        """
        if self._image is None:
            assert self.decoding is not None
            # a future keeps its callbacks, and an error the frames that it passed: both lead
            # back here, and would keep message and image until the collector comes
            decoding, self.decoding = self.decoding, None
            try:
                self._image, seconds = decoding.result(timeout=0)
            finally:
                del decoding
            waited = time.perf_counter() - self.frame.arrival - seconds
            self.times |= {'receive': self.frame.receive, 'wait': waited, 'convert': seconds}
        return self._image
