"""
Pasting the masks of detections into bits.

Between two cells of a row, interpolation is a convex combination: where both are inside of the
mask, so is each pixel between them.  Pixels are looked at only where one is inside and one is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.workers import Tickets, inner, int64, take_ticket
from .bits import WORD, Words, count_bits, set_bits
from .selection import Chosen, unit

Floats = npt.NDArray[np.float32]

_HALF = np.float32(0.5)
_ROUNDED = np.float32(1e-5)         # more than what the interpolation rounds
_INSIDE, _OUTSIDE = _HALF + _ROUNDED, _HALF - _ROUNDED
_MOST_WORDS = 1 << 21               # of the masks that are pasted at a time, if there are several


class Masks(NamedTuple):
    """Masks of detections, the likeliest first."""

    cells: Floats
    """(K, side + 2, side + 2) probabilities, with zeros around them."""
    box: Floats
    """(K, 4) as in ``Chosen`` ..."""
    pixels: npt.NDArray[np.int32]
    """... and (K, 4)."""
    first: npt.NDArray[np.int64]
    """(K + 1,) where the words of each mask begin among those of all."""
    area: npt.NDArray[np.int64]
    """(K,) pixels of each mask; written when it is pasted."""

    @classmethod
    def of(cls, masks: npt.NDArray[np.floating], chosen: Chosen) -> Masks:
        """Return the masks, out of (D, side, side), of the chosen detections."""
        cells = np.pad(unit(masks[chosen.row]), ((0, 0), (1, 1), (1, 1)))
        left, top, right, bottom = chosen.pixels.astype(np.int64).T
        is_seen = (left < right) & (top < bottom)
        words = np.where(is_seen, ((right - 1) // WORD - left // WORD + 1) * (bottom - top), 0)
        return cls(cells, chosen.box, chosen.pixels, np.append(0, np.cumsum(words)),
                   np.zeros(len(words), np.int64))

    def batches(self) -> Iterator[tuple[int, int]]:
        """Yield half-open ranges of masks whose words fit into memory together."""
        start, count = 0, len(self.area)
        while start < count:
            limit = self.first[start] + _MOST_WORDS
            end = int(np.searchsorted(self.first, limit, 'right')) - 1
            end = min(max(end, start + 1), count)
            yield start, end
            start = end


class Line(NamedTuple):
    """Memory of a thread for a row of pixels."""

    weight: Floats
    """(W,) of the cell after each pixel of the box."""
    starts: npt.NDArray[np.int32]
    """(side + 3,) first pixel of the box that has each cell before it."""
    values: Floats
    """(side + 2,) probabilities in the columns of the cells."""

    @classmethod
    def new(cls, width: int, side: int) -> Line:
        """Return memory for images of a width and masks of some cells."""
        return cls(np.empty(width, np.float32), np.empty(side + 3, np.int32),
                   np.empty(side + 2, np.float32))


@inner
def paste(tickets: Tickets, masks: Masks, batch: tuple[int, int], words: Words, line: Line
          ) -> None:
    """
    Write the bits of the masks of a batch, and their areas.

    Parameters
    ----------
    tickets
        As ``run`` gives them.
    masks
        The masks; ``area`` is written.
    batch
        Which of them, half-open.
    words
        The bits of the batch's masks, zero at first: for each the rows of its box, from the word
        of the image that its first pixel lies in.
    line
        Scratch.

    """
    start, end = batch
    while True:
        index = start + take_ticket(tickets)
        if index >= end:
            return
        first, stop = masks.first[index] - masks.first[start], masks.first[index + 1]
        own = words[first:stop - masks.first[start]]
        if len(own) > 0:
            _paste(masks, index, own, line)
            area = 0
            for word in own:
                area += count_bits(word)
            masks.area[index] = area


@inner
def _paste(masks: Masks, index: int, words: Words, line: Line) -> None:
    """Write the bits of one mask."""
    left, top = int64(masks.pixels[index, 0]), int64(masks.pixels[index, 1])
    right, bottom = int64(masks.pixels[index, 2]), int64(masks.pixels[index, 3])
    cells, box = masks.cells[index], masks.box[index]
    _lay(box, (left, right), len(cells) - 2, line)
    across = len(words) // (bottom - top)
    shift = left % WORD
    for y in range(top, bottom):
        before, weight = locate(y, box[1], box[3], len(cells) - 2)
        upper, lower = cells[before], cells[before + 1]
        for cell in range(len(line.values)):
            line.values[cell] = upper[cell] + (lower[cell] - upper[cell]) * weight
        row = (y - top) * across
        _paste_row(line, shift, words[row:row + across])


@inner
def _lay(box: Floats, sides: tuple[int, int], cells: int, line: Line) -> None:
    """Find the weight of each column of pixels, and where those of each column of cells begin."""
    left, right = sides
    last = 0
    line.starts[0] = 0
    for x in range(left, right):
        before, weight = locate(x, box[0], box[2], cells)
        line.weight[x - left] = weight
        while last < before:
            last += 1
            line.starts[last] = x - left
    while last < cells + 2:
        last += 1
        line.starts[last] = right - left


@inner
def locate(pixel: int, low: np.float32, high: np.float32, cells: int) -> tuple[int, np.float32]:
    """Return the cell before a pixel, and the weight of the one after; see ``reference``."""
    middle = np.float32(pixel) + _HALF
    position = (middle - low) / (high - low) * np.float32(cells) + _HALF
    before = min(int64(position), cells)
    return before, position - np.float32(before)


@inner
def _paste_row(line: Line, shift: int, words: Words) -> None:
    """Set the bits of a row, from bit ``shift`` on."""
    values, starts, weights = line.values, line.starts, line.weight
    start = int64(-1)       # of a run of pixels that are inside
    for cell in range(len(values) - 1):
        first, end = int64(starts[cell]), int64(starts[cell + 1])
        if first == end:
            continue
        before, after = values[cell], values[cell + 1]
        if (before >= _INSIDE) & (after >= _INSIDE):
            start = first if start < 0 else start
            continue
        if start >= 0:
            set_bits(words, shift + start, shift + first)
            start = int64(-1)
        if (before < _OUTSIDE) & (after < _OUTSIDE):
            continue
        for x in range(first, end):
            if before + (after - before) * weights[x] >= _HALF:
                set_bits(words, shift + x, shift + x + 1)
    if start >= 0:
        set_bits(words, shift + start, shift + int64(starts[len(values) - 1]))
