"""Where the frames of a video come from: a file, a folder of pictures, or a webcam."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from ..images import ImageError, Limits
from ..images import files as image_files
from .ffmpeg import pyav

_RATE = 30.0
"""What a video is taken for whose own rate nobody knows; only players show it."""


_SLACK = 1.0
"""Seconds that a stream may be shorter than it says."""


class DamagedVideoError(ValueError):
    """No more frames can be had from a video; those before it were good."""


class Frame(NamedTuple):
    """One image of a video."""

    image: npt.NDArray[np.uint8]
    """(H, W, 3) BGR, upright."""
    seconds: float
    """When it is shown; the first of a video at 0."""


class Source(Protocol):
    """Frames in the order of their time."""

    rate: float
    """Frames per second, as players show it."""
    count: int | None
    """How many frames are announced; None if nobody knows."""
    is_live: bool
    """Whether its end is wherever the user ends it."""

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the frames, each later than the one before."""


class VideoFile:
    """
    The first video stream of a file that FFmpeg reads, in PyAV's build of it.

    Parameters
    ----------
    path
        The file.
    limits
        A larger frame is refused before it is decoded.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is no regular file, or holds no video.
    ImportError
        PyAV is not installed.

    """

    is_live = False

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        image_files.check_regular(path)
        self.path = path
        self._limits = limits or Limits()
        self._av = pyav('reading videos')
        with self._opened() as (_, stream):
            self.rate = float(stream.average_rate or stream.guessed_rate or _RATE)
            self.count = int(stream.frames) or None

    def _opened(self) -> _Opened:
        return _Opened(self._av, self.path, self._limits)

    def frames(self) -> Generator[Frame, None, None]:
        """
        Yield the frames at the file's own times.

        Raises
        ------
        DamagedVideoError
            The file is damaged, or holds fewer frames than it announces.

        """
        counts, number, time = _Counts(), 0, 0.0
        shift = None
        with self._opened() as (container, stream):
            announced = _seconds(stream)
            for decoded in self._decoded(container, stream, counts):
                own = (time + 1 / self.rate if decoded.pts is None
                       else float(decoded.pts * stream.time_base))
                if shift is None:
                    shift = -own
                elif own + shift <= time:       # recordings one after the other
                    shift = time + 1 / self.rate - own
                time = own + shift
                number += 1
                yield Frame(_upright(decoded), time)
        if counts.error is not None:
            raise DamagedVideoError(f'{self.path} is damaged after {number} frames '
                                    f'({counts.error.strerror}): copy it again') from counts.error
        good = min(counts.stored, number + counts.left_out)
        if self.count is not None and good < self.count:
            raise DamagedVideoError(f'{self.path} announces {self.count} frames, and {good} of '
                                    'them can be read: copy it again')
        if self.count is None and time + _SLACK < announced:
            raise DamagedVideoError(f'{self.path} announces {announced:.1f} s, and ends after '
                                    f'{time:.1f} s: copy it again')

    def _decoded(self, container: Any, stream: Any, counts: _Counts
                 ) -> Generator[Any, None, None]:
        """Yield what can be decoded, also what the decoder holds when it meets damage."""
        try:
            for packet in container.demux(stream):
                counts.stored += packet.size > 0
                counts.left_out += packet.is_discard
                yield from packet.decode()
        except self._av.error.FFmpegError as error:
            counts.error = error
            with suppress(self._av.error.FFmpegError):
                yield from stream.decode(None)


@dataclass
class _Counts:
    """What was met on the way through a file."""

    stored: int = 0
    """Frames that the file holds."""
    left_out: int = 0
    """Those of them that an edit list leaves out."""
    error: Any = None
    """Where it ended too early, FFmpeg's error."""


