"""
The stuff, where no thing is painted.

Where all cells around a patch have the same likeliest channel, so has the whole patch: no step of
an interpolation turns the order of two logits round.  The pixels of the other patches compare the
few channels that can win there (``contest``).  Cells between patches that are painted all over are
not even read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import OPEN, CodeImage
from ...segments.tallies import PROBABILITY_ONE
from ...segments.tallying import tally_row
from ...segments.workers import Tickets, inner, int64, take_ticket
from .bits import Words, has_all, has_any, has_bit
from .cells import ROWS, Rows, read
from .contest import Contest, find_bounds, find_channel, list_rivals

_BLOCK = 16         # rows of patches that a thread takes at once
_CHUNK = 32         # columns of cells that are read together
_BYTE, _HALF = np.float32(255 / PROBABILITY_ONE), np.float32(0.5)


class Stuff(NamedTuple):
    """One image, for all threads."""

    semantic: npt.NDArray[np.float32]
    """(S, h, w) logits."""
    code_of: npt.NDArray[np.uint16]
    """(S,) the code of each channel."""
    reach: npt.NDArray[np.int32]
    """(2,) how many cells after its first, along y and x, a pixel may have a part of: 1 or 2."""
    painted: Words
    """(H, words) bits of the pixels of things."""
    image: CodeImage
    """The codes; those of stuff are written."""
    confidence: npt.NDArray[np.uint8]
    """(H, W), written where stuff is; empty if nobody asks."""


class Memory(NamedTuple):
    """What a thread works with."""

    rows: Rows
    contest: Contest
    all: Words
    """(words,) bits of the columns that are painted in all of some rows of pixels ..."""
    any: Words
    """... and in any of them."""
    wanted: npt.NDArray[np.bool_]
    """(chunks,) whether a chunk of cells has to be read."""

    @classmethod
    def new(cls, stuff: Stuff) -> Memory:
        """Return memory for an image."""
        channels, _, columns = stuff.semantic.shape
        words = stuff.painted.shape[1]
        return cls(Rows.new(channels, columns), Contest.new(channels, columns),
                   np.zeros(words, np.uint64), np.zeros(words, np.uint64),
                   np.zeros(-(-columns // _CHUNK), np.bool_))


@inner
def find_stuff(tickets: Tickets, stuff: Stuff, memory: Memory, tallies: npt.NDArray[Any]) -> None:
    """
    Find the codes of all free pixels, and sum up the pixels of all codes.

    Parameters
    ----------
    tickets
        As ``run`` gives them.
    stuff
        The image.
    memory
        Scratch.
    tallies
        (codes,) of ``tallies.TALLY``, added to; ``probability`` only for stuff.

    """
    height = stuff.semantic.shape[1]
    reach = int64(stuff.reach[0])
    while True:
        first = take_ticket(tickets) * _BLOCK
        if first >= height:
            return
        end = min(first + _BLOCK, height)
        _choose_chunks(stuff, first, end, memory)
        known = first
        for row in range(first, end):
            while known < min(row + reach + 1, height):
                _read_row(stuff, known, memory)
                known += 1
            _find_row(stuff, row, memory, tallies)
            tally_row(stuff.image, row, tallies)


@inner
def _fold(stuff: Stuff, row: int, end: int, memory: Memory) -> int:
    """Fold the bits of the pixels in some rows of patches; return how many rows of pixels."""
    starts = stuff.image.axes.y.starts
    top, bottom = int64(starts[row]), int64(starts[end])
    memory.all[:] = np.uint64(2**64 - 1)
    memory.any[:] = np.uint64(0)
    for y in range(top, bottom):
        line = stuff.painted[y]
        for word in range(len(line)):
            memory.all[word] &= line[word]
            memory.any[word] |= line[word]
    return bottom - top


@inner
def _choose_chunks(stuff: Stuff, first: int, end: int, memory: Memory) -> None:
    """Find the chunks of cells that pixels of a block of patches lie between."""
    wanted, starts = memory.wanted, stuff.image.axes.x.starts
    columns, reach = stuff.semantic.shape[2], int64(stuff.reach[1])
    wanted[:] = False
    if _fold(stuff, first, end, memory) == 0:
        return
    for chunk in range(len(wanted)):
        left = chunk * _CHUNK
        right = min(left + _CHUNK, columns)
        if not has_all(memory.all, int64(starts[left]), int64(starts[right])):
            wanted[chunk] = True
            after = min(right - 1 + reach, columns - 1) // _CHUNK
            if after > chunk and not has_all(memory.all, int64(starts[max(right - reach, left)]),
                                             int64(starts[right])):
                wanted[after] = True


@inner
def _read_row(stuff: Stuff, row: int, memory: Memory) -> None:
    """Read the chunks of a row of cells that are wanted, neighbours at once."""
    wanted = memory.wanted
    columns = stuff.semantic.shape[2]
    chunk = 0
    while chunk < len(wanted):
        first = chunk
        while chunk < len(wanted) and wanted[chunk]:
            chunk += 1
        if first < chunk:
            read(stuff.semantic, row, first * _CHUNK, min(chunk * _CHUNK, columns), memory.rows)
        chunk += 1


@inner
def _find_row(stuff: Stuff, row: int, memory: Memory, tallies: npt.NDArray[Any]) -> None:
    """Find the codes of a row of patches."""
    patches, starts = stuff.image.patches[row], stuff.image.axes.x.starts
    patches[:] = OPEN
    height = _fold(stuff, row, row + 1, memory)
    if height == 0:
        return
    count = 0
    for column in range(len(patches)):
        left, right = int64(starts[column]), int64(starts[column + 1])
        if has_all(memory.all, left, right):        # or it has no pixels
            continue
        if not _agree(stuff, row, column, memory.rows):
            memory.contest.columns[count] = column
            count += 1
            continue
        code = stuff.code_of[memory.rows.channel[row % ROWS, column]]
        if has_any(memory.any, left, right) or len(stuff.confidence) > 0:
            _fill(stuff, row, column, (code, _likelihood(stuff, row, column, memory.rows)),
                  tallies)
        else:
            patches[column] = code
            tallies[code].probability += (
                _likelihood(stuff, row, column, memory.rows) * height * (right - left))
    if count > 0:
        _settle(stuff, row, count, memory, tallies)


@inner
def _agree(stuff: Stuff, row: int, column: int, rows: Rows) -> bool:
    """Return whether all cells that pixels of a patch may have a part of are of one channel."""
    channel = rows.channel[row % ROWS, column]
    height, width = stuff.semantic.shape[1:]
    for step in range(int64(stuff.reach[0]) + 1):
        line = rows.channel[min(row + step, height - 1) % ROWS]
        for across in range(int64(stuff.reach[1]) + 1):
            if line[min(column + across, width - 1)] != channel:
                return False
    return True


@inner
def _likelihood(stuff: Stuff, row: int, column: int, rows: Rows) -> int:
    """Return the mean probability of the four cells around a patch."""
    height, width = stuff.semantic.shape[1:]
    above = rows.probability[row % ROWS]
    below = rows.probability[min(row + 1, height - 1) % ROWS]
    after = min(column + 1, width - 1)
    total = (int64(above[column]) + int64(above[after])
             + int64(below[column]) + int64(below[after]))
    return total >> 2


@inner
def _fill(stuff: Stuff, row: int, column: int, what: tuple[np.uint16, int],
          tallies: npt.NDArray[Any]) -> None:
    """Write a code to the free pixels of a patch; ``what``: the code and its probability."""
    code, likelihood = what
    axes, pixels = stuff.image.axes, stuff.image.pixels
    left, right = int64(axes.x.starts[column]), int64(axes.x.starts[column + 1])
    count = 0
    for y in range(int64(axes.y.starts[row]), int64(axes.y.starts[row + 1])):
        painted = stuff.painted[y]
        for x in range(left, right):
            if not has_bit(painted, x):
                pixels[y, x] = code
                count += 1
    tallies[code].probability += likelihood * count
    if len(stuff.confidence) > 0:
        _write_confidence(stuff, row, column, likelihood)


@inner
def _settle(stuff: Stuff, row: int, count: int, memory: Memory, tallies: npt.NDArray[Any]
            ) -> None:
    """Find the codes of the free pixels of the patches whose cells disagree."""
    axes, pixels = stuff.image.axes, stuff.image.pixels
    last_row = stuff.semantic.shape[1] - 1
    find_bounds(memory.rows, (row, last_row, int64(stuff.reach[0]), int64(stuff.reach[1])), count,
                memory.contest)
    for place in range(count):
        column = int64(memory.contest.columns[place])
        rivals = list_rivals(memory.contest, place)
        likelihood = _likelihood(stuff, row, column, memory.rows)
        left, right = int64(axes.x.starts[column]), int64(axes.x.starts[column + 1])
        for y in range(int64(axes.y.starts[row]), int64(axes.y.starts[row + 1])):
            painted = stuff.painted[y]
            for x in range(left, right):
                if not has_bit(painted, x):
                    code = stuff.code_of[find_channel(memory.rows, axes, (y, x, last_row),
                                                      memory.contest, rivals)]
                    pixels[y, x] = code
                    tallies[code].probability += likelihood
        if len(stuff.confidence) > 0:
            _write_confidence(stuff, row, column, likelihood)


@inner
def _write_confidence(stuff: Stuff, row: int, column: int, likelihood: int) -> None:
    """Write the confidence of the free pixels of a patch."""
    axes = stuff.image.axes
    byte = np.uint8(np.float32(likelihood) * _BYTE + _HALF)
    for y in range(int64(axes.y.starts[row]), int64(axes.y.starts[row + 1])):
        for x in range(int64(axes.x.starts[column]), int64(axes.x.starts[column + 1])):
            if not has_bit(stuff.painted[y], x):
                stuff.confidence[y, x] = byte
