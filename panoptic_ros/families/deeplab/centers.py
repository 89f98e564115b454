"""Finding the centres of things in the heatmap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.upsampling import Axes
from ...segments.workers import Tickets, compiled, inner, run, take_ticket
from .cells import finite_heat
from .options import Options
from .slopes import leave_slopes

_USUAL_PEAKS = 4096


class Peaks(NamedTuple):
    """What was found, in no order."""

    found: Tickets
    """(1,) how many; it goes on past the room for them."""
    place: npt.NDArray[np.int64]
    """(room,) y * width + x."""
    heat: npt.NDArray[np.float32]
    """(room,) heat there."""


class Rule(NamedTuple):
    """What makes a pixel a peak."""

    threshold: np.float32
    """The heat that it exceeds ..."""
    radius: int
    """... and the pixels on each side of it of the square whose maximum it is."""


def find_centers(center: npt.NDArray[np.float32], axes: Axes, options: Options
                 ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the centres' (y, x), (K, 2), row by row, and the heat there, (K,)."""
    room, width = _USUAL_PEAKS, len(axes.x.lower)
    rule = Rule(np.float32(options.center_threshold), options.nms_kernel // 2)
    while True:
        peaks = Peaks(np.zeros(1, np.int64), np.empty(room, np.int64), np.empty(room, np.float32))
        run(_find_peaks, center, axes, rule, peaks)
        count = int(peaks.found[0])
        if count <= room:
            break
        room = count
    order = np.argsort(peaks.place[:count])
    place, heat = peaks.place[order], peaks.heat[order]
    if options.nms_kernel > 1:
        first = _first_of_touching(place, width)
        place, heat = place[first], heat[first]
    if len(heat) >= options.top_k:
        kept = heat > np.partition(heat, -options.top_k)[-options.top_k]
        place, heat = place[kept], heat[kept]
    return np.stack(np.divmod(place, width), axis=1), heat


@compiled
def _find_peaks(tickets: Tickets, center: npt.NDArray[np.float32], axes: Axes,
                rule: Rule, peaks: Peaks) -> None:
    """Find the peaks; only cells one of whose corners is over the threshold are looked at."""
    rows, columns = center.shape
    width = len(axes.x.lower)
    warm = np.empty(columns, np.bool_)
    stands_out = np.empty(width, np.bool_)
    heats = np.empty((5, columns + 1), np.float32)
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            return
        top, bottom = axes.y.starts[row], axes.y.starts[row + 1]
        if top == bottom:
            continue
        _feel(center[row], center[min(row + 1, rows - 1)], rule.threshold, warm)
        if rule.radius > 0:
            leave_slopes(center, axes, row, warm, heats)
        column = 0
        while column < columns:
            if not warm[column]:
                column += 1
                continue
            first = column
            while column < columns and warm[column]:
                column += 1
            left, right = axes.x.starts[first], axes.x.starts[column]
            area = np.full((bottom - top + 2 * rule.radius, right - left + 2 * rule.radius),
                           np.float32(-np.inf))
            _interpolate(center, axes, top - rule.radius, left - rule.radius, area)
            for y in range(bottom - top):
                _compare(area, y + rule.radius, rule, stands_out[left:right])
                for x in range(right - left):
                    if stands_out[left + x] and _is_maximum(area, y, x, rule.radius):
                        slot = take_ticket(peaks.found)
                        if slot < len(peaks.place):
                            peaks.place[slot] = np.int64(top + y) * width + left + x
                            peaks.heat[slot] = area[y + rule.radius, x + rule.radius]


@inner
def _feel(above: npt.NDArray[np.float32], below: npt.NDArray[np.float32], threshold: np.float32,
          warm: npt.NDArray[np.bool_]) -> None:
    """Tell whether a cell around a patch is over the threshold: no pixel is hotter than all."""
    last = len(warm) - 1
    for column in range(last):
        warm[column] = ((above[column] > threshold) | (above[column + 1] > threshold)
                        | (below[column] > threshold) | (below[column + 1] > threshold))
    warm[last] = (above[last] > threshold) | (below[last] > threshold)


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


@inner
def _between(before: np.float32, after: np.float32, before_weight: np.float32,
             after_weight: np.float32) -> np.float32:
    value = before_weight * before + after_weight * after
    low, high = (before, after) if before < after else (after, before)
    value = value if value < high else high
    return value if value > low else low


@compiled
def _interpolate(center: npt.NDArray[np.float32], axes: Axes, top: int, left: int,
                 area: npt.NDArray[np.float32]) -> None:
    """Write the pixels from (top, left) on that lie in the image."""
    y_lower, x_lower = axes.y.lower, axes.x.lower
    first_y, end_y = max(top, 0), min(top + area.shape[0], len(y_lower))
    first_x, end_x = max(left, 0), min(left + area.shape[1], len(x_lower))
    last_row, last_column = center.shape[0] - 1, center.shape[1] - 1
    first_row = y_lower[first_y]
    rows = np.empty((min(y_lower[end_y - 1] + 1, last_row) - first_row + 1, end_x - first_x),
                    np.float32)
    x_lower, weights = x_lower[first_x:end_x], axes.x.weights[:, first_x:end_x]
    for row in range(rows.shape[0]):
        cells, line = center[first_row + row], rows[row]
        for x in range(len(line)):
            before = x_lower[x]
            line[x] = _between(finite_heat(cells[before]),
                               finite_heat(cells[min(before + 1, last_column)]),
                               weights[0, x], weights[1, x])
    for y in range(first_y, end_y):
        upper = rows[y_lower[y] - first_row]
        lower = rows[min(y_lower[y] + 1, last_row) - first_row]
        pixels = area[y - top, first_x - left:end_x - left]
        above, below = axes.y.weights[0, y], axes.y.weights[1, y]
        for x in range(len(pixels)):
            pixels[x] = _between(upper[x], lower[x], above, below)


@inner
def _compare(area: npt.NDArray[np.float32], y: int, rule: Rule,
             stands_out: npt.NDArray[np.bool_]) -> None:
    """Tell the pixels of a row that exceed the threshold and no direct neighbour: a few."""
    row = area[y]
    for x in range(len(stands_out)):
        stands_out[x] = row[rule.radius + x] > rule.threshold
    if rule.radius > 0:
        above, below = area[y - 1], area[y + 1]
        for x in range(len(stands_out)):
            heat = row[rule.radius + x]
            stands_out[x] &= ((heat >= row[rule.radius + x - 1])
                              & (heat >= row[rule.radius + x + 1])
                              & (heat >= above[rule.radius + x])
                              & (heat >= below[rule.radius + x]))


@inner
def _is_maximum(area: npt.NDArray[np.float32], top: int, left: int, radius: int) -> bool:
    """Tell whether no pixel of the square, whose first is (top, left), exceeds its middle."""
    heat = area[top + radius, left + radius]
    for y in range(top, top + 2 * radius + 1):
        for x in range(left, left + 2 * radius + 1):
            if area[y, x] > heat:
                return False
    return True
