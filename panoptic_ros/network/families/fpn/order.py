"""Comparing detections row by row, where rounding may have swapped rows of equal scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Outputs = Sequence[npt.NDArray[Any]]


def in_order(outputs: Outputs, expected: Outputs) -> list[npt.NDArray[Any]]:
    """
    Return outputs of a network in the order of others: each row goes where the nearest box is.

    Parameters
    ----------
    outputs, expected
        ``semantic``, ``boxes``, ``scores``, ``classes`` and ``masks``, each [N, ...].

    """
    semantic, boxes, scores, classes, masks = outputs
    rows = np.stack([_order(*image) for image in zip(
        boxes, scores, classes, *expected[1:4], strict=True)])
    image = np.arange(len(rows))[:, None]
    return [semantic, *(rows_of[image, rows] for rows_of in (boxes, scores, classes, masks))]


def _order(boxes: npt.NDArray[Any], scores: npt.NDArray[Any], classes: npt.NDArray[Any],
           *expected: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return for each expected row the row that is to take its place."""
    their_boxes, their_scores, their_classes = expected
    far = np.abs(boxes[None] - their_boxes[:, None]).max(2)
    far = far + np.where(classes[None] == their_classes[:, None], 0, 1e6)
    far = far + np.where((scores > 0)[None] == (their_scores > 0)[:, None], 0, 1e9)
    order = np.zeros(len(boxes), np.int64)
    for row, distances in enumerate(far):
        order[row] = distances.argmin()
        far[:, order[row]] = np.inf
    return order
