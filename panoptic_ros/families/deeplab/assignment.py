"""The instance of each thing pixel: the centre nearest to where its offset points."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...segments.workers import Tickets, compiled, take_ticket
from .codes import INSTANCE, UNASSIGNED

_ROWS = 8
_TILE = 64
_LARGEST = np.float32(3.4028235e38)


@compiled
def assign(tickets: Tickets, worker: int, offset: npt.NDArray[np.float32],
           code_of_cell: npt.NDArray[np.uint16], y_starts: npt.NDArray[np.int32],
           y_weights: npt.NDArray[np.float32], x_starts: npt.NDArray[np.int32],
           x_lower: npt.NDArray[np.int32], x_weights: npt.NDArray[np.float32],
           scale: npt.NDArray[np.float32], centers: npt.NDArray[np.float32],
           codes: npt.NDArray[np.uint16], votes: npt.NDArray[np.int64]) -> None:
    """
    Assign each thing pixel to the nearest centre, and count its class as a vote.

    Parameters
    ----------
    tickets, worker
        As ``run`` gives them.
    offset
        (2, h, w) offsets (dy, dx) in pixels of the network's input.
    code_of_cell
        (h, w) codes of the cells.
    y_starts, y_weights, x_starts, x_lower, x_weights
        The axes, see ``upsampling.Axis``.
    scale
        (2,) output pixels per pixel of the network's input, (y, x).
    centers
        (2, K) the centres' y and x.
    codes
        (H, W) codes of the pixels; UNASSIGNED + class becomes INSTANCE + centre.
    votes
        (workers, K, C), added to: the pixels of each class in each instance.

    """
    rows, columns = code_of_cell.shape
    edges = np.empty((4, _TILE), np.float32)
    target = np.empty((2, _ROWS, _TILE), np.float32)
    near = np.empty(centers.shape[1], np.float32)
    chosen = np.empty(centers.shape[1], np.int32)
    least = np.empty(_TILE, np.float32)
    nearest = np.empty(_TILE, np.int32)
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            return
        below = min(row + 1, rows - 1)
        top, bottom = y_starts[row], y_starts[row + 1]
        column = 0
        while column < columns and top < bottom:
            if _is_stuff(code_of_cell, row, below, column):
                column += 1
                continue
            start = column
            while column < columns and not _is_stuff(code_of_cell, row, below, column):
                column += 1
            for left in range(x_starts[start], x_starts[column], _TILE):
                right = min(left + _TILE, x_starts[column])
                for axis in range(2):
                    _interpolate(offset[axis, row], offset[axis, below], x_lower[left:right],
                                 x_weights[:, left:right], edges[2 * axis], edges[2 * axis + 1])
                for first in range(top, bottom, _ROWS):
                    last = min(first + _ROWS, bottom)
                    tile = codes[first:last, left:right]
                    if _has_things(tile):
                        _aim(edges, first, left, y_weights[:, first:last], scale,
                             right - left, target)
                        count = _choose(target, tile, centers, near, chosen)
                        _assign_tile(target, centers, chosen[:count], least, nearest, tile,
                                     votes[worker])


@compiled
def _is_stuff(code_of_cell: npt.NDArray[np.uint16], row: int, below: int, column: int) -> bool:
    """Tell whether all pixels between four cells are stuff of one class."""
    after = min(column + 1, code_of_cell.shape[1] - 1)
    code = code_of_cell[row, column]
    return (code < UNASSIGNED and code_of_cell[row, after] == code
            and code_of_cell[below, column] == code and code_of_cell[below, after] == code)


@compiled
def _interpolate(above: npt.NDArray[np.float32], below: npt.NDArray[np.float32],
                 lower: npt.NDArray[np.int32], weights: npt.NDArray[np.float32],
                 upper_edge: npt.NDArray[np.float32], lower_edge: npt.NDArray[np.float32]
                 ) -> None:
    """Interpolate two rows of the offsets along x."""
    for x in range(len(lower)):
        before = lower[x]
        after = min(before + 1, len(above) - 1)
        left, right = weights[0, x], weights[1, x]
        upper_edge[x] = left * above[before] + right * above[after]
        lower_edge[x] = left * below[before] + right * below[after]


@compiled
def _has_things(tile: npt.NDArray[np.uint16]) -> bool:
    for row in range(tile.shape[0]):
        largest = np.uint16(0)
        for x in range(tile.shape[1]):
            largest = max(largest, tile[row, x])
        if largest >= UNASSIGNED:
            return True
    return False


@compiled
def _aim(edges: npt.NDArray[np.float32], top: int, left: int, weights: npt.NDArray[np.float32],
         scale: npt.NDArray[np.float32], width: int, target: npt.NDArray[np.float32]) -> None:
    """Write where the offset of each pixel of a tile points, (2, rows, columns)."""
    y_scale, x_scale = scale[0], scale[1]
    for row in range(weights.shape[1]):
        upper, lower = weights[0, row], weights[1, row]
        y = np.float32(top + row)
        for x in range(width):
            target[0, row, x] = y + (upper * edges[0, x] + lower * edges[1, x]) * y_scale
        for x in range(width):
            target[1, row, x] = (np.float32(np.int32(left) + np.int32(x))
                                 + (upper * edges[2, x] + lower * edges[3, x]) * x_scale)


@compiled
def _choose(target: npt.NDArray[np.float32], tile: npt.NDArray[np.uint16],
            centers: npt.NDArray[np.float32], near: npt.NDArray[np.float32],
            chosen: npt.NDArray[np.int32]) -> int:
    """
    List the centres that can be the nearest to a thing pixel of the tile; return how many.

    A centre is left out when it is farther from the box of the targets than the farthest corner
    of the box from another centre.  Rounding keeps the order of these distances, so the
    choice is exact.
    """
    y0, y1 = _bound(target[0], tile)
    x0, x1 = _bound(target[1], tile)
    bound = _LARGEST
    for index in range(centers.shape[1]):
        y, x = centers[0, index], centers[1, index]
        dy, dx = max(y1 - y, y - y0), max(x1 - x, x - x0)
        distance = dy * dy + dx * dx
        bound = distance if distance < bound else bound
    for index in range(centers.shape[1]):
        y, x = centers[0, index], centers[1, index]
        dy, dx = max(y0 - y, y - y1, np.float32(0)), max(x0 - x, x - x1, np.float32(0))
        near[index] = dy * dy + dx * dx
    count = 0
    for index in range(centers.shape[1]):
        chosen[count] = index
        count += near[index] <= bound
    return count


@compiled
def _bound(target: npt.NDArray[np.float32], tile: npt.NDArray[np.uint16]
           ) -> tuple[np.float32, np.float32]:
    """Return the least and the greatest target of the tile's thing pixels."""
    low, high = _LARGEST, -_LARGEST
    for row in range(tile.shape[0]):
        for x in range(tile.shape[1]):
            is_thing = tile[row, x] >= UNASSIGNED
            value = target[row, x]
            low = value if is_thing and value < low else low
            high = value if is_thing and value > high else high
    return low, high


