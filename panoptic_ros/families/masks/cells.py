"""Reading the cells of the masks, in whatever type they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.extremes import larger, smaller
from ...segments.upsampling import LIMIT
from ...segments.workers import inner

_EXPONENT, _MANTISSA = np.int32(0x7C00), np.int32(0x3FF)
_BIAS = np.int32((127 - 15) << 23)
_LEAST = np.float32(2**-24)         # of the numbers above 0 in float16


class Cells(NamedTuple):
    """The mask logits of the queries that are kept; one of the two arrays is empty."""

    single: npt.NDArray[np.float32]
    """(Q, h, w) as float32 ..."""
    half: npt.NDArray[np.uint16]
    """... or the bits of float16."""
    query: npt.NDArray[np.int64]
    """(K,) which of the Q masks are taken."""

    @classmethod
    def of(cls, masks: npt.NDArray[np.floating], query: npt.NDArray[np.int64]) -> Cells:
        """Return some of the masks, (Q, h, w); they are copied only if they are no plain array."""
        flags = masks.flags
        if not (flags.c_contiguous and flags.aligned and flags.writeable):
            masks, query = masks[query], np.arange(len(query))
        empty = (0, *masks.shape[1:])
        if masks.dtype == np.float16:
            return cls(np.empty(empty, np.float32), masks.view(np.uint16), query)
        return cls(masks.astype(np.float32, copy=False), np.empty(empty, np.uint16), query)


@inner
def read(cells: Cells, index: int, row: int, left: int, values: npt.NDArray[np.float32]) -> None:
    """
    Read cells of a row, as finite logits.

    Parameters
    ----------
    cells
        The cells.
    index
        Which of the K masks.
    row, left
        The first cell.
    values
        (cells,), written.

    """
    query = cells.query[index]
    end = left + len(values)
    if len(cells.half) > 0:
        bits = cells.half[query, row, left:end]
        for x in range(len(values)):
            values[x] = _from_half(bits[x])
        return
    logits = cells.single[query, row, left:end]
    for x in range(len(values)):
        values[x] = _finite(logits[x])


@inner
def find_extremes(cells: Cells, index: int, rows: tuple[int, int], high: npt.NDArray[np.float32],
                  low: npt.NDArray[np.float32]) -> None:
    """
    Find the largest and the smallest finite logit of each column in some rows of cells.

    Parameters
    ----------
    cells, index
        The cells, and which of the K masks.
    rows
        The first row and past the last.
    high, low
        (w,), written.

    """
    query, (first, end) = cells.query[index], rows
    high[:] = -LIMIT
    low[:] = LIMIT
    for row in range(first, end, 3):        # three at a time, the last again if there are fewer
        second, third = min(row + 1, end - 1), min(row + 2, end - 1)
        if len(cells.half) > 0:
            some, more, rest = (cells.half[query, row], cells.half[query, second],
                                cells.half[query, third])
            for x in range(len(high)):
                one, two, three = _from_half(some[x]), _from_half(more[x]), _from_half(rest[x])
                high[x] = larger(larger(one, two), larger(three, high[x]))
                low[x] = smaller(smaller(one, two), smaller(three, low[x]))
        else:
            upper, middle, lower = (cells.single[query, row], cells.single[query, second],
                                    cells.single[query, third])
            for x in range(len(high)):
                one, two, three = _finite(upper[x]), _finite(middle[x]), _finite(lower[x])
                high[x] = larger(larger(one, two), larger(three, high[x]))
                low[x] = smaller(smaller(one, two), smaller(three, low[x]))


@inner
def _finite(logit: np.float32) -> np.float32:
    """Return a logit within +-LIMIT; NaN is the lowest."""
    logit = logit if logit > -LIMIT else -LIMIT     # also NaN
    return logit if logit < LIMIT else LIMIT


@inner
def _from_half(bits: np.uint16) -> np.float32:
    """Return the float32 of a float16; infinities become +-LIMIT, NaN the lowest."""
    size = np.int32(bits) & np.int32(0x7FFF)
    value = np.int32((size << np.int32(13)) + _BIAS).view(np.float32)
    small = np.float32(size & _MANTISSA) * _LEAST       # without its leading bit
    value = small if size <= _MANTISSA else value
    value = LIMIT if size >= _EXPONENT else value
    is_low = (np.int32(bits) > np.int32(0x7FFF)) | (size > _EXPONENT)
    return -value if is_low else value
