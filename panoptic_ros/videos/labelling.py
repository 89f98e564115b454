"""Labelling a video: frames in, a video of overlays out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from itertools import chain
from pathlib import Path

from .. import overlay
from ..images import files as image_files
from ..panoptic import Panoptic
from ..pictures import Labelled
from ..segmenter import Segmenter
from ..steps import Behind
from ..tensors import OutputError
from ..tracking import Tracker
from .sources import DamagedVideoError, Frame, Source
from .writer import partial_of, write_video

Proceed = Callable[[], bool]
"""Called after every frame, by a thread of its own; whether to go on."""


class StoppedError(Exception):
    """The labelling was asked to end before its end."""


class _EndedError(Exception):
    """The video is to end here."""


def check_output(path: Path, overwrite: bool) -> None:
    """
    Refuse, before any work, an output that cannot be written; make its folder.

    Raises
    ------
    FileExistsError
        Its name, or that of a part of it, is taken and is not to be overwritten.
    OSError
        The path is a folder, or no file can be made beside it.

    """
    for file in (path, partial_of(path)):
        if not overwrite:
            image_files.refuse_existing(file)
        image_files.check_writable(file)


def label_video(segmenter: Segmenter, source: Source, path: Path, overwrite: bool = False,
                track: bool = True, proceed: Proceed = lambda: True) -> Labelled:
    """
    Segment the frames of a video, and write them with their overlays; sound is left out.

    Parameters
    ----------
    segmenter, source
        The model, and where the frames come from.
    path
        The ``.mp4`` file to write. It appears when it is whole, which a video of a live source
        is wherever it ends. What was made of another source until it was damaged, or the
        labelling was stopped, is the file ``partial_of(path)``.
    overwrite
        Whether to replace files of these names.
    track
        Whether things keep their numbers from frame to frame.
    proceed
        Called after every frame. When it returns False, the labelling ends there.

    Raises
    ------
    DamagedVideoError
        The source is damaged or changes its size.
    StoppedError
        It was stopped.
    ValueError
        The source has no frame, or the network's outputs mean nothing; nothing is written.
    FileExistsError
        A name is taken, and is not to be overwritten.
    OSError
        The video cannot be written.
    ImportError
        PyAV is not installed.

    """
    check_output(path, overwrite)
    done = Labelled()
    partial = partial_of(path)
    tracker = Tracker(segmenter.label_space) if track else None
    failure: DamagedVideoError | StoppedError | None = None
    with closing(source.frames()) as frames:
        first = next(frames, None)
        if first is None:
            raise ValueError(f'there is no frame to write into {path}')
        with write_video(partial, first.image.shape[:2], source.rate, overwrite) as video:

            def finish(step: tuple[Frame, Panoptic]) -> None:
                frame, panoptic = step
                if tracker is not None:
                    panoptic = tracker(panoptic, frame.seconds)
                video.write(overlay.draw(frame.image, panoptic), frame.seconds)
                done.count(panoptic)
                if not proceed():
                    raise _EndedError

            try:
                with Behind(finish) as behind:
                    for number, frame in enumerate(chain((first,), frames)):
                        _check_size(frame, first, number)
                        try:
                            panoptic = done.segment(segmenter, frame.image)
                        except OutputError as error:
                            raise OutputError(f'frame {number}: {error}') from error
                        behind.give((frame, panoptic))
            except _EndedError:
                if not source.is_live:
                    failure = StoppedError('stopped')
            except DamagedVideoError as error:
                failure = error
    if failure is not None:
        raise type(failure)(f'{failure}; frames that {partial} holds: {done.frames}') from failure
    image_files.put(partial, path, overwrite)
    return done


def _check_size(frame: Frame, first: Frame, number: int) -> None:
    (height, width), (expected, across) = frame.image.shape[:2], first.image.shape[:2]
    if (height, width) != (expected, across):
        raise DamagedVideoError(f'frame {number} has {width}x{height} pixels: expected '
                                f'{across}x{expected} as before; a video has one size')
