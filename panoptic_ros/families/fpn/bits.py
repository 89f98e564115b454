"""Pixels as bits: 64 of a row in a word, the first one in its lowest bit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...segments.workers import inner, int64

Words = npt.NDArray[np.uint64]

WORD = 64
"""Bits of a word."""

_ALL, _ONE = np.uint64(2**64 - 1), np.uint64(1)
_PAIRS, _FOURS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_EIGHTS, _BYTES = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
_S1, _S2, _S4, _S56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


@inner
def count_bits(word: np.uint64) -> int:
    """Return how many bits of a word are set."""
    word = word - ((word >> _S1) & _PAIRS)
    word = (word & _FOURS) + ((word >> _S2) & _FOURS)
    word = (word + (word >> _S4)) & _EIGHTS
    return int64((word * _BYTES) >> _S56)


@inner
def set_bits(words: Words, start: int, end: int) -> None:
    """Set the bits from ``start`` to before ``end``, which must be more."""
    first, last = start // WORD, (end - 1) // WORD
    low = _ALL << np.uint64(start - first * WORD)
    high = _ALL >> np.uint64((last + 1) * WORD - end)
    if first == last:
        words[first] |= low & high
        return
    words[first] |= low
    for word in range(first + 1, last):
        words[word] = _ALL
    words[last] |= high


@inner
def has_bit(words: Words, place: int) -> bool:
    """Return whether a bit is set."""
    return bool((words[place // WORD] >> np.uint64(place % WORD)) & _ONE)


@inner
def has_all(words: Words, start: int, end: int) -> bool:
    """Return whether all bits from ``start`` to before ``end`` are set."""
    found = True
    for place in range(start, end):
        found &= has_bit(words, place)
    return found


@inner
def has_any(words: Words, start: int, end: int) -> bool:
    """Return whether a bit from ``start`` to before ``end`` is set."""
    found = False
    for place in range(start, end):
        found |= has_bit(words, place)
    return found
