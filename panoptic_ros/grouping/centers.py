"""Finding the centres of things in the heatmap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .options import GroupingOptions
from .upsampling import Axis
from .workers import Tickets, compiled, run, take_ticket

_USUAL_PEAKS = 4096


def find_centers(center: npt.NDArray[np.float32], y: Axis, x: Axis, options: GroupingOptions
                 ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the centres' (y, x), (K, 2), row by row, and the heat there, (K,)."""
    capacity, count = _USUAL_PEAKS, np.zeros(1, np.int64)
    while True:
        place, heat = np.empty(capacity, np.int64), np.empty(capacity, np.float32)
        run(_find_peaks, center, y.starts, y.lower, y.weights, x.starts, x.lower, x.weights,
            np.float32(options.center_threshold), options.nms_kernel // 2, count, place, heat)
        if count[0] <= capacity:
            break
        capacity, count[0] = int(count[0]), 0
    order = np.argsort(place[:count[0]])
    place, heat = place[order], heat[order]
    first = _first_of_touching(place, len(x.lower), options.nms_kernel // 2)
    place, heat = place[first], heat[first]
    if len(heat) >= options.top_k:
        kept = heat > np.partition(heat, -options.top_k)[-options.top_k]
        place, heat = place[kept], heat[kept]
    return np.stack(np.divmod(place, len(x.lower)), axis=1), heat


@compiled
def _find_peaks(tickets: Tickets, worker: int, center: npt.NDArray[np.float32],
                y_starts: npt.NDArray[np.int32], y_lower: npt.NDArray[np.int32],
                y_weights: npt.NDArray[np.float32], x_starts: npt.NDArray[np.int32],
                x_lower: npt.NDArray[np.int32], x_weights: npt.NDArray[np.float32],
                threshold: np.float32, radius: int, count: Tickets,
                place: npt.NDArray[np.int64], heat: npt.NDArray[np.float32]) -> None:
    """
    Find pixels over the threshold that are the maximum of the square around them.

    Only cells one of whose corners is over the threshold are looked at.  Peaks are written to
    ``place`` (y * width + x) and ``heat``, in no order; ``count`` goes on past their capacity.
    """
    rows, columns = center.shape
    height, width = len(y_lower), len(x_lower)
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            return
        top, bottom = y_starts[row], y_starts[row + 1]
        if top == bottom:
            continue
        below = min(row + 1, rows - 1)
        column = 0
        while column < columns:
            if not _is_warm(center, row, below, column, threshold):
                column += 1
                continue
            first = column
            while column < columns and _is_warm(center, row, below, column, threshold):
                column += 1
            left, right = x_starts[first], x_starts[column]
            patch = np.empty((bottom - top + 2 * radius, right - left + 2 * radius), np.float32)
            for j in range(patch.shape[0]):
                _interpolate_row(center, top - radius + j, left - radius, height, width, y_lower,
                                 y_weights, x_lower, x_weights, patch[j])
            for y in range(top, bottom):
                for x in range(left, right):
                    value = patch[y - top + radius, x - left + radius]
                    if value > threshold and _is_maximum(patch, y - top, x - left, radius, value):
                        slot = take_ticket(count)
                        if slot < len(place):
                            place[slot] = np.int64(y) * width + x
                            heat[slot] = value


@compiled
def _first_of_touching(place: npt.NDArray[np.int64], width: int, radius: int
                       ) -> npt.NDArray[np.bool_]:
    """Tell the peaks, listed row by row, in whose square none comes before them; (K,)."""
    first = np.ones(len(place), np.bool_)
    for index in range(len(place)):
        y, x = divmod(place[index], width)
        other = index - 1
        while other >= 0 and place[other] >= (y - radius) * width:
            if abs(place[other] % width - x) <= radius:
                first[index] = False
                break
            other -= 1
    return first


@compiled
def _is_warm(center: npt.NDArray[np.float32], row: int, below: int, column: int,
             threshold: np.float32) -> bool:
    """Tell whether a cell around a patch is over the threshold: no pixel is hotter than all."""
    after = min(column + 1, center.shape[1] - 1)
    return (center[row, column] > threshold or center[row, after] > threshold
            or center[below, column] > threshold or center[below, after] > threshold)


@compiled
def _between(before: np.float32, after: np.float32, before_weight: np.float32,
             after_weight: np.float32) -> np.float32:
    value = before_weight * before + after_weight * after
    return max(min(value, max(before, after)), min(before, after))


@compiled
def _interpolate_row(center: npt.NDArray[np.float32], y: int, left: int, height: int, width: int,
                     y_lower: npt.NDArray[np.int32], y_weights: npt.NDArray[np.float32],
                     x_lower: npt.NDArray[np.int32], x_weights: npt.NDArray[np.float32],
                     values: npt.NDArray[np.float32]) -> None:
    """Write pixels of row y from column left on, the lowest value outside of the image."""
    values[:] = -np.inf
    if y < 0 or y >= height:
        return
    upper = center[y_lower[y]]
    lower = center[min(y_lower[y] + 1, center.shape[0] - 1)]
    upper_weight, lower_weight = y_weights[0, y], y_weights[1, y]
    for x in range(max(left, 0), min(left + len(values), width)):
        before = x_lower[x]
        after = min(before + 1, center.shape[1] - 1)
        before_weight, after_weight = x_weights[0, x], x_weights[1, x]
        values[x - left] = _between(
            _between(upper[before], upper[after], before_weight, after_weight),
            _between(lower[before], lower[after], before_weight, after_weight),
            upper_weight, lower_weight)


@compiled
def _is_maximum(patch: npt.NDArray[np.float32], top: int, left: int, radius: int,
                value: np.float32) -> bool:
    if radius > 0:      # most pixels lie on a slope
        y, x = top + radius, left + radius
        if max(patch[y, x - 1], patch[y, x + 1], patch[y - 1, x], patch[y + 1, x]) > value:
            return False
    for y in range(top, top + 2 * radius + 1):
        for x in range(left, left + 2 * radius + 1):
            if patch[y, x] > value:
                return False
    return True
