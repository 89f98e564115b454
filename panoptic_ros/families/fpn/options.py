"""The options of the decoder of detections and stuff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ...plain_data import Between, Help, check


@dataclass(frozen=True)
class Options:
    """
    The thresholds of Detectron2's Panoptic-FPN, with the published values.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    score_threshold: Annotated[float, Between(0, 1), Help(
        'Score that a detection must have at least.')] = 0.5
    overlap_threshold: Annotated[float, Between(0, 1), Help(
        "Share of a detection's mask that likelier ones may have painted before.")] = 0.5
    stuff_area: Annotated[int, Between(0, 2**31 - 1), Help(
        'Stuff classes that cover fewer pixels of the image are unlabelled.')] = 4096

    def __post_init__(self) -> None:
        check(self)
