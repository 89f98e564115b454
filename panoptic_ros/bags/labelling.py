"""Segmenting recordings offline, every frame of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..images import Limits
from ..panoptic import Panoptic
from ..pictures import Labelled
from ..plain_data import plain
from ..segmenter import Segmenter
from ..steps import Behind, ahead
from ..tensors import OutputError
from .frames import CameraFrame, camera_frame, camera_records, camera_topic, stamp_of
from .journal import Entry, Journal
from .paths import JOURNAL, check_apart, check_replaceable, partial_of
from .reader import Bag, BagError, Record, Topic
from .results import Labelling, Results, seconds
from .resuming import Before, take_up
from .writer import BagWriter

__all__ = ['LabelledBag', 'Labelling', 'StoppedError', 'check_output', 'label_bag']

Proceed = Callable[[], bool]
"""Called after every frame, by a thread of its own; whether to go on."""

_TOGETHER = 1_000_000_000
"""Frames of one batch lie within one of these spans, in nanoseconds from the bag's start."""


class StoppedError(Exception):
    """The labelling was asked to end before its end."""


@dataclass
class LabelledBag(Labelled):
    """What was labelled of a bag."""

    resumed: int = 0
    """Frames that an earlier, interrupted run had labelled; they count among ``frames``."""


class _Step(NamedTuple):
    """A frame on its way: labelled by an earlier run, or to be labelled."""

    number: int
    record: Record
    entry: Entry | None
    results: dict[str, Any]
    frame: CameraFrame | None = None
    panoptic: Panoptic | None = None


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

    Frames are decoded by one thread, segmented by the calling one, and tracked and written by a
    third, in their order.

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
    job = job_of(options, source, camera, segmenter)
    before = take_up(output, job, list(topics), overwrite)
    run = _Run(segmenter, options, source, camera, proceed)
    try:
        with BagWriter(output, overwrite) as target, Journal(target.partial, job) as journal:
            run.results.begin(target, source, topics)

            def finish(step: _Step) -> None:
                entry, results = run.finish(step)
                for name in topics:
                    target.write(name, step.record.time, results[name])
                journal.add(entry)
                run.count(step, entry)
                if before and step.number + 1 == len(before.entries):
                    before.discard()
                run.go_on()

            with Behind(finish) as behind:
                for step in run.segmented(run.steps(before, limits)):
                    behind.give(step)
    except (BagError, OSError, StoppedError) as error:
        if not _leave(output, before, run.done):
            raise
        again = '' if isinstance(error, BagError) else ', and the same command goes on from there'
        raise type(error)(f'{error}; what is done is in {partial_of(output)}{again}') from error
    except BaseException:
        _leave(output, before, run.done)
        raise
    if options.part is None:
        (target.path / JOURNAL).unlink()        # '.' is another folder by now
    return run.done


def job_of(options: Labelling, source: Bag, camera: Topic, segmenter: Segmenter
           ) -> dict[str, Any]:
    """Return everything that decides the result of a labelling, as JSON."""
    return {**asdict(options), 'topic': camera.name, 'runtime': segmenter.description,
            'part': options.part and list(options.part),
            'options': {segmenter.family.name: plain(segmenter.options)},
            'input': [[file.name, file.stat().st_size] for file in source.files]}


class _Run:
    """A labelling at work."""

    def __init__(self, segmenter: Segmenter, options: Labelling, source: Bag, camera: Topic,
                 proceed: Proceed | None) -> None:
        self.done = LabelledBag()
        self.results = Results(options, segmenter.label_space)
        self._segmenter = segmenter
        self._options = options
        self._source = source
        self._camera = camera
        self._proceed = proceed

    def steps(self, before: Before | None, limits: Limits | None) -> Iterator[_Step]:
        """Yield the frames in order, decoded unless an earlier run labelled them."""
        known = before.frames() if before else iter(())

        def decode(step: _Step) -> _Step:
            if step.entry is not None:
                return step
            return step._replace(frame=camera_frame(
                self._source, step.number, step.record, limits))

        return ahead((_Step(number, record, *next(known, (None, {}))) for number, record
                      in enumerate(camera_records(self._source, self._camera,
                                                  self._options.part))),
                     decode, 1 + self._segmenter.batch)

    def segmented(self, steps: Iterable[_Step]) -> Iterator[_Step]:
        """Yield the frames with their results, as many at once as the engine takes."""
        together: list[_Step] = []
        span = None
        for step in steps:
            of = (step.record.time - self._source.start) // _TOGETHER
            if step.frame is None or of != span or len(together) == self._segmenter.batch:
                yield from self._segment(together)
                together, span = [], of
            if step.frame is None:
                yield step
            else:
                together.append(step)
                if self._segmenter.batch == 1:      # no need to wait for the next one
                    yield from self._segment(together)
                    together = []
        yield from self._segment(together)

    def _segment(self, steps: list[_Step]) -> Iterator[_Step]:
        if not steps:
            return
        try:
            panoptics, times = self._segmenter.segment(
                [step.frame.image for step in steps if step.frame])
        except OutputError as error:
            if len(steps) > 1:
                for step in steps:      # it is one of them
                    yield from self._segment([step])
                return
            raise OutputError(f'frame {steps[0].number} of {self._camera.name}: {error}'
                              ) from error
        self.done.spend(times, len(steps))
        for step, panoptic in zip(steps, panoptics, strict=True):
            yield step._replace(panoptic=panoptic)

    def finish(self, step: _Step) -> tuple[Entry, dict[str, Any]]:
        """Return what is to be remembered of a frame, and its messages, by topic."""
        if step.entry is not None:
            self._repeat(step.entry, step)
            return step.entry, step.results
        assert step.frame is not None
        assert step.panoptic is not None
        entry = Entry.of(step.record.time, step.panoptic)
        return entry, self.results.of(step.record, step.frame.header, step.panoptic,
                                      step.frame.image)

    def _repeat(self, entry: Entry, step: _Step) -> None:
        """Take a frame as an earlier run labelled it."""
        record = step.record
        if record.time != entry.time:
            raise BagError(f'{self._source.path} is not what the interrupted labelling read: its '
                           f'frame {step.number} is of {record.time} in place of {entry.time}; '
                           'remove the partial bag')
        if self.results.tracker is not None:
            stamp = stamp_of(self._source.decode(record).header)
            entry.track(self.results.tracker, self._segmenter.label_space,
                        seconds(stamp, record))

    def count(self, step: _Step, entry: Entry) -> None:
        """Count a frame that is written."""
        self.done.frames += 1
        self.done.things += len(entry.things)
        self.done.resumed += step.entry is not None

    def go_on(self) -> None:
        """Ask whether to go on after a frame."""
        if (self._proceed is not None and not self._proceed()
                and self.done.frames < self._camera.count):
            raise StoppedError(f'{self.done.frames} of {self._camera.count} frames are labelled')


def _leave(output: Path, before: Before | None, done: Labelled) -> bool:
    """Keep of the partial bags the one that got farther; return whether any frame is in it."""
    if before is not None:
        before.restore(output)
    elif not done.frames:
        shutil.rmtree(partial_of(output), ignore_errors=True)
        return False
    return True
