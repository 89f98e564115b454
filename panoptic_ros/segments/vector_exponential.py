"""The exponential function for compiled functions."""

from __future__ import annotations

import numpy as np

from . import exponential as definition
from .workers import inner

_ONE, _HALF = definition.ONE, definition.HALF
_LOG2_E, _LOG_2, _REST = definition.LOG2_E, definition.LOG_2, definition.LOG_2_REST
_SIXTH, _FIFTH, _FOURTH, _THIRD, _SECOND = definition.POWERS


@inner
def exp(x: np.float32) -> np.float32:
    """Return ``exponential.exp``, to the last bit, in a form that vectorises."""
    power = np.floor(x * _LOG2_E + _HALF)
    rest = x - power * _LOG_2
    rest = rest - power * _REST
    value = _SIXTH * rest + _FIFTH
    value = value * rest + _FOURTH
    value = value * rest + _THIRD
    value = value * rest + _SECOND
    value = (value * (rest * rest) + rest) + _ONE
    scale = np.int32((np.int32(power) + np.int32(127)) << np.int32(23))
    return value * scale.view(np.float32)
