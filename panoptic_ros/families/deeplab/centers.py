"""Finding the centres of things in the heatmap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...segments.upsampling import Axis
from ...segments.workers import Tickets, compiled, run, take_ticket
from .options import Options

_USUAL_PEAKS = 4096


def find_centers(center: npt.NDArray[np.float32], y: Axis, x: Axis, options: Options
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
    if options.nms_kernel > 1:
        first = _first_of_touching(place, len(x.lower))
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
    width = len(x_lower)
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
            patch = np.full((bottom - top + 2 * radius, right - left + 2 * radius),
                            np.float32(-np.inf))
            _interpolate(center, top - radius, left - radius, y_lower, y_weights, x_lower,
                         x_weights, patch)
            for y in range(top, bottom):
                for x in range(left, right):
                    value = patch[y - top + radius, x - left + radius]
                    if value > threshold and _is_maximum(patch, y - top, x - left, radius, value):
                        slot = take_ticket(count)
                        if slot < len(place):
                            place[slot] = np.int64(y) * width + x
                            heat[slot] = value


@compiled
def _first_of_touching(place: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.bool_]:
    """Tell the peaks, listed row by row, that touch none before them; (K,)."""
    first = np.ones(len(place), np.bool_)
    for index in range(len(place)):
        y, x = divmod(place[index], width)
        other = index - 1
        while other >= 0 and place[other] >= (y - 1) * width:
            if abs(place[other] % width - x) <= 1:
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
def _interpolate(center: npt.NDArray[np.float32], top: int, left: int,
                 y_lower: npt.NDArray[np.int32], y_weights: npt.NDArray[np.float32],
                 x_lower: npt.NDArray[np.int32], x_weights: npt.NDArray[np.float32],
                 patch: npt.NDArray[np.float32]) -> None:
    """Write the pixels from (top, left) on that lie in the image."""
    first_y, end_y = max(top, 0), min(top + patch.shape[0], len(y_lower))
    first_x, end_x = max(left, 0), min(left + patch.shape[1], len(x_lower))
    last_row, last_column = center.shape[0] - 1, center.shape[1] - 1
    first_row = y_lower[first_y]
    rows = np.empty((min(y_lower[end_y - 1] + 1, last_row) - first_row + 1, end_x - first_x),
                    np.float32)
    for row in range(rows.shape[0]):
        cells = center[first_row + row]
        for x in range(first_x, end_x):
            before = x_lower[x]
            rows[row, x - first_x] = _between(cells[before], cells[min(before + 1, last_column)],
                                              x_weights[0, x], x_weights[1, x])
    for y in range(first_y, end_y):
        upper = rows[y_lower[y] - first_row]
        lower = rows[min(y_lower[y] + 1, last_row) - first_row]
        pixels = patch[y - top, first_x - left:end_x - left]
        for x in range(len(pixels)):
            pixels[x] = _between(upper[x], lower[x], y_weights[0, y], y_weights[1, y])


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
