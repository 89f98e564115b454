"""Segmenting recordings offline, every frame of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import messages, overlay
from ..images import Limits
from ..messages import COMPRESSED_IMAGE, DETECTIONS, IMAGE, LABEL_INFO
from ..pictures import Labelled
from ..plain_data import plain
from ..segmenter import Segmenter
from ..tensors import OutputError
from ..tracking import Tracker
from .frames import CameraFrame, camera_frame, camera_records, camera_topic, stamp_of
from .journal import Entry, Journal
from .messages import header, image, new
from .paths import JOURNAL, check_apart, check_replaceable, partial_of
from .reader import Bag, BagError, Record
from .resuming import Before, take_up
from .writer import BagWriter

PREFIX = '/panoptic_node'
"""Where the node's private topics stand when it is not renamed."""


Proceed = Callable[[], bool]

_PREFIX = re.compile('(/[A-Za-z_][A-Za-z0-9_]*)*')


class StoppedError(Exception):
    """The labelling was asked to end before its end."""


@dataclass(frozen=True)
class Labelling:
    """What is to be written of a bag."""

    topic: str | None = None
    """The camera topic; the bag's only one by default."""
    prefix: str = PREFIX
    """What stands before ``/panoptic``, ``/objects`` and ``/label_info``."""
    with_camera: bool = True
    """Also copy the camera's messages."""
    with_overlay: bool = False
    """Also draw ``PREFIX/overlay/compressed``, JPEG."""
    with_tracking: bool = True
    """Things keep their numbers from frame to frame."""
    model: str = ''
    """Tells the model from every other: a run with another does not go on from this one."""

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise BagError(f'prefix is {self.prefix!r}: expected the beginning of topics, as in '
                           f'{PREFIX}')

    def topics(self, camera: str, camera_type: str) -> dict[str, str]:
        """
        Return the types of what is written for each frame, by topic.

        Raises
        ------
        BagError
            The camera's own topic is among the results'.

        """
        topics = {f'{self.prefix}/panoptic': IMAGE, f'{self.prefix}/objects': DETECTIONS}
        if self.with_camera:
            if camera in (*topics, f'{self.prefix}/label_info',
                          f'{self.prefix}/overlay/compressed'):
                raise BagError(f'{camera} is a topic of the results as well, and one would take '
                               'the place of the other: choose another --prefix, or '
                               '--without-camera')
            topics[camera] = camera_type
        if self.with_overlay:
            topics[f'{self.prefix}/overlay/compressed'] = COMPRESSED_IMAGE
        return topics


@dataclass
class LabelledBag(Labelled):
    """What was labelled of a bag."""

    resumed: int = 0
    """Frames that an earlier, interrupted run had labelled; they count among ``frames``."""


def check_output(source: Bag, output: Path, overwrite: bool) -> None:
    """
    Make sure that a bag can be written, before work begins.

    Raises
    ------
    BagError
        It would touch the input, or there is something that is not to be overwritten.

    """
    check_apart(source.path, source.files, output)
    check_replaceable(output, overwrite)


