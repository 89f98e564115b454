"""Writing a video that every player opens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..images import files as image_files
from .ffmpeg import pyav

TIME_BASE = Fraction(1, 90_000)
"""The clock of most recordings: it divides the usual rates, 29.97 as well."""

_SIDES = range(2, 16_385)
"""What libx264 takes."""
_BT_709 = 1     # as ISO 23091-2 numbers it
_NARROW = 1     # the range 16 to 235, as FFmpeg numbers it


def partial_of(path: Path) -> Path:
    """Return what a video is called whose source was not read to its end."""
    return path.with_name(f'{path.stem}.partial{path.suffix}')


class VideoWriter:
    """
    A stream of H.264 whose images each have a time of their own.

    ``write_video`` makes it.
    """

    def __init__(self, av: Any, container: Any, size: tuple[int, int], fps: float) -> None:
        self._av = av
        self._container = container
        self._size = (size[0] // 2 * 2, size[1] // 2 * 2)
        rate = Fraction(fps).limit_denominator(1000)
        stream: Any = container.add_stream('libx264', rate=rate)
        stream.height, stream.width = self._size
        stream.pix_fmt = 'yuv420p'
        stream.options = {'crf': '21', 'preset': 'veryfast'}
        context = stream.codec_context
        context.time_base = TIME_BASE
        context.colorspace = context.color_primaries = context.color_trc = _BT_709
        context.color_range = _NARROW
        self._stream = stream

    def write(self, picture: npt.NDArray[np.uint8], seconds: float) -> None:
        """Append an image, (H, W, 3) BGR, at a later time than that of the one before."""
        height, width = self._size
        frame = self._av.VideoFrame.from_ndarray(
            np.ascontiguousarray(picture[:height, :width]), format='bgr24')
        frame = frame.reformat(format='yuv420p', dst_colorspace='ITU709')
        frame.pts = round(seconds / TIME_BASE)
        frame.time_base = TIME_BASE
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still keeps."""
        self._container.mux(self._stream.encode(None))


@contextmanager
def write_video(path: Path, size: tuple[int, int], fps: float, overwrite: bool = True
                ) -> Iterator[VideoWriter]:
    """
    Write an MP4 file. It appears when the block ends without an error.

    Parameters
    ----------
    path
        The file.
    size
        (height, width) of the images; an odd last row or column is left out.
    fps
        Images per second as players show it; each image has its own time all the same.
    overwrite
        Whether to replace a file of that name.

    Raises
    ------
    ValueError
        The images are too small or too large for H.264.
    FileExistsError
        The name is taken, and is not to be overwritten.
    OSError
        The file cannot be written.
    ImportError
        PyAV is not installed.

    """
    av = pyav('writing videos')
    if not all(side in _SIDES for side in size):
        raise ValueError(f'the images are {size[1]}x{size[0]}: expected {_SIDES.start} to '
                         f'{_SIDES.stop - 1} pixels a side, which H.264 takes')
    with image_files.unfinished(path, overwrite) as beside:
        try:
            with av.open(f'file:{beside.absolute()}', 'w', format='mp4',
                         options={'movflags': 'faststart'}) as container:
                writer = VideoWriter(av, container, size, fps)
                yield writer
                writer.finish()
        except av.error.FFmpegError as error:
            raise OSError(f'cannot write {path}: {error.strerror}') from error