@compiled
def _assign_tile(target: npt.NDArray[np.float32], centers: npt.NDArray[np.float32],
                 chosen: npt.NDArray[np.int32], least: npt.NDArray[np.float32],
                 nearest: npt.NDArray[np.int32], tile: npt.NDArray[np.uint16],
                 votes: npt.NDArray[np.int64]) -> None:
    """Write the instances of one tile."""
    width = tile.shape[1]
    nearest[:] = chosen[0]
    for row in range(tile.shape[0]):
        if len(chosen) > 1:
            _find_nearest(target[0, row, :width], target[1, row, :width], centers, chosen, least,
                          nearest)
        right = 0
        while right < width:        # run by run: neighbours mostly share class and instance
            left, code, instance = right, tile[row, right], nearest[right]
            while right < width and tile[row, right] == code and nearest[right] == instance:
                right += 1
            if code >= UNASSIGNED:
                tile[row, left:right] = INSTANCE + instance
                votes[instance, code - UNASSIGNED] += right - left


@compiled
def _find_nearest(target_y: npt.NDArray[np.float32], target_x: npt.NDArray[np.float32],
                  centers: npt.NDArray[np.float32], chosen: npt.NDArray[np.int32],
                  least: npt.NDArray[np.float32], nearest: npt.NDArray[np.int32]) -> None:
    """Write the nearest of the chosen centres to each target, the first on ties."""
    least[:] = _LARGEST
    nearest[:] = chosen[0]
    for index in chosen:
        center_y, center_x = centers[0, index], centers[1, index]
        for x in range(len(target_y)):
            dy, dx = target_y[x] - center_y, target_x[x] - center_x
            distance = dy * dy + dx * dx
            closer = distance < least[x]
            least[x] = distance if closer else least[x]
            nearest[x] = index if closer else nearest[x]
