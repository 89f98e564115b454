"""Labelling what a job names, with an open model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..images import Limits
from ..images import files as image_files
from ..pictures import Labelled, label_pictures, outputs_of
from ..segmenter import Segmenter
from .jobs import Job
from .states import State


class Place(NamedTuple):
    """Where a job's files are on this machine."""

    input: Path
    output: Path
    pieces: tuple[Path, ...]
    known: State
    """What was known before the work began."""


class _StoppedError(Exception):
    """The work was asked to end before its end."""


class Cut(NamedTuple):
    """A bag that is to be labelled in pieces."""

    parts: tuple[tuple[int, int], ...]


def label(job: Job, place: Place, segmenter: Segmenter, proceed: Callable[[], bool],
          done: Labelled) -> bool | Cut:
    """
    Do a job; return whether it is done, or how to cut it.

    ``proceed`` is called after every frame and returns whether to go on. ``done`` counts.

    Raises
    ------
    ValueError
        The recording cannot be labelled.
    OSError
        Something cannot be read or written.

    """
    return {'bag': _label_bag, 'video': _label_video, 'pictures': _label_pictures}[job.kind](
        job, place, segmenter, proceed, done)


def _label_bag(job: Job, place: Place, segmenter: Segmenter, proceed: Callable[[], bool],
               done: Labelled) -> bool | Cut:
    from ..bags.folder import BusyError
    from ..bags.labelling import Labelling, StoppedError, label_bag
    from ..bags.pieces import join, piece_of, spans
    from ..bags.reader import Bag

    settings = job.settings
    labelling = Labelling(settings.topic, settings.prefix, settings.with_camera,
                          settings.with_overlay, settings.with_tracking, settings.model_hash)
    overwrite = settings.overwrite or place.known.key == job.key
    limits = Limits(pixels=settings.max_pixels)

    def count() -> bool:
        done.frames += 1
        return proceed()

    with Bag(place.input) as bag:
        if settings.piece and not job.pieces and job.part is None:
            parts = spans(bag, settings.piece)
            if len(parts) > 1:
                return Cut(tuple(parts))
        try:
            if job.pieces:
                found = join(bag, place.pieces, place.output, labelling, segmenter.label_space,
                             overwrite, count, limits)
            else:
                if job.part is not None:
                    labelling = piece_of(labelling, job.part)
                found = label_bag(segmenter, bag, place.output, labelling, overwrite, count,
                                  limits)
        except StoppedError:
            return False
        except BusyError as error:      # such as a worker that was given up and still lives
            raise BlockingIOError(str(error)) from error
    _take(done, found)
    return True


def _label_video(job: Job, place: Place, segmenter: Segmenter, proceed: Callable[[], bool],
                 done: Labelled) -> bool:
    from ..videos.labelling import label_video
    from ..videos.sources import VideoFile

    source = VideoFile(place.input, Limits(pixels=job.settings.max_pixels))

    def count() -> bool:
        done.frames += 1
        if not proceed():
            raise _StoppedError         # of a video there is no part to go on from
        return True

    try:
        # `states.begin` has refused what is not to be replaced; a part is of an earlier try
        _take(done, label_video(segmenter, source, place.output, overwrite=True,
                                track=job.settings.with_tracking, proceed=count))
    except _StoppedError:
        return False
    return True


def _label_pictures(job: Job, place: Place, segmenter: Segmenter, proceed: Callable[[], bool],
                    done: Labelled) -> bool:
    pictures = sorted(path for path in image_files.visible(place.input, '*')
                      if path.suffix.lower() in image_files.PICTURE_SUFFIXES
                      and not path.is_dir())
    ours = place.known.key == job.key and not place.known.replaces
    left = [path for path in pictures if not (ours and _is_labelled(path, place.output))]
    done.frames = len(pictures) - len(left)
    resumed = done.frames

    def count() -> None:
        done.frames += 1
        if not proceed() and done.frames < len(pictures):
            raise _StoppedError

    try:
        found = label_pictures(segmenter, left, place.output, count,
                               job.settings.overwrite or place.known.key == job.key,
                               Limits(pixels=job.settings.max_pixels))
    except _StoppedError:
        return False
    found.frames += resumed
    _take(done, found)
    return True


def _is_labelled(picture: Path, folder: Path) -> bool:
    """Tell whether a picture has both of its files, each of which appears whole."""
    return all(file.exists() for file in outputs_of(picture, folder))


def _take(done: Labelled, found: Labelled) -> None:
    done.__dict__.update(found.__dict__)
