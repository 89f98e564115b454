"""
The grouping for processors: the results of ``reference`` in milliseconds.

No logit is ever upsampled but where classes meet, no heat but around centres, and no distance
is computed but from thing pixels to the few centres that can be the nearest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...labels import UNLABELED, LabelSpace
from ...panoptic import Panoptic
from ...segments.tallies import Tallies
from ...segments.upsampling import Axis
from ...segments.workers import run, thread_count
from . import painting
from .assignment import assign
from .cells import read_cells
from .centers import find_centers
from .classification import classify
from .codes import INSTANCE, UNASSIGNED
from .heads import Heads
from .options import Options


def decode(heads: Heads, label_space: LabelSpace, size: tuple[int, int],
          options: Options, confidence: bool) -> Panoptic:
    """Group heads as ``reference`` does; the parameters are those of ``deeplab.decode``."""
    semantic, center, offset = (_float32(head)
                                for head in (heads.semantic, heads.center, heads.offset))
    y, x = Axis.both(heads.grid, size)
    code_of_cell = np.empty(center.shape, np.uint16)
    probability = np.empty(center.shape, np.int32)
    heat, shift = np.empty_like(center), np.empty_like(offset)
    run(read_cells, semantic, center, offset, label_space.is_thing, code_of_cell, probability,
        heat, shift)
    centers, heats = find_centers(heat, y, x, options)

    codes = np.empty(size, np.uint16)
    workers, classes = thread_count(), len(label_space)
    areas = np.zeros((workers, UNASSIGNED + classes), np.int64)
    run(classify, semantic, label_space.is_thing, code_of_cell, y.starts, y.weights, x.starts,
        x.weights, codes, areas)
    votes = np.zeros((workers, len(centers), classes), np.int64)
    if len(centers):
        scale = np.array([pixels / cells for pixels, cells
                          in zip(size, heads.input_size, strict=True)], np.float32)
        run(assign, shift, code_of_cell, y.starts, y.weights, x.starts, x.lower, x.weights,
            scale, np.ascontiguousarray(centers.T, np.float32), codes, votes)

    label_of, class_of = _number(votes.sum(0), areas.sum(0), label_space, options)
    tallies = np.zeros((workers, len(label_of), 8), np.int64)
    tallies[:, :, [painting.X0, painting.Y0]] = max(size)
    run(painting.paint, semantic, code_of_cell, probability, y.cell_starts, x.cell,
        x.cell_starts, label_of, class_of, np.uint16(UNLABELED), codes, tallies)
    heat_of = np.ones(len(label_of), np.float32)
    heat_of[INSTANCE:] = heats
    image = None
    if confidence:
        image = np.empty(size, np.uint8)
        run(painting.paint_confidence, probability, y.lower, y.weights, x.lower, x.weights, image)
    return Panoptic(codes, _add_up(tallies).segments(label_of, heat_of, label_space), label_space,
                    image)


def _float32(head: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return a head in the one form that kernels are compiled for."""
    return np.require(head, np.float32, ['C_CONTIGUOUS', 'ALIGNED', 'WRITEABLE'])


def _number(votes: npt.NDArray[np.int64], areas: npt.NDArray[np.int64], label_space: LabelSpace,
            options: Options) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Return label and class of each code, from the votes (K, C) and the areas by code."""
    label_of = np.full(INSTANCE + len(votes), UNLABELED, np.uint16)
    class_of = np.zeros(len(label_of), np.uint16)
    for class_id in label_space.stuff_ids:
        class_of[class_id] = class_id
        if areas[class_id] >= options.stuff_area:
            label_of[class_id] = class_id * label_space.label_divisor
    numbers = [0] * len(label_space)
    for instance in np.flatnonzero(votes.any(1)):
        class_id = int(votes[instance].argmax())
        numbers[class_id] += 1
        if numbers[class_id] <= label_space.max_instances:
            code = INSTANCE + instance
            class_of[code] = UNASSIGNED + class_id
            label_of[code] = class_id * label_space.label_divisor + numbers[class_id]
    return label_of, class_of


def _add_up(tallies: npt.NDArray[np.int64]) -> Tallies:
    """Add up what the workers tallied, (workers, codes, 8)."""
    total = tallies.sum(0)
    low = tallies[:, :, [painting.X0, painting.Y0]].min(0)
    high = tallies[:, :, [painting.X1, painting.Y1]].max(0)
    return Tallies(total[:, painting.AREA], total[:, [painting.SUM_X, painting.SUM_Y]],
                   np.concatenate([low, high], axis=1).astype(np.int32),
                   total[:, painting.PROBABILITY])
