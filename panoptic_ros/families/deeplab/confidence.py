"""The confidence image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...segments.tallies import PROBABILITY_ONE
from ...segments.upsampling import Axes
from ...segments.workers import Tickets, inner, take_ticket


@inner
def paint_confidence(tickets: Tickets, probability: npt.NDArray[np.int32],
                     axes: Axes, confidence: npt.NDArray[np.uint8]) -> None:
    """Upsample the cells' probability, (h, w), to an image, (H, W), 255 for 1."""
    rows, columns = probability.shape
    unit = np.float32(255 / PROBABILITY_ONE)
    x_lower, x_weights = axes.x.lower, axes.x.weights
    while True:
        y = take_ticket(tickets)
        if y >= len(axes.y.lower):
            return
        above = probability[axes.y.lower[y]]
        below = probability[min(axes.y.lower[y] + 1, rows - 1)]
        upper, lower = axes.y.weights[0, y], axes.y.weights[1, y]
        for x in range(len(x_lower)):
            before = x_lower[x]
            after = min(before + 1, columns - 1)
            left, right = x_weights[0, x], x_weights[1, x]
            value = (upper * (left * np.float32(above[before]) + right * np.float32(above[after]))
                     + lower * (left * np.float32(below[before])
                                + right * np.float32(below[after])))
            confidence[y, x] = np.uint8(value * unit + np.float32(0.5))
