"""
The decoder for processors: the results of ``reference`` in milliseconds.

No mask is upsampled but where it can own pixels, or where its outline is; see ``tiles``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...labels import UNLABELED, LabelSpace
from ...panoptic import Panoptic, Segments
from ...segments.marks import Marks
from ...segments.numbering import number
from ...segments.painting import paint
from ...segments.patches import CodeImage
from ...segments.tallying import add_up
from ...segments.workers import run, thread_count
from .cells import Cells
from .options import Options
from .overlap import survive
from .queries import Queries
from .selection import Kept, keep
from .tiles import Memory, find_owners
from .tiling import Tiling
from .work import Rule, Sums, Work


def decode(queries: Queries, label_space: LabelSpace, size: tuple[int, int],
           options: Options, confidence: bool) -> Panoptic:
    """Decode queries as ``reference`` does; the parameters are those of ``masks.decode``."""
    kept = keep(queries.classes, options)
    picture = np.zeros(size if confidence else (0, 0), np.uint8)
    if len(kept.query) == 0:
        labels = np.full(size, UNLABELED, np.uint16)
        return Panoptic(labels, Segments.measure(labels, label_space), label_space,
                        picture if confidence else None)
    tiling = Tiling.of(queries.frame(size))
    image = CodeImage.empty(tiling.axes)
    workers, count = thread_count(), len(kept.query)
    sums = Sums.new(workers, count)
    cells, rule = Cells.of(queries.masks, kept.query), Rule.of(kept, options)
    work = Work(cells, tiling, rule, image, picture)
    run(find_owners, work, [Memory.new(tiling, count) for _ in range(workers)],
        [Sums(*own) for own in zip(*sums, strict=True)])

    label_of, segments = _segments(kept, sums, label_space, options)
    run(paint, image, label_of,
        [Marks.new(image.patches.shape[1]) for _ in range(workers)])
    if confidence:
        picture[image.pixels == UNLABELED] = 0
    return Panoptic(image.pixels, segments, label_space, picture if confidence else None)


def _segments(kept: Kept, sums: Sums, label_space: LabelSpace, options: Options
              ) -> tuple[npt.NDArray[np.uint16], Segments]:
    """Return the label of each code, and the table."""
    area, original, probability = (part.sum(0) for part in sums[:3])
    tallies = add_up(sums.tallies)
    is_segment = survive(area, original, tallies.area[:-1], options)
    class_of = np.append(np.where(is_segment, kept.class_id, -1), -1)
    label_of = number(class_of, tallies.area, label_space, 0)
    tallies.probability[:-1] = np.rint(kept.score.astype(np.float64) * probability)
    labels, merged = tallies.merged(label_of)
    weight = np.ones(len(labels), np.float32)
    return label_of, merged.segments(labels, weight, label_space)
