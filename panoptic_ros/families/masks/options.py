"""The options of the decoder of mask queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ...plain_data import Between, Help, check


@dataclass(frozen=True)
class Options:
    """
    The thresholds of Mask2Former's panoptic inference, with the published values.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    object_threshold: Annotated[float, Between(0, 1), Help(
        'Score that the class of a query must exceed.')] = 0.8
    overlap_threshold: Annotated[float, Between(0, 1), Help(
        "Share of a mask's pixels that must be left to it by the other masks.")] = 0.8
    pixel_threshold: Annotated[float, Between(0, 1), Help(
        'Probability from which on a pixel belongs to a mask.')] = 0.5

    def __post_init__(self) -> None:
        check(self)
