"""Counting pairs of labels in one pass over the pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..segments.workers import compiled

_EMPTY = np.int64(-1)
_FOUR_TIMES = np.uint64(0x0001_0001_0001_0001)
_SPREAD = np.int64(40503)       # Knuth's multiplier for 16 bits: neighbouring labels fall apart


@compiled
def count_pairs(truth: npt.NDArray[np.uint16], prediction: npt.NDArray[np.uint16],
                ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """
    Count how often each pair of labels occurs.

    Label images are piecewise constant: a hash table is asked once per run of equal pairs.

    Parameters
    ----------
    truth, prediction
        (N,) labels, contiguous.

    Returns
    -------
    (M,) ``truth << 16 | prediction`` and (M,) pixels, in no order.

    """
    whole = truth.size // 4 * 4
    true_words, predicted_words = truth[:whole].view(np.uint64), prediction[:whole].view(np.uint64)
    keys = np.full(1024, _EMPTY)
    pixels = np.zeros(1024, np.int64)
    used = 0
    start = 0
    while start < truth.size:
        true, predicted = truth[start], prediction[start]
        true_word, predicted_word = true * _FOUR_TIMES, predicted * _FOUR_TIMES
        end = start + 1
        while end < truth.size:
            if (end & 3 == 0 and end < whole and true_words[end >> 2] == true_word
                    and predicted_words[end >> 2] == predicted_word):
                end += 4
            elif truth[end] == true and prediction[end] == predicted:
                end += 1
            else:
                break
        key = (np.int64(true) << 16) | np.int64(predicted)
        slot = _slot(keys, key)
        if keys[slot] == _EMPTY:
            if 2 * used >= keys.size:
                keys, pixels = _doubled(keys, pixels)
                slot = _slot(keys, key)
            keys[slot] = key
            used += 1
        pixels[slot] += end - start
        start = end
    taken = keys != _EMPTY
    return keys[taken], pixels[taken]


@compiled
def _slot(keys: npt.NDArray[np.int64], key: np.int64) -> np.int64:
    """Return where a key stands in the table, or would; the table's size is a power of two."""
    slot = (key * _SPREAD ^ (key >> 16)) & (keys.size - 1)
    while keys[slot] != key and keys[slot] != _EMPTY:
        slot = (slot + 1) & (keys.size - 1)
    return slot


@compiled
def _doubled(keys: npt.NDArray[np.int64], pixels: npt.NDArray[np.int64],
             ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the same table with twice the room."""
    more_keys = np.full(2 * keys.size, _EMPTY)
    more_pixels = np.zeros(2 * keys.size, np.int64)
    for old in range(keys.size):
        if keys[old] != _EMPTY:
            slot = _slot(more_keys, keys[old])
            more_keys[slot] = keys[old]
            more_pixels[slot] = pixels[old]
    return more_keys, more_pixels
