"""The options of Panoptic-DeepLab's decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ...plain_data import Between, Help, check


@dataclass(frozen=True)
class Options:
    """
    The thresholds of Panoptic-DeepLab's post-processing, with the published values.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    center_threshold: Annotated[float, Between(0, 1), Help(
        'Score that the center of a thing must exceed; less than 1.')] = 0.1
    nms_kernel: Annotated[int, Between(1, 255), Help(
        'Side in pixels of the square in which a center must be the maximum; odd.')] = 7
    top_k: Annotated[int, Between(1, 1000), Help('Most things in an image.')] = 200
    stuff_area: Annotated[int, Between(0, 1 << 26), Help(
        'Stuff classes that cover fewer pixels of the image are unlabelled.')] = 2048

    def __post_init__(self) -> None:
        check(self)
        if self.center_threshold == 1:
            raise ValueError(f'center_threshold is {self.center_threshold}: '
                             'expected at least 0 and less than 1')
        if self.nms_kernel % 2 == 0:
            raise ValueError(f'nms_kernel is {self.nms_kernel}: expected an odd number, say 7')
