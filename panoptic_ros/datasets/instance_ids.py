"""The 16-bit instance ids of Cityscapes, which KITTI-360 uses, too."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..labels import LabelSpace
from .dataset import Labels
from .relabeling import VOID, Integers, labels_of

_DIVISOR = 1000


class InstanceIds:
    """
    The meaning of instance ids: the dataset id of a class, or that * 1000 + the number of a thing.

    The plain id of a thing class means crowd.

    Parameters
    ----------
    label_space
        The classes of the labels.
    count
        All dataset ids are less than this; ids that are no class are unlabelled.
    first
        The number of the first thing of a class.
    merged
        Further dataset ids and, for each, the name of the class that it counts as.
    numbered
        Dataset ids whose things may have numbers; by default all.

    """

    def __init__(self, label_space: LabelSpace, count: int, first: int,
                 merged: Mapping[int, str] | None = None,
                 numbered: range | None = None) -> None:
        self._label_space = label_space
        self._first = first
        self._numbered = numbered or range(count)
        self._class_of = np.full(count, VOID, np.int64)
        for class_id, category in enumerate(label_space.categories):
            self._class_of[category.dataset_id] = class_id
        for dataset_id, name in (merged or {}).items():
            self._class_of[dataset_id] = label_space.names.index(name)

    def __call__(self, ids: Integers) -> Labels:
        """
        Return the labels of ids.

        Raises
        ------
        ValueError
            An id does not exist, or a class without things has a number.

        """
        is_numbered = ids >= _DIVISOR
        dataset_id = np.where(is_numbered, ids // _DIVISOR, ids)
        foreign = ids[dataset_id >= len(self._class_of)]
        if len(foreign):
            raise ValueError(
                f'pixels have the id {foreign[0]}: expected a class from 0 to '
                f'{len(self._class_of) - 1}, or that * {_DIVISOR} + the number of an instance; '
                'are these instance ids?')
        numbered = self._numbered
        misplaced = ids[is_numbered & ((dataset_id < numbered.start)
                                       | (dataset_id >= numbered.stop))]
        if len(misplaced):
            raise ValueError(
                f'pixels have the id {misplaced[0]}, an instance of class '
                f'{misplaced[0] // _DIVISOR}: expected numbers for the classes '
                f'{numbered.start} to {numbered.stop - 1} alone, the things; another coding of '
                'the same labels? Take the instance ids of the official download')
        instance = np.where(is_numbered, ids % _DIVISOR - self._first + 1, 0)
        return labels_of(self._label_space, self._class_of[dataset_id], instance)
