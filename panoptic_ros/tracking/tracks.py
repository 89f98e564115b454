"""Things as they were last seen, and where they are expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ..panoptic import Segments

Floats = npt.NDArray[np.float64]

_PERIOD = 0.1       # seconds after which half of a velocity stems from what was measured since
_NEIGHBOURS = 3     # neighbours whose motion a thing that was seen only once is expected to share


@dataclass(frozen=True, eq=False)
class Tracks:
    """The things of a camera's last frames, a column each, one row per thing."""

    class_id: npt.NDArray[np.int64]
    """(N,) training id of the class."""
    number: npt.NDArray[np.int64]
    """(N,) instance number within the class, the same in all frames."""
    position: Floats
    """(N, 2) centroid (x, y) in pixels."""
    side: Floats
    """(N,) geometric mean of the box's sides in pixels."""
    velocity: Floats
    """(N, 2) pixels per second; NaN for a thing that was seen only once."""
    seen: Floats
    """(N,) seconds: the time of the last frame that showed it."""

    def __len__(self) -> int:
        return len(self.number)

    def __getitem__(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Tracks:
        """Return the rows that a mask or indices choose."""
        return Tracks(*(getattr(self, name)[rows] for name in _COLUMNS))

    @classmethod
    def begin(cls, things: Segments, time: float) -> Tracks:
        """Return the things of a frame; their numbers are those of the frame."""
        box = things.box.astype(np.float64)
        return cls(things.class_id.astype(np.int64), things.instance.astype(np.int64),
                   things.centroid.astype(np.float64),
                   np.sqrt(np.prod(box[:, 2:] - box[:, :2], axis=1)),
                   np.full((len(things), 2), np.nan), np.full(len(things), float(time)))

    @classmethod
    def join(cls, parts: Sequence[Tracks]) -> Tracks:
        """Return the rows of several tracks as one."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts])
                     for name in _COLUMNS))

    @property
    def is_new(self) -> npt.NDArray[np.bool_]:
        """(N,) whether a thing was seen only once."""
        return np.isnan(self.velocity[:, 0])

    def likely_velocity(self) -> Floats:
        """
        Return the velocities, (N, 2), also of things that were seen only once.

        Such a thing is taken to move as its nearest neighbours in the last frame do, because most
        of the motion in a vehicle's camera is the vehicle's own.
        """
        velocity, is_new = self.velocity.copy(), self.is_new
        knows = ~is_new & (self.seen == self.seen.max(initial=-np.inf))
        if is_new.any() and knows.any():
            apart = _distances(self.position[is_new], self.position[knows])
            nearest = np.argsort(apart, axis=1, kind='stable')[:, :_NEIGHBOURS]
            velocity[is_new] = velocity[knows][nearest].mean(axis=1)
        return np.nan_to_num(velocity, nan=0.0)

    def expected(self, time: float) -> Floats:
        """Return where the centroids will be at a time, (N, 2), if all velocities stay."""
        return self.position + self.likely_velocity() * (time - self.seen)[:, None]

    def distances(self, later: Tracks, time: float) -> Floats:
        """
        Return how far each thing that is seen later is from where each of these is expected.

        The distances, (N, M), are in units of their sides; between things of different classes
        they are infinite.
        """
        apart = _distances(self.expected(time), later.position)
        apart /= np.sqrt(np.outer(self.side, later.side))
        apart[self.class_id[:, None] != later.class_id] = np.inf
        return apart

    def follow(self, later: Tracks) -> Tracks:
        """Return the same things, row by row, as they are seen later, with number and velocity."""
        passed = (later.seen - self.seen)[:, None]
        # stamps come late, so a difference quotient tells the less, the shorter its time is
        share = np.where(self.is_new[:, None], np.minimum(passed / _PERIOD, 1),
                         1 - 0.5 ** (passed / _PERIOD))
        before = self.likely_velocity()
        measured = (later.position - self.position) / np.maximum(passed, 1e-6)
        return Tracks(self.class_id, self.number, later.position, later.side,
                      before + share * (measured - before), later.seen)


_COLUMNS = tuple(column.name for column in fields(Tracks))


def _distances(first: Floats, second: Floats) -> Floats:
    difference = first[:, None] - second
    return np.hypot(difference[..., 0], difference[..., 1])
