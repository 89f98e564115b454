"""Turning a data set's own pixel codes into panoptic labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace
from .dataset import Labels

Codes = npt.NDArray[np.unsignedinteger[Any]]
Integers = npt.NDArray[np.int64]
Rule = Callable[[Integers], Labels]
"""Returns the label of each code: (N,) codes, distinct and sorted, to (N,) labels."""

VOID = -1
"""Stands for no class."""


def relabel(codes: Codes, rule: Rule) -> Labels:
    """
    Return the labels of an image of codes, (H, W).

    Label images are piecewise constant.  Runs of equal codes are found with one comparison per
    pixel, so the rule sees each code only once and can afford any check.
    """
    flat = codes.ravel()
    is_start = np.empty(flat.size, np.bool_)
    is_start[:1] = True
    np.not_equal(flat[1:], flat[:-1], out=is_start[1:])
    start = np.flatnonzero(is_start)
    distinct, which = np.unique(flat[start], return_inverse=True)
    labels = rule(distinct.astype(np.int64))[which]
    return np.repeat(labels, np.diff(start, append=flat.size)).reshape(codes.shape)


def labels_of(label_space: LabelSpace, class_id: Integers, instance: Integers) -> Labels:
    """
    Return the labels of classes and instance numbers.

    A class may be ``VOID``.  The instance numbers of stuff are ignored.

    Raises
    ------
    ValueError
        An instance number of a thing exceeds what the label space can tell apart.

    """
    number = np.where(label_space.is_thing[class_id], instance, 0)
    excess = np.flatnonzero((number > label_space.max_instances) & (class_id != VOID))
    if len(excess):
        raise ValueError(
            f'{label_space.names[class_id[excess[0]]]!r} has the instance number '
            f'{number[excess[0]]}: label space {label_space.name!r} tells '
            f'only {label_space.max_instances} instances of a class apart; leave this image out')
    return np.where(class_id == VOID, UNLABELED,
                    class_id * label_space.label_divisor + number).astype(np.uint16)
