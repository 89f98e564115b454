"""Listing the few places of a row that are marked, or where something else begins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .workers import inner, int64, trailing_zeros

WORD = 8
"""Marks in a word, and the bits of each: a mark is 0 or 1."""
VECTORS = 32
"""Loops over so many places, or a multiple, are whole vectors on any processor."""


class Marks(NamedTuple):
    """Marks at the places of a row."""

    words: npt.NDArray[np.uint64]
    """All marks, ``WORD`` in each, the first in the lowest bits (little-endian machines);
    those past the last place are False."""
    marked: npt.NDArray[np.bool_]
    """(N,) the mark of each place, in the same memory."""
    places: npt.NDArray[np.uint32]
    """(N + 1,) those that were listed; no index with them is tested for being negative."""

    @classmethod
    def new(cls, places: int) -> Marks:
        """Return memory for a row of so many places, none of them marked."""
        words = np.zeros(whole(places) // WORD, np.uint64)
        return cls(words, words.view(np.bool_)[:places], np.empty(places + 1, np.uint32))


@inner
def whole(places: int) -> int:
    """Return the least multiple of ``VECTORS`` that has so many places."""
    return -(-places // VECTORS) * VECTORS


@inner
def list_marked(marks: Marks) -> int:
    """List the marked places in ascending order; return how many they are."""
    words, _, places = marks
    count = int64(0)
    for index in range(len(words)):
        word = words[index]
        while word != 0:        # most are
            places[count] = index * WORD + trailing_zeros(word) // WORD
            count += 1
            word &= word - np.uint64(1)
    return count


@inner
def list_runs(values: npt.NDArray[np.uint16], marks: Marks) -> int:
    """List the starts of the runs of equal values, and the end; return how many runs they are."""
    _, marked, places = marks
    before, here, begins = values[:-1], values[1:], marked[1:]
    for place in range(len(begins)):
        begins[place] = here[place] != before[place]
    marked[0] = True
    count = list_marked(marks)
    places[count] = len(values)
    return count