class _Opened:
    """A container and its first video stream, open for a while."""

    def __init__(self, av: Any, path: Path, limits: Limits) -> None:
        self._av = av
        self._path = path
        self._limits = limits

    def __enter__(self) -> tuple[Any, Any]:
        try:
            self._container = self._av.open(f'file:{self._path.absolute()}')
        except self._av.error.FFmpegError as error:
            raise ValueError(f'{self._path} is no video that FFmpeg reads ({error.strerror}): '
                             'expected one such as .mp4, .mov, .mkv or .avi') from error
        try:
            if not self._container.streams.video:
                raise ValueError(f'{self._path} holds no video stream: expected one')
            stream = self._container.streams.video[0]
            if stream.codec_context is None:
                raise ValueError(f'{self._path}: this build of FFmpeg has no decoder for its '
                                 'video; convert it to H.264')
            try:
                self._limits.check_size(stream.width, stream.height)
            except ImageError as error:
                raise ValueError(f'{self._path}: {error}') from error
            stream.thread_type = 'SLICE'    # threads for frames pass over damaged ones
        except BaseException:
            self._container.close()
            raise
        return self._container, stream

    def __exit__(self, *error: object) -> None:
        self._container.close()


def _seconds(stream: Any) -> float:
    """Return how long a stream says that it is, as Matroska does in its tags; 0 if it does not."""
    parts = stream.metadata.get('DURATION', '0').split(':')
    try:
        return sum(float(part) * 60.0 ** power for power, part in enumerate(reversed(parts)))
    except ValueError:
        return 0.0


def _upright(decoded: Any) -> npt.NDArray[np.uint8]:
    """Return a decoded frame as it is to be shown: telephones write how they were held."""
    image: npt.NDArray[np.uint8] = decoded.to_ndarray(format='bgr24')
    turns = round(decoded.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


class Pictures:
    """
    Pictures as the frames of a video, at a fixed rate.

    Parameters
    ----------
    pictures
        The files in their order.
    rate
        Frames per second.
    limits
        A larger picture is refused before it is decoded.

    """

    is_live = False

    def __init__(self, pictures: Sequence[Path], rate: float, limits: Limits | None = None
                 ) -> None:
        self.rate = rate
        self.count: int | None = len(pictures)
        self._pictures = pictures
        self._limits = limits

    def frames(self) -> Generator[Frame, None, None]:
        """
        Yield the pictures.

        Raises
        ------
        DamagedVideoError
            A file is no image, or is not of the first one's size.

        """
        size: tuple[int, ...] = ()
        for number, path in enumerate(self._pictures):
            try:
                image = image_files.read(path, limits=self._limits)
            except ValueError as error:
                raise DamagedVideoError(str(error)) from error
            size = size or image.shape
            if image.shape != size:
                raise DamagedVideoError(
                    f'{path} has {image.shape[1]}x{image.shape[0]} pixels: expected '
                    f'{size[1]}x{size[0]} as {self._pictures[0]} has; a video has one size')
            yield Frame(image, number / self.rate)


class Webcam:
    """
    A camera of this machine, through OpenCV; its frames have the time at which they came.

    Parameters
    ----------
    index
        The camera's number, as in ``/dev/videoN``.
    capture
        What opens it.

    Raises
    ------
    ValueError
        There is no such camera, it is busy, or it may not be opened.

    """

    is_live = True
    count: int | None = None

    def __init__(self, index: int, capture: Callable[[int], Any] = cv2.VideoCapture) -> None:
        self._capture = capture(index)
        if not self._capture.isOpened():
            raise ValueError(f'camera {index} cannot be opened: see whether /dev/video{index} is '
                             'there, belongs to a group of this user (mostly "video"), and is '
                             'used by no other program')
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)   # the newest frame, not the oldest
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate < 1000 else _RATE

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the newest frame each time, until the camera is taken away."""
        start = None
        try:
            while True:
                there, image = self._capture.read()
                if not there:
                    return
                now = monotonic()
                start = now if start is None else start
                yield Frame(image, now - start)
        finally:
            self._capture.release()
