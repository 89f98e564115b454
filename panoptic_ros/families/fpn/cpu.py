"""
The decoder for processors: the results of ``reference`` in milliseconds.

Masks are pasted as bits, and only in their boxes.  Stuff is looked for only where nothing is
painted; no logits are upsampled but where the likeliest channel changes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...labels import UNLABELED, LabelSpace
from ...panoptic import Panoptic
from ...segments.codes import INSTANCE, UNASSIGNED
from ...segments.marks import Marks
from ...segments.numbering import number
from ...segments.painting import paint as write_labels
from ...segments.patches import CodeImage
from ...segments.resampling import Frame, resample
from ...segments.tallies import PROBABILITY_ONE, empty_tallies
from ...segments.tallying import add_up
from ...segments.workers import run, thread_count
from .bits import WORD
from .detections import Detections
from .options import Options
from .pasting import Line, Masks, paste
from .selection import Chosen, choose
from .stuff import Memory, Stuff, find_stuff
from .things import Things, claim, paint


def decode(detections: Detections, label_space: LabelSpace, size: tuple[int, int],
           options: Options, confidence: bool) -> Panoptic:
    """Decode detections as ``reference`` does; the parameters are those of ``fpn.decode``."""
    chosen = choose(detections, label_space, size, options)
    semantic = np.require(detections.semantic, np.float32, ['C_CONTIGUOUS', 'ALIGNED',
                                                            'WRITEABLE'])
    axes = resample(Frame((semantic.shape[1], semantic.shape[2]), detections.input_size,
                          detections.part, size))
    image = CodeImage.empty(axes)
    picture = np.zeros(size if confidence else (0, 0), np.uint8)
    painted = np.zeros((size[0], -(-size[1] // WORD)), np.uint64)
    byte = (chosen.score * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    _paint_things(Masks.of(detections.masks, chosen),
                  Things(image.pixels, painted, picture, byte), options)
    code_of = np.array([UNASSIGNED, *label_space.stuff_ids], np.uint16)
    reach = np.array([2 if axis.weights[2].any() else 1 for axis in axes], np.int32)
    stuff = Stuff(semantic, code_of, reach, painted, image, picture)
    workers = thread_count()
    tallies = empty_tallies(workers, INSTANCE + len(chosen.row))
    run(find_stuff, stuff, [Memory.new(stuff) for _ in range(workers)], list(tallies))

    sums = add_up(tallies)
    sums.probability[INSTANCE:] = sums.area[INSTANCE:] * PROBABILITY_ONE
    label_of = number(_classes(label_space, chosen), sums.area, label_space, options.stuff_area)
    run(write_labels, image, label_of,
        [Marks.new(image.patches.shape[1]) for _ in range(workers)])
    if confidence:
        picture[image.pixels == UNLABELED] = 0
    weight = np.append(np.ones(INSTANCE, np.float32), chosen.score)
    return Panoptic(image.pixels, sums.segments(label_of, weight, label_space), label_space,
                    picture if confidence else None)


def _paint_things(masks: Masks, things: Things, options: Options) -> None:
    """Paint the detections, as many at a time as fit into memory."""
    width, side = things.pixels.shape[1], masks.cells.shape[1] - 2
    lines = [Line.new(width, side) for _ in range(thread_count())]
    for batch in masks.batches():
        words = np.zeros(int(masks.first[batch[1]] - masks.first[batch[0]]), np.uint64)
        run(paste, masks, batch, words, lines)
        claim(masks, batch, words, things.painted, float(options.overlap_threshold))
        run(paint, masks, batch, words, things)


def _classes(label_space: LabelSpace, chosen: Chosen) -> npt.NDArray[np.int64]:
    """Return the class of each code; -1 for what becomes no segment."""
    class_of = np.full(INSTANCE + len(chosen.row), -1)
    class_of[list(label_space.stuff_ids)] = label_space.stuff_ids
    class_of[INSTANCE:] = chosen.class_id
    return class_of
