"""The places of blocks in a backbone that keeps to an output stride."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """The place of a block in a backbone."""

    step: int
    """The stride that is left to the block."""
    dilation: int
    stride: int
    """Input pixels per cell after the block."""
    last: bool
    """Whether no other block follows at that stride."""


def place(strides: Sequence[int], output_stride: int) -> list[Place]:
    """
    Return how blocks of these strides, after a stem of stride 2, keep to an output stride.

    A block that would exceed it keeps the resolution, and the blocks *after* it are dilated
    instead: the rule of the code of DeepLab and deeplab2.
    """
    total, dilation = 2, 1
    places: list[tuple[int, int, int]] = []
    for stride in strides:
        if total * stride > output_stride:
            places.append((1, dilation, total))
            dilation *= stride
        else:
            total *= stride
            places.append((stride, dilation, total))
    after = [total for _, _, total in places[1:]] + [0]
    return [Place(*at, last=at[2] != following)
            for at, following in zip(places, after, strict=True)]


def ends_at(ends: Sequence[int], stride: int) -> int:
    """
    Return the number of the last block of a stride.

    Parameters
    ----------
    ends
        The numbers of the last blocks of the strides 4, 8, and so on.
    stride
        The stride.

    Raises
    ------
    ValueError
        There is none of that stride.

    """
    strides = [4 << number for number in range(len(ends))]
    if stride not in strides:
        raise ValueError(f'stride is {stride}: expected one of {strides}, where layers end')
    return ends[strides.index(stride)]
