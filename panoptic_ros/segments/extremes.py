"""The larger and the smaller of two numbers, in a form that vectorises."""

from __future__ import annotations

import numpy as np

from .workers import inner


@inner
def larger(one: np.float32, other: np.float32) -> np.float32:
    """Return the larger of two numbers."""
    return one if one > other else other


@inner
def smaller(one: np.float32, other: np.float32) -> np.float32:
    """Return the smaller of two numbers."""
    return one if one < other else other
