"""Listing the few places of a row that are marked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .workers import inner

_WORD = 8


@inner
def list_marked(marks: npt.NDArray[np.bool_], places: npt.NDArray[np.int32]) -> int:
    """
    List the marked places in ascending order; return how many they are.

    Parameters
    ----------
    marks
        (N,)
    places
        (more than N,), written.

    """
    count = 0
    whole = len(marks) // _WORD * _WORD
    for first in range(0, whole, _WORD):
        if marks[first:first + _WORD].view(np.uint64)[0] != 0:      # most have none
            for place in range(first, first + _WORD):
                places[count] = place
                count += marks[place]
    for place in range(whole, len(marks)):
        places[count] = place
        count += marks[place]
    return count
