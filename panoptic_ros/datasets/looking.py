"""A look at a few frames before hours are spent on all of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..labels import UNLABELED
from .dataset import Dataset
from .parts import spread

LOOKED_AT = 8
"""Frames that are read."""


class Look(NamedTuple):
    """What a few frames of a data set are."""

    size: tuple[int, int]
    """Median height and width."""
    notes: tuple[str, ...]
    """What is allowed, yet often a mistake, in words."""


def look(frames: Dataset, count: int = LOOKED_AT) -> Look:
    """
    Read a few frames, evenly spread.

    Raises
    ------
    OSError, ValueError
        One cannot be read, an image and its labels differ in size, or the labels are not of the
        label space; or no pixel of all of them is labelled.

    """
    part, space = spread(frames, count), frames.label_space
    sizes, present = [], np.zeros(UNLABELED + 1, np.bool_)
    for index in range(len(part)):
        truth = part[index][1]
        sizes.append(truth.shape)
        present[np.unique(truth)] = True
    labels = np.flatnonzero(present[:UNLABELED])
    if not len(labels):
        raise ValueError(f'{frames.description}: no pixel of the {len(part)} frames that were '
                         'looked at has a label; expected labels, not only the value for '
                         'unlabelled')
    height, width = np.median(sizes, axis=0).astype(int).tolist()
    things = labels[space.is_thing[labels // space.label_divisor]]
    notes = []
    if len(things) and not (things % space.label_divisor).any():
        notes.append(f'of {len(part)} frames that were looked at, no thing has the number of an '
                     'instance, so things are not learnt: are these semantic labels?')
    return Look((height, width), tuple(notes))
