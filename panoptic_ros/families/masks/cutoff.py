"""The pixel threshold, which is a probability, as a logit."""

from __future__ import annotations

import numpy as np

from .sigmoid import sigmoid


def cutoff_of(threshold: np.float32) -> np.float32:
    """Return the least float32 whose sigmoid is at least a threshold."""
    low, high = -np.float32(81), np.float32(81)
    if sigmoid(np.array(low)) >= threshold:
        return np.float32(-np.inf)
    bits = [int(_ordered(limit)) for limit in (low, high)]
    while bits[0] + 1 < bits[1]:        # the sigmoid never falls
        middle = sum(bits) // 2
        bits[bool(sigmoid(np.array(_unordered(middle))) >= threshold)] = middle
    return _unordered(bits[1])


def _ordered(value: np.float32) -> int:
    """Return an integer for a float32, in the same order."""
    bits = int(value.view(np.int32))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF)


def _unordered(number: int) -> np.float32:
    size = np.int32(abs(number)).view(np.float32)
    return np.float32(size if number >= 0 else -size)
