"""
The grouping for processors: the results of ``reference`` in milliseconds.

Most patches, the pixels between the same four cells, are decided as a whole: where the cells
agree on their class, and only one centre can be the nearest to whatever the offsets point to.
The pixels of the others look only at the classes and the centres that can win there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...labels import LabelSpace
from ...panoptic import Panoptic
from ...segments.codes import INSTANCE, UNASSIGNED
from ...segments.numbering import number
from ...segments.patches import CodeImage
from ...segments.tallies import empty_tallies
from ...segments.tallying import add_up
from ...segments.upsampling import Axis
from ...segments.workers import run, thread_count
from .assignment import Aim
from .candidates import Centers
from .cells import Cells
from .centers import find_centers
from .confidence import paint_confidence
from .heads import Heads
from .logits import Logits, Memory
from .open_patches import Field
from .options import Options
from .rows import Counts, group_rows
from .scoring import Classes, Labels, Others, label_pixels
from .targets import Offsets


def decode(heads: Heads, label_space: LabelSpace, size: tuple[int, int],
          options: Options, confidence: bool) -> Panoptic:
    """Group heads as ``reference`` does; the parameters are those of ``deeplab.decode``."""
    semantic, center, offset = (_float32(head)
                                for head in (heads.semantic, heads.center, heads.offset))
    axes = Axis.both(heads.grid, size)
    places, heats = find_centers(center, axes, options)
    classes = np.arange(len(label_space))
    scale = np.array([pixels / part for pixels, part
                      in zip(size, heads.grid.part, strict=True)], np.float32)
    code_of = np.where(label_space.is_thing, UNASSIGNED + classes, classes).astype(np.uint16)
    workers = thread_count()
    cells, image = Cells.empty(center.shape), CodeImage.empty(axes)
    tallies = empty_tallies(workers, INSTANCE + len(places))
    votes = np.zeros((workers, len(places), len(classes)), np.int64)
    run(group_rows, Logits(semantic, code_of), Field(Offsets(offset, scale), Centers.of(places)),
        (cells, image), [Memory.new(len(classes), center.shape[1]) for _ in range(workers)],
        [Aim.new(center.shape[1], len(places)) for _ in range(workers)],
        [Counts(*own) for own in zip(tallies, votes, strict=True)])

    class_of = np.full(INSTANCE + len(places), -1)
    class_of[classes] = np.where(label_space.is_thing, -1, classes)
    class_of[INSTANCE:] = votes.sum(0).argmax(1)
    label_of = number(class_of, tallies['area'].sum(0), label_space, options.stuff_area)
    run(label_pixels, Classes(semantic, cells, class_of.clip(0).astype(np.uint8)), image,
        Labels.of(label_of), list(tallies), [Others.new(image) for _ in range(workers)])
    weight = np.ones(len(label_of), np.float32)
    weight[INSTANCE:] = heats
    return Panoptic(image.pixels,
                    add_up(tallies).segments(label_of, weight, label_space), label_space,
                    _confidence(cells, image) if confidence else None)


def _float32(head: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return a head in the one form that kernels are compiled for."""
    return np.require(head, np.float32, ['C_CONTIGUOUS', 'ALIGNED', 'WRITEABLE'])


def _confidence(cells: Cells, image: CodeImage) -> npt.NDArray[np.uint8]:
    """Return the likeliest class's probability of each pixel, (H, W), 255 for 1."""
    confidence = np.empty(image.pixels.shape, np.uint8)
    run(paint_confidence, cells.probability, image.axes, confidence)
    return confidence
