"""Painting the things: which detections, and the codes of their pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.codes import INSTANCE
from ...segments.workers import Tickets, compiled, inner, int64, take_ticket
from .bits import WORD, Words, count_bits
from .pasting import Masks

_ROWS = 8           # of pixels that a thread paints at a time
_ALL, _ONE = np.uint64(2**64 - 1), np.uint64(1)


class Things(NamedTuple):
    """The pixels of the things."""

    pixels: npt.NDArray[np.uint16]
    """(H, W) codes, INSTANCE + the place of the mask; others are not written."""
    painted: Words
    """(H, words) bits of the pixels that have such a code."""
    confidence: npt.NDArray[np.uint8]
    """(H, W), written with ``byte``; empty if nobody asks."""
    byte: npt.NDArray[np.uint8]
    """(K,) confidence of each mask's pixels."""


@compiled
def claim(masks: Masks, batch: tuple[int, int], words: Words, painted: Words, threshold: float
          ) -> None:
    """
    Decide which masks are painted, one after the other, and leave them what is free.

    Parameters
    ----------
    masks
        The masks.
    batch
        Which of them, half-open.
    words
        Their bits, as ``paste`` wrote them; only those of pixels that are painted stay.
    painted
        (H, words) bits of the pixels that are painted, added to.
    threshold
        The largest share of a mask that may be painted already.

    """
    start, end = batch
    for index in range(start, end):
        top, bottom = int64(masks.pixels[index, 1]), int64(masks.pixels[index, 3])
        own = words[masks.first[index] - masks.first[start]:
                    masks.first[index + 1] - masks.first[start]]
        if len(own) == 0 or masks.area[index] == 0:
            continue
        across, left = len(own) // (bottom - top), masks.pixels[index, 0] // WORD
        overlap = 0
        for y in range(bottom - top):
            before = painted[top + y, left:left + across]
            row = own[y * across:(y + 1) * across]
            for word in range(across):
                overlap += count_bits(row[word] & before[word])
        if overlap / masks.area[index] > threshold:
            own[:] = np.uint64(0)
            continue
        for y in range(bottom - top):
            before = painted[top + y, left:left + across]
            row = own[y * across:(y + 1) * across]
            for word in range(across):
                row[word] &= ~before[word]
                before[word] |= row[word]


@inner
def paint(tickets: Tickets, masks: Masks, batch: tuple[int, int], words: Words, things: Things
          ) -> None:
    """
    Write the codes of the pixels that ``claim`` left to the masks.

    Parameters
    ----------
    tickets
        As ``run`` gives them.
    masks, batch, words
        As for ``claim``.
    things
        Written.

    """
    start, end = batch
    height, width = things.pixels.shape
    while True:
        first = take_ticket(tickets) * _ROWS
        if first >= height:
            return
        for index in range(start, end):
            top, bottom = int64(masks.pixels[index, 1]), int64(masks.pixels[index, 3])
            begin = masks.first[index] - masks.first[start]
            count = masks.first[index + 1] - masks.first[index]
            if count == 0:
                continue
            across, left = count // (bottom - top), int64(masks.pixels[index, 0]) // WORD * WORD
            for y in range(max(first, top), min(first + _ROWS, bottom)):
                row = words[begin + (y - top) * across:begin + (y - top + 1) * across]
                for word in range(across):
                    if row[word] != 0:
                        x = left + word * WORD
                        _paint_word(row[word], things, index, (y, x, min(x + WORD, width)))


@inner
def _paint_word(word: np.uint64, things: Things, index: int, place: tuple[int, int, int]) -> None:
    """Write the codes of the pixels of a word; ``place``: y, first x, past the last."""
    y, first, end = place
    code = np.uint16(INSTANCE + index)
    codes = things.pixels[y, first:end]
    if word == _ALL:
        codes[:] = code
    else:
        for x in range(len(codes)):
            codes[x] = code if (word >> np.uint64(x)) & _ONE else codes[x]
    if len(things.confidence) > 0:
        confidence = things.confidence[y, first:end]
        for x in range(len(confidence)):
            if (word >> np.uint64(x)) & _ONE:
                confidence[x] = things.byte[index]
