"""The label of each code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace
from .workers import compiled


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
    return _number(class_of, area, label_space.is_thing,
                   (label_space.label_divisor, label_space.max_instances, stuff_area))


@compiled
def _number(class_of: npt.NDArray[np.integer], area: npt.NDArray[np.int64],
            is_thing: npt.NDArray[np.bool_], limits: tuple[int, int, int]
            ) -> npt.NDArray[np.uint16]:
    """Return the labels; ``limits``: the label divisor, most instances, least area of stuff."""
    divisor, most, stuff_area = limits
    label_of = np.full(len(area), UNLABELED, np.uint16)
    numbers = np.zeros(len(is_thing), np.int64)
    for code in range(len(area)):
        class_id = class_of[code]
        if area[code] == 0 or class_id < 0:
            continue
        if is_thing[class_id]:
            numbers[class_id] += 1
            kept = numbers[class_id] <= most
        else:
            kept = area[code] >= stuff_area
        if kept:
            label_of[code] = class_id * divisor + numbers[class_id]
    return label_of
