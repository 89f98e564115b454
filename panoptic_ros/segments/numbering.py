"""The label of each code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace


def number(class_of: npt.NDArray[np.integer], area: npt.NDArray[np.int64],
           label_space: LabelSpace, stuff_area: int) -> npt.NDArray[np.uint16]:
    """
    Return the label of each code, (N,).

    Things count from 1 within their class, in the order of their codes, those without pixels left
    out.  Those past ``LabelSpace.max_instances`` are unlabelled, and so is stuff that covers less
    than an area.

    Parameters
    ----------
    class_of
        (N,) class of each code, -1 for what becomes no segment.  Each code of a class of stuff
        gets the same label.
    area
        (N,) its pixels.
    label_space
        The classes.
    stuff_area
        The least area of each code of stuff in pixels.

    """
    label_of = np.full(len(area), UNLABELED, np.uint16)
    numbers = [0] * len(label_space)
    for code in np.flatnonzero((area > 0) & (class_of >= 0)):
        class_id = int(class_of[code])
        if label_space.is_thing[class_id]:
            numbers[class_id] += 1
            kept = numbers[class_id] <= label_space.max_instances
        else:
            kept = area[code] >= stuff_area
        if kept:
            label_of[code] = class_id * label_space.label_divisor + numbers[class_id]
    return label_of
