"""
The sigmoid in float32, of operations that every machine rounds alike.

So the methods agree on every pixel to the last bit.  Its relative error is below 1.5e-7.  It never
falls: that was tried with every float32 between -81 and 81.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...segments.exponential import LIMIT, ONE, exp

Floats = npt.NDArray[np.float32]


def sigmoid(logit: Floats) -> Floats:
    """
    Return 1 / (1 + e to the -logit), for finite float32.

    Beyond +-``exponential.LIMIT`` it has the value that it has there: 1, or 2e-35.
    """
    return np.asarray(ONE / (ONE + exp(np.clip(-logit, -LIMIT, LIMIT))))
