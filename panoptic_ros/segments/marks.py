"""Listing the few places of a row that are marked, or where something else begins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .workers import inner

_WORD = 8


class Marks(NamedTuple):
    """Memory for the places of a row."""

    marked: npt.NDArray[np.bool_]
    """(N,)"""
    places: npt.NDArray[np.int32]
    """(N + 1,) those that were listed."""

    @classmethod
    def new(cls, places: int) -> Marks:
        """Return memory for a row of so many places."""
        return cls(np.empty(places, np.bool_), np.empty(places + 1, np.int32))


@inner
def list_marked(marks: Marks) -> int:
    """List the marked places in ascending order; return how many they are."""
    marked, places = marks
    count = 0
    whole = len(marked) // _WORD * _WORD
    for first in range(0, whole, _WORD):
        if marked[first:first + _WORD].view(np.uint64)[0] != 0:     # most have none
            for place in range(first, first + _WORD):
                places[count] = place
                count += marked[place]
    for place in range(whole, len(marked)):
        places[count] = place
        count += marked[place]
    return count


@inner
def list_runs(values: npt.NDArray[np.uint16], marks: Marks) -> int:
    """List the starts of the runs of equal values, and the end; return how many runs they are."""
    marked, places = marks
    before, here, begins = values[:-1], values[1:], marked[1:]
    for place in range(len(begins)):
        begins[place] = here[place] != before[place]
    marked[0] = True
    count = list_marked(marks)
    places[count] = len(values)
    return count
