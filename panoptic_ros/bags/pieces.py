"""
Labelling a bag in pieces, and joining them to the bag of one run.

A piece is a bag of its own: the frames that were received in a span of time, labelled without
tracking, with the journal that a labelling keeps. Joining shows the tracker all frames in their
order, so that it gives the numbers that it would have given, and writes what one run would have
written, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..images import Limits
from ..labels import LabelSpace
from ..panoptic import Panoptic, Segments
from ..steps import Behind, ahead
from .frames import camera_frame, camera_records, camera_topic
from .journal import Entry, Journal, read_journal
from .labelling import LabelledBag, Proceed, StoppedError, check_output
from .paths import JOURNAL
from .reader import Bag, BagError, Record
from .results import Labelling, Results, Span
from .resuming import take_up
from .writer import BagWriter

SECOND = 1_000_000_000
"""In nanoseconds."""


def spans(bag: Bag, length: int) -> list[Span]:
    """
    Return the spans, of so many seconds, in which a bag is labelled; one span is the whole bag.

    They begin at the bag's first message. Batches of frames are cut at whole seconds as well, so
    the network sees the batches of one run.

    Raises
    ------
    ValueError
        The length is under a second.

    """
    if length < 1:
        raise ValueError(f'pieces are {length} s long: expected at least 1')
    step = length * SECOND
    return [(at, at + step) for at in range(bag.start, bag.end + 1, step)]


def piece_of(labelling: Labelling, part: Span) -> Labelling:
    """Return what is to be written of a piece."""
    return replace(labelling, part=part, with_camera=False, with_overlay=False,
                   with_tracking=False)


def join(source: Bag, pieces: Sequence[Path], output: Path, labelling: Labelling,
         label_space: LabelSpace, overwrite: bool = False, proceed: Proceed | None = None,
         limits: Limits | None = None) -> LabelledBag:
    """
    Write the bag that one run would have written.

    Parameters
    ----------
    source
        The bag of the camera.
    pieces
        The labelled spans of it, in their order.
    output, labelling, overwrite, proceed, limits
        As for ``label_bag``.
    label_space
        The classes of the model.

    Raises
    ------
    BagError
        A piece is missing, has another frame than the source, or the source is damaged.
    StoppedError
        It was stopped; the pieces stay.

    """
    check_output(source, output, overwrite)
    camera = camera_topic(source, labelling.topic)
    topics = labelling.topics(camera.name, camera.type)
    job = {**asdict(labelling), 'part': None, 'joined': [str(piece) for piece in pieces]}
    if left := take_up(output, job, list(topics), True):    # an interrupted join begins anew
        left.discard()
    results = Results(labelling, label_space)
    done = LabelledBag()

    def decode(numbered: tuple[int, Record, tuple[Entry, Any]]
               ) -> tuple[Record, Entry, Any, npt.NDArray[np.uint8] | None]:
        number, record, (entry, message) = numbered
        pixels = (camera_frame(source, number, record, limits).image
                  if labelling.with_overlay else None)
        return record, entry, message, pixels

    with BagWriter(output, overwrite) as target, Journal(target.partial, job):
        results.begin(target, source, topics)

        def finish(step: tuple[Record, Entry, Any, npt.NDArray[np.uint8] | None]) -> None:
            record, entry, message, pixels = step
            written = results.of(record, message.header, _panoptic(message, entry, label_space,
                                                                   pixels is not None), pixels)
            for name in topics:
                target.write(name, record.time, written[name])
            done.frames += 1
            done.things += len(entry.things)
            if proceed is not None and not proceed() and done.frames < camera.count:
                raise StoppedError(f'{done.frames} of {camera.count} frames are joined')

        with Behind(finish) as behind:
            labelled = _frames(pieces, labelling)
            records = enumerate(camera_records(source, camera))
            for step in ahead(((number, record, _next(labelled, record, source))
                               for number, record in records), decode):
                behind.give(step)
            if next(labelled, None) is not None:
                raise BagError(f'the pieces of {source.path} have more frames than it: remove '
                               'them')
    (target.path / JOURNAL).unlink()
    return done


def _frames(pieces: Sequence[Path], labelling: Labelling) -> Iterator[tuple[Entry, Any]]:
    """Yield what is known of each frame, and the message of its labels before tracking."""
    for piece in pieces:
        known = read_journal(piece)
        if known is None:
            raise BagError(f'{piece} has no journal: remove it, and label the bag again')
        with Bag(piece) as bag:
            stored = bag.messages([f'{labelling.prefix}/panoptic'])
            for entry, record in zip(known[1], stored, strict=True):
                yield entry, bag.decode(record)


def _next(labelled: Iterator[tuple[Entry, Any]], record: Record, source: Bag
          ) -> tuple[Entry, Any]:
    entry, message = next(labelled, (None, None))
    if entry is None or entry.time != record.time:
        raise BagError(f'the pieces of {source.path} lack its frame of {record.time}: remove '
                       'them, and label the bag again')
    return entry, message


def _panoptic(message: Any, entry: Entry, label_space: LabelSpace, with_stuff: bool) -> Panoptic:
    """Return a frame's result; the rows of its stuff are needed for drawings alone."""
    labels = message.data.view(np.uint16).reshape(message.height, message.width)
    if not with_stuff:
        return Panoptic(labels, entry.things, label_space)
    stuff, things = Panoptic.from_labels(labels, label_space).stuff, entry.things
    order = np.lexsort((np.concatenate([stuff.label, things.label]),
                        -np.concatenate([stuff.area, things.area])))
    return Panoptic(labels, Segments(**{
        column.name: np.concatenate([getattr(part, column.name)
                                     for part in (stuff, things)])[order]
        for column in fields(Segments)}), label_space)
