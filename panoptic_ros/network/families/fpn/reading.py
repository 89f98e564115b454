"""The cells of a map that RoIAlign reads for each cell of a box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

_PIECE = 256
"""Boxes that are looked at together; their reads take memory."""


class Reads(NamedTuple):
    """Cells of maps that are read, and how much each counts; T of all boxes together."""

    cell: Tensor
    """int64 [T]: a place in maps [N, h, w] that are one line."""
    weight: Tensor
    """[T]; those of one cell of a box add up to 1, or less where it leaves the map."""
    first: Tensor
    """int64 [R * side * side]: the first read of each cell of each box, row by row."""


class _Line(NamedTuple):
    """Reads along one axis."""

    cell: Tensor
    weight: Tensor
    first: Tensor
    """int64 [R, side]: the first read of each cell of a box."""
    each: Tensor
    """int64 [R]: how many each of them has."""


def reads(boxes: Tensor, image: Tensor, cells: tuple[int, int], side: int,
          most: int | None = None) -> Reads:
    """
    Return what is read for boxes.

    Each cell of a box has a grid of bilinear samples: along an axis as many as the cell of the box
    is long in cells of the map, rounded up.

    Parameters
    ----------
    boxes, image
        float [R, 4] in cells of the map, whose centres are whole numbers, and int64 [R], the
        map of each.  Boxes without area have no reads.
    cells
        (h, w) of the maps.
    side
        Cells of a side of a box.
    most
        Most samples along an axis; None for any number.

    """
    height, width = cells
    over, down = (_line(boxes[:, axis], boxes[:, axis + 2], side, length, most)
                  for axis, length in enumerate((width, height)))
    square = (len(boxes), side, side)
    counts = (over.each * down.each)[:, None, None].expand(square).reshape(-1)
    first = counts.cumsum(0) - counts
    own = torch.repeat_interleave(counts)
    number = torch.arange(len(own), device=own.device) - first[own]
    wide = over.each[:, None, None].expand(square).reshape(-1)[own]
    row = down.first[:, :, None].expand(square).reshape(-1)[own] + number // wide
    column = over.first[:, None].expand(square).reshape(-1)[own] + number % wide
    begin = (image * (height * width))[:, None, None].expand(square).reshape(-1)[own]
    return Reads(begin + down.cell[row] * width + over.cell[column],
                 down.weight[row] * over.weight[column], first)


def pieces(boxes: Tensor, image: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Yield some boxes after the other, with what belongs to them."""
    return zip(*(values.split(_PIECE) for values in (boxes, image, *others)), strict=True)


def _line(start: Tensor, end: Tensor, side: int, cells: int, most: int | None) -> _Line:
    step = (end - start) / side
    count = step.ceil().clamp(min=0, max=most).long()
    reads_of = (2 * count).repeat_interleave(side)      # each sample reads two cells
    first = reads_of.cumsum(0) - reads_of
    own = torch.repeat_interleave(reads_of)
    number = torch.arange(len(own), device=own.device) - first[own]
    box = own // side
    start, step, samples = start[box], step[box], count[box]
    place = start + own % side * step + (number // 2 + 0.5) * step / samples
    inside = (place >= -1) & (place <= cells)
    place = place.clamp(0, cells - 1)
    low = place.floor()
    share = torch.where(number % 2 == 1, place - low, 1 - place + low)
    cell = (low.long() + number % 2).clamp(max=cells - 1)
    return _Line(cell, share * inside / samples, first.view(-1, side), 2 * count)
