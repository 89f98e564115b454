"""Writing a video that every player opens."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from .library import pyav

TIME_BASE = Fraction(1, 90_000)
"""The clock of most recordings: it divides the usual rates, 29.97 as well."""


class VideoWriter:
    """
    An H.264 file in MP4 whose images each have a time of their own.

    Parameters
    ----------
    path
        The file. It is written under another name, and renamed when it is closed without an error.
    size
        (height, width) of the images; an odd last row or column is left out.
    fps
        Images per second as players show it; each image has its own time all the same.

    Raises
    ------
    ImportError
        PyAV is not installed.

    """

    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        self._av = av = pyav('writing videos')
        self._path = path
        self._unfinished = path.with_name(f'.{path.name}')
        self._size = (size[0] // 2 * 2, size[1] // 2 * 2)
        self._container = av.open(str(self._unfinished), 'w', format='mp4',
                                  options={'movflags': 'faststart'})
        rate = Fraction(fps).limit_denominator(1000)
        stream: Any = self._container.add_stream('libx264', rate=rate)
        stream.height, stream.width = self._size
        stream.pix_fmt = 'yuv420p'
        stream.options = {'crf': '21', 'preset': 'veryfast'}
        stream.codec_context.time_base = TIME_BASE
        self._stream = stream

    def write(self, picture: npt.NDArray[np.uint8], seconds: float) -> None:
        """Append an image, (H, W, 3) BGR, at a later time than that of the one before."""
        height, width = self._size
        frame = self._av.VideoFrame.from_ndarray(
            np.ascontiguousarray(picture[:height, :width]), format='bgr24')
        frame.pts = round(seconds / TIME_BASE)
        frame.time_base = TIME_BASE
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
        if kind is None:
            self._unfinished.replace(self._path)
        else:
            self._unfinished.unlink(missing_ok=True)
