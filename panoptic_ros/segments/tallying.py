"""Adding the pixels of a code image to the tallies of their codes, and these to one another."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .patches import OPEN, CodeImage
from .tallies import FAR, Tallies
from .workers import compiled, inner, int64

_Sums = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int32],
              npt.NDArray[np.int64]]


@inner
def tally_row(image: CodeImage, row: int, tallies: npt.NDArray[Any]) -> None:
    """
    Add a row of patches: rectangles of decided ones, runs of pixels of open ones.

    Parameters
    ----------
    image
        The codes.
    row
        The row of patches.
    tallies
        (codes,) of ``tallies.TALLY``, added to.

    """
    patches, pixels, starts = image.patches[row], image.pixels, image.axes.x.starts
    columns = len(patches)
    top, bottom = int64(image.axes.y.starts[row]), int64(image.axes.y.starts[row + 1])
    column = 0
    while column < columns and top < bottom:
        start, code = column, patches[column]
        while column < columns and patches[column] == code:
            column += 1
        left, right = int64(starts[start]), int64(starts[column])
        if code != OPEN:
            _add(tallies[code], top, bottom, left, right)
            continue
        for y in range(top, bottom):
            codes, first = pixels[y, left:right], left
            for x in range(1, len(codes)):
                if codes[x] != codes[x - 1]:
                    _add(tallies[codes[x - 1]], y, y + 1, first, left + x)
                    first = left + x
            if first < right:
                _add(tallies[codes[-1]], y, y + 1, first, right)


@inner
def _add(tally: Any, top: int, bottom: int, left: int, right: int) -> None:
    """Add a rectangle to the tally of its code."""
    pixels = (bottom - top) * (right - left)
    if pixels == 0:
        return
    tally.area += pixels
    tally.sum_x += (left + right - 1) * pixels // 2
    tally.sum_y += (top + bottom - 1) * pixels // 2
    tally.x0 = min(tally.x0, left)
    tally.y0 = min(tally.y0, top)
    tally.x1 = max(tally.x1, right)
    tally.y1 = max(tally.y1, bottom)


def add_up(tallies: npt.NDArray[Any]) -> Tallies:
    """Add up what several workers tallied, (workers, codes) of ``tallies.TALLY``."""
    return Tallies(*_add_up(tallies))


@compiled
def _add_up(tallies: npt.NDArray[Any]) -> _Sums:
    """Return the fields of ``Tallies``."""
    workers, codes = tallies.shape
    area, probability = np.zeros(codes, np.int64), np.zeros(codes, np.int64)
    sum_xy, box = np.zeros((codes, 2), np.int64), np.zeros((codes, 4), np.int32)
    box[:, :2] = FAR
    for worker in range(workers):
        for code in range(codes):
            tally = tallies[worker, code]
            if tally.area == 0 and tally.probability == 0:      # most have no pixels
                continue
            area[code] += tally.area
            probability[code] += tally.probability
            sum_xy[code, 0] += tally.sum_x
            sum_xy[code, 1] += tally.sum_y
            box[code, 0] = min(box[code, 0], tally.x0)
            box[code, 1] = min(box[code, 1], tally.y0)
            box[code, 2] = max(box[code, 2], tally.x1)
            box[code, 3] = max(box[code, 3], tally.y1)
    return area, sum_xy, box, probability
