"""Giving things the instance numbers that they had in the frames before."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace
from ..panoptic import Panoptic
from .renumbering import renumber
from .tracks import Tracks

Indices = npt.NDArray[np.intp]

_MOST_LOST = 256
"""The most things out of sight that are remembered, so that flicker cannot cost ever more."""


@dataclass(frozen=True)
class TrackingOptions:
    """
    When a thing counts as the same as an earlier one.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    reach: float = 1.0
    """How far a thing may be from where it was expected, in sides of its box."""
    memory: float = 1.0
    """Seconds that a thing may be out of sight."""

    def __post_init__(self) -> None:
        for name in ('reach', 'memory'):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f'{name} is {getattr(self, name)}: expected a finite number from '
                                 '0 on')


class Tracker:
    """
    Follows the things of one camera, frame by frame.

    A thing keeps its number, and with it its label, while it is seen and after gaps of up to
    ``memory``.  Things are expected to move on as they did.  The things of a class are paired
    with what is seen nearest to where they are expected, the closest pair first, within ``reach``
    (the measure of Zhou et al., Tracking Objects as Points, ECCV 2020).  The first frame keeps
    its numbers.  From then on a newcomer gets the next number of its class that is free, so no
    number is given again before all others were.

    Parameters
    ----------
    label_space
        The classes.
    options
        When a thing counts as the same as an earlier one.

    Examples
    --------
    >>> tracker = Tracker(segmenter.label_space)
    >>> for time, image in video:
    ...     panoptic = tracker(segmenter(image), time)

    """

    def __init__(self, label_space: LabelSpace, options: TrackingOptions | None = None) -> None:
        self.options = options or TrackingOptions()
        self._label_space = label_space
        self._last = np.zeros(len(label_space), np.int64)       # the number given last, by class
        self._tracks: Tracks | None = None
        self._time = -np.inf
        self._size = (0, 0)

    def reset(self) -> None:
        """Forget everything: the next frame is a first one."""
        self._tracks = None
        self._last[:] = 0

    def __call__(self, panoptic: Panoptic, time: float) -> Panoptic:
        """
        Return a frame's result, in which things have the numbers that they had before.

        Parameters
        ----------
        panoptic
            The result of the segmenter; it is not changed.
        time
            Seconds, of any clock that the frames share.  A time that lies more than ``memory``
            before the last frame's begins anew, as when a recording is played again.  After a gap
            of more than ``memory``, or in another size, all things are newcomers.

        Raises
        ------
        ValueError
            The result has another label space.

        """
        if panoptic.label_space != self._label_space:
            raise ValueError(f'the result has label space {panoptic.label_space.name!r}: expected '
                             f'{self._label_space.name!r}, the one that the tracker was made for')
        if time < self._time - self.options.memory:
            self.reset()
        else:
            time = max(time, self._time)        # a stamp that lies back a little
        seen = Tracks.begin(panoptic.things, time)
        if self._tracks is None:
            np.maximum.at(self._last, seen.class_id, seen.number)
            number = seen.number
            self._tracks = seen
        else:
            known = ((time - self._tracks.seen <= self.options.memory)
                     & (panoptic.size == self._size))
            number = self._follow(self._tracks[known], seen, time)
        self._time, self._size = time, panoptic.size
        return self._renumbered(panoptic, number)

    def _follow(self, tracks: Tracks, seen: Tracks, time: float) -> npt.NDArray[np.int64]:
        """Pair what is seen with what is known, and remember the result; return the numbers."""
        before, now = pair(tracks.distances(seen, time), self.options.reach)
        new = np.setdiff1d(np.arange(len(seen)), now)
        lost = np.setdiff1d(np.arange(len(tracks)), before)
        lost = lost[np.argsort(-tracks.seen[lost], kind='stable')[:_MOST_LOST]]
        number = np.zeros(len(seen), np.int64)
        number[now] = tracks.number[before]
        lost = self._name(seen.class_id, new, number, tracks, lost)
        seen = replace(seen, number=number)
        self._tracks = Tracks.join([tracks[before].follow(seen[now]), seen[new], tracks[lost]])
        return number

    def _name(self, class_id: npt.NDArray[np.int64], new: Indices, number: npt.NDArray[np.int64],
              tracks: Tracks, lost: Indices) -> Indices:
        """Number the newcomers; return the lost things whose numbers were not needed."""
        shown = set(zip(class_id.tolist(), number.tolist(), strict=True))
        kept = dict(zip(zip(tracks.class_id[lost].tolist(), tracks.number[lost].tolist(),
                            strict=True), lost.tolist(), strict=True))
        for row in new.tolist():
            of = int(class_id[row])
            number[row] = self._last[of] = self._free_number(of, shown, kept)
            shown.add((of, int(number[row])))
            kept.pop((of, int(number[row])), None)
        return np.array(sorted(kept.values()), np.intp)

    def _free_number(self, class_id: int, shown: Container[tuple[int, int]],
                     kept: Container[tuple[int, int]]) -> int:
        """Return the next free number; if there is none, the number of a thing out of sight."""
        most = self._label_space.max_instances
        of_lost = 0
        for step in range(most):
            number = (int(self._last[class_id]) + step) % most + 1
            if (class_id, number) not in shown:
                if (class_id, number) not in kept:
                    return number
                of_lost = of_lost or number
        return of_lost      # a frame has no more things of a class than there are numbers

    def _renumbered(self, panoptic: Panoptic, number: npt.NDArray[np.int64]) -> Panoptic:
        """Return the result with other numbers for its things."""
        space, segments = self._label_space, panoptic.segments
        is_thing = segments.instance > 0
        if (segments.instance[is_thing] == number).all():
            return panoptic
        instance = segments.instance.copy()
        instance[is_thing] = number
        label = (segments.class_id.astype(np.int64) * space.label_divisor
                 + instance).astype(np.uint16)
        label_of = np.arange(UNLABELED + 1, dtype=np.uint16)
        label_of[segments.label] = label
        order = np.lexsort((label, -segments.area))
        return replace(panoptic, labels=renumber(panoptic.labels, label_of),
                       segments=replace(segments, label=label, instance=instance)[order])


def pair(distance: npt.NDArray[np.float64], reach: float) -> tuple[Indices, Indices]:
    """
    Pair rows with columns, the closest first, none twice and none farther than ``reach``.

    Returns the rows and the columns of the pairs, (P,) each, sorted by row.
    """
    rows, columns = np.nonzero(distance <= reach)
    order = np.argsort(distance[rows, columns], kind='stable')
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in partner and column not in taken:
            partner[row] = column
            taken.add(column)
    chosen = sorted(partner)
    return np.array(chosen, np.intp), np.array([partner[row] for row in chosen], np.intp)