def label_bag(segmenter: Segmenter, source: Bag, output: Path, labelling: Labelling | None = None,
              overwrite: bool = False, proceed: Proceed | None = None,
              limits: Limits | None = None) -> LabelledBag:
    """
    Segment every frame of a bag's camera topic.

    The output receives what the node would publish for each, under the header and the time of
    its frame. Until it is whole it is ``OUTPUT.partial``. Where that is left of an interrupted
    run of the same job its frames are taken as they are, the tracker is brought to where it was,
    and the rest is labelled: the bag is that of one run, byte for byte.

    Parameters
    ----------
    segmenter, source
        The model, and the open bag.
    output
        The bag to write.
    labelling
        What to write.
    overwrite
        Replace a bag that is there already.
    proceed
        Called after every frame; it returns whether to go on.
    limits
        What is refused of images before they are decoded.

    Raises
    ------
    BagError
        The source has no such topic, no frame, or is damaged; or the output cannot be written.
    StoppedError
        It was stopped.
    OutputError
        The network's outputs for a frame mean nothing.

    """
    options = labelling or Labelling()
    check_output(source, output, overwrite)
    camera = camera_topic(source, options.topic)
    topics = options.topics(camera.name, camera.type)
    job = {**asdict(options), 'topic': camera.name, 'runtime': segmenter.description,
           'options': {segmenter.family.name: plain(segmenter.options)},
           'input': [[file.name, file.stat().st_size] for file in source.files]}
    before = take_up(output, job, list(topics), overwrite)
    run = _Run(segmenter, options)
    try:
        with BagWriter(output, overwrite) as target, Journal(target.partial, job) as journal:
            latched = f'{options.prefix}/label_info'
            for name, kind in topics.items():
                target.add_topic(name, kind)
            target.add_topic(latched, LABEL_INFO, latched=True)
            target.write(latched, source.start, messages.label_info(
                new, segmenter.label_space, header(source.start, '')))
            known = before.frames() if before else iter(())
            for number, record in enumerate(camera_records(source, camera)):
                entry, results = next(known, (None, {}))
                if entry is None:
                    entry, results = run.label(camera_frame(source, number, record, limits))
                else:
                    run.repeat(entry, source, record)
                for name in topics:
                    target.write(name, record.time, results[name])
                journal.add(entry)
                if before and number + 1 == len(before.entries):
                    before.discard()
                if proceed is not None and not proceed() and number + 1 < camera.count:
                    raise StoppedError(f'{number + 1} of {camera.count} frames are labelled')
    except (BagError, OSError, StoppedError) as error:
        if not _leave(output, before, run.done):
            raise
        again = '' if isinstance(error, BagError) else ', and the same command goes on from there'
        raise type(error)(f'{error}; what is done is in {partial_of(output)}{again}') from error
    except BaseException:
        _leave(output, before, run.done)
        raise
    (target.path / JOURNAL).unlink()        # '.' is another folder by now
    return run.done


class _Run:
    """A labelling at work."""

    def __init__(self, segmenter: Segmenter, options: Labelling) -> None:
        self.done = LabelledBag()
        self._segmenter = segmenter
        self._options = options
        self._tracker = Tracker(segmenter.label_space) if options.with_tracking else None

    def label(self, frame: CameraFrame) -> tuple[Entry, dict[str, Any]]:
        """Return what is to be remembered of a frame, and its messages, by topic."""
        try:
            panoptic = self.done.segment(self._segmenter, frame.image)
        except OutputError as error:
            raise OutputError(f'frame {self.done.frames} of {frame.record.topic.name}: '
                              f'{error}') from error
        entry = Entry.of(frame.record.time, panoptic)
        if self._tracker is not None:
            panoptic = self._tracker(panoptic, _seconds(frame.stamp, frame.record))
        prefix = self._options.prefix
        results: dict[str, Any] = {
            frame.record.topic.name: frame.record.data,
            f'{prefix}/panoptic': image(panoptic.labels, '16UC1', frame.header),
            f'{prefix}/objects': messages.detections(new, panoptic, frame.header)}
        if self._options.with_overlay:
            results[f'{prefix}/overlay/compressed'] = messages.compressed_image(
                new, overlay.draw(frame.image, panoptic), 'bgr8', frame.header)
        return entry, results

    def repeat(self, entry: Entry, source: Bag, record: Record) -> None:
        """Take a frame as an earlier run labelled it."""
        if record.time != entry.time:
            raise BagError(f'{source.path} is not what the interrupted labelling read: its frame '
                           f'{self.done.frames} is of {record.time} in place of {entry.time}; '
                           'remove the partial bag')
        if self._tracker is not None:
            stamp = stamp_of(source.decode(record).header)
            entry.track(self._tracker, self._segmenter.label_space, _seconds(stamp, record))
        self.done.frames += 1
        self.done.things += len(entry.things)
        self.done.resumed += 1


def _leave(output: Path, before: Before | None, done: Labelled) -> bool:
    """Keep of the partial bags the one that got farther; return whether any frame is in it."""
    if before is not None:
        before.restore(output)
    elif not done.frames:
        shutil.rmtree(partial_of(output), ignore_errors=True)
        return False
    return True


def _seconds(stamp: int, record: Record) -> float:
    """Return the time that the tracker lives by."""
    return 1e-9 * (stamp or record.time)
