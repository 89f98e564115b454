"""The soft-max probability of the likeliest of some classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .exponential import LIMIT as EXP_LIMIT
from .exponential import exp
from .upsampling import LIMIT

Floats = npt.NDArray[np.float32]


def finite(logits: npt.NDArray[np.floating]) -> Floats:
    """Return logits as float32 within +-LIMIT; NaN is the lowest."""
    values = logits.astype(np.float32)
    return np.clip(np.where(np.isnan(values), -LIMIT, values), -LIMIT, LIMIT)


def probability(logits: Floats) -> Floats:
    """Return the probability of the likeliest class, of finite logits with the classes first."""
    total = np.zeros(logits.shape[1:], np.float32)
    for less in np.maximum(logits - logits.max(0), -EXP_LIMIT):
        total += exp(less)      # one after the other, as every method adds them
    return np.float32(1) / total
