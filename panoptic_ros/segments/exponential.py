"""
The exponential function in float32, of operations that every machine rounds alike.

So the methods of a decoder agree to the last bit.  Its relative error is below 1.2e-7.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LIMIT = np.float32(80)
"""The function is for numbers between -LIMIT and LIMIT."""

# e to the x is 2 to the n times e to the r, with x = n log(2) + r and |r| at most log(2) / 2
LOG2_E = np.float32(1.4426950408889634)
LOG_2 = np.float32(0.693359375)         # of few bits, so that its product with n is exact ...
LOG_2_REST = np.float32(-2.12194440e-4)     # ... and what it lacks
# e to the r, from the 6th power to the 2nd: the least relative error for |r| up to 0.3466
POWERS = tuple(map(np.float32, (0.0013814577, 0.008368726, 0.04166839, 0.16666521, 0.49999994)))

ONE, HALF = np.float32(1), np.float32(0.5)

Floats = npt.NDArray[np.float32]


def exp(x: Floats) -> Floats:
    """Return e to the x, for float32 between -LIMIT and LIMIT."""
    power = np.floor(x * LOG2_E + HALF)
    rest = x - power * LOG_2
    rest = rest - power * LOG_2_REST
    value = POWERS[0] * rest + POWERS[1]
    for factor in POWERS[2:]:
        value = value * rest + factor
    value = (value * (rest * rest) + rest) + ONE
    scale = ((power.astype(np.int32) + 127) << 23).view(np.float32)     # 2 to the power
    return np.asarray(value * scale)
