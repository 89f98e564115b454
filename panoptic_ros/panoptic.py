"""The one result type: a panoptic label image and the table of its segments."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from .labels import UNLABELED, LabelSpace

_COLUMNS = {name: (np.dtype(kind), shape) for name, kind, shape in (
    ('label', np.uint16, ()), ('class_id', np.uint8, ()), ('instance', np.uint16, ()),
    ('area', np.int64, ()), ('box', np.int32, (4,)), ('centroid', np.float32, (2,)),
    ('score', np.float32, ()))}


@dataclass(frozen=True, eq=False)
class Segments:
    """
    The segments of one image, a column each, one row per segment, largest first.

    Raises
    ------
    ValueError
        A column has another type or length, or the rows are not in descending order of area.

    """

    label: npt.NDArray[np.uint16]
    """(N,) the value of the segment's pixels."""
    class_id: npt.NDArray[np.uint8]
    """(N,) training id of the class."""
    instance: npt.NDArray[np.uint16]
    """(N,) number within the class from 1; 0 for stuff."""
    area: npt.NDArray[np.int64]
    """(N,) pixels."""
    box: npt.NDArray[np.int32]
    """(N, 4) x0, y0, x1, y1 in pixels, half-open."""
    centroid: npt.NDArray[np.float32]
    """(N, 2) mean pixel position (x, y)."""
    score: npt.NDArray[np.float32]
    """(N,) confidence in [0, 1]."""

    def __post_init__(self) -> None:
        rows = len(self.label)
        for name, (dtype, shape) in _COLUMNS.items():
            column = getattr(self, name)
            if column.dtype != dtype or column.shape != (rows, *shape):
                raise ValueError(
                    f'segment column {name} is {column.dtype} {column.shape}: '
                    f'expected {dtype} {(rows, *shape)}')
        if rows and (self.area[1:] > self.area[:-1]).any():
            raise ValueError('segments are not in descending order of area: sort them')
        if rows and not (self.score.min() >= 0 and self.score.max() <= 1):
            raise ValueError(f'segment scores {self.score} leave [0, 1]: clip them')

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp] | slice) -> Segments:
        """Return the chosen rows: a mask, a slice, or indices that keep the order of areas."""
        return Segments(*(getattr(self, column.name)[rows] for column in fields(self)))

    @classmethod
    def measure(cls, labels: npt.NDArray[np.uint16], label_space: LabelSpace,
                scores: npt.NDArray[np.float32] | None = None) -> Segments:
        """
        Measure the segments of a label image, (H, W) uint16.

        ``scores`` is indexed by label, (65536,) float32; without it each segment scores 1, as
        ground truth does.
        """
        flat = labels.ravel()
        area_of = np.bincount(flat, minlength=UNLABELED + 1)
        present = np.flatnonzero(area_of[:UNLABELED])
        order = np.lexsort((present, -area_of[present]))
        label = present[order].astype(np.uint16)
        row_of = np.full(UNLABELED + 1, len(label), np.int32)
        row_of[label] = np.arange(len(label))
        row = row_of[labels]
        box = np.empty((len(label), 4), np.int32)
        centroid = np.empty((len(label), 2), np.float32)
        area = area_of[label].astype(np.int64)
        bins = len(label) + 1       # the last one for unlabelled pixels
        for column, line in ((0, np.arange(labels.shape[1])),
                             (1, np.arange(labels.shape[0])[:, None])):
            count = np.bincount((row + line * bins).ravel(), minlength=line.size * bins)
            count = count.reshape(-1, bins)[:, :-1]     # pixels of each segment in each line
            if len(label):
                centroid[:, column] = np.arange(len(count)) @ count / area
                box[:, column] = (count > 0).argmax(0)
                box[:, column + 2] = len(count) - (count[::-1] > 0).argmax(0)
        score = np.ones(len(label), np.float32) if scores is None else scores[label]
        return cls(label, (label // label_space.label_divisor).astype(np.uint8),
                   (label % label_space.label_divisor).astype(np.uint16), area, box, centroid,
                   score.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Panoptic:
    """
    A panoptic label image with the table of its segments.

    The columns of the table are checked when the result is built. ``check`` also checks that every
    pixel agrees with the table, at the cost of a pass over the image.

    Raises
    ------
    ValueError
        The label image is not (H, W) uint16, the confidence is not uint8 of the same size, a
        segment has a class that the label space lacks, an instance number that its class cannot
        have, or a box outside the image.

    """

    labels: npt.NDArray[np.uint16]
    """(H, W) uint16: class_id * label_divisor + instance; 65535 unlabelled."""
    segments: Segments
    label_space: LabelSpace
    confidence: npt.NDArray[np.uint8] | None = None
    """(H, W) uint8: how sure the family's decoder is of each pixel, 255 for 1; on request."""

    def __post_init__(self) -> None:
        if self.labels.dtype != np.uint16 or self.labels.ndim != 2:
            raise ValueError(f'labels are {self.labels.dtype} {self.labels.shape}: '
                             'expected uint16 (H, W)')
        if self.confidence is not None and (
                self.confidence.dtype != np.uint8 or self.confidence.shape != self.labels.shape):
            raise ValueError(f'confidence is {self.confidence.dtype} {self.confidence.shape}: '
                             f'expected uint8 {self.labels.shape}')
        table, space = self.segments, self.label_space
        if not len(table):
            return
        if int(table.class_id.max()) >= len(space):
            raise ValueError(f'segment class {table.class_id.max()} is not in label space '
                             f'{space.name!r} of {len(space)} classes')
        number = table.class_id.astype(np.int64) * space.label_divisor + table.instance
        if (number != table.label).any() or len(set(table.label.tolist())) != len(table):
            raise ValueError('segment labels must be unique and equal '
                             f'class_id * {space.label_divisor} + instance')
        if ((table.instance > 0) != space.is_thing[table.class_id]).any():
            raise ValueError('things count from instance 1 and stuff has instance 0: segments '
                             f'{table.label.tolist()} do not')
        height, width = self.labels.shape
        if (table.box[:, :2].min() < 0 or table.box[:, 2].max() > width
                or table.box[:, 3].max() > height):
            raise ValueError(f'a segment box leaves the {width}x{height} image')

    @classmethod
    def from_labels(cls, labels: npt.NDArray[np.uint16], label_space: LabelSpace) -> Panoptic:
        """Build the result whose table is measured from a label image, as ground truth is."""
        return cls(labels, Segments.measure(labels, label_space), label_space)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.labels.shape[0], self.labels.shape[1]

    @property
    def things(self) -> Segments:
        """The rows of the countable segments."""
        return self.segments[self.segments.instance > 0]

    @property
    def stuff(self) -> Segments:
        """The rows of the uncountable segments."""
        return self.segments[self.segments.instance == 0]

    def semantic(self) -> npt.NDArray[np.uint8]:
        """Return the class of each pixel, (H, W) uint8; 255 unlabelled."""
        return self.label_space.semantic(self.labels)

    def instances(self) -> npt.NDArray[np.uint16]:
        """Return the instance number of each pixel, (H, W) uint16; 0 for stuff."""
        return self.label_space.instances(self.labels)

    def check(self) -> None:
        """
        Check every pixel against the table.

        Raises
        ------
        ValueError
            An area, box or centroid is not that of the pixels, or a label has no row.

        """
        measured = Segments.measure(self.labels, self.label_space)
        for name in ('label', 'area', 'box'):
            if not np.array_equal(getattr(measured, name), getattr(self.segments, name)):
                raise ValueError(f'the {name} column of the segment table is not that of the '
                                 'label image: measure it again')
        if not np.allclose(measured.centroid, self.segments.centroid, atol=0.01):
            raise ValueError('the centroid column of the segment table is not that of the label '
                             'image: measure it again')
