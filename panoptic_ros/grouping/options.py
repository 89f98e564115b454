"""The thresholds of the grouping."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GroupingOptions:
    """
    The thresholds of Panoptic-DeepLab's post-processing, with the published values.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    center_threshold: float = 0.1
    """A centre's score must exceed this."""
    nms_kernel: int = 7
    """Side of the square in output pixels in which a centre must be the maximum; odd."""
    top_k: int = 200
    """Most instances in an image."""
    stuff_area: int = 2048
    """Stuff classes that cover fewer output pixels are unlabelled."""

    def __post_init__(self) -> None:
        if not 0 <= self.center_threshold < 1:
            raise ValueError(f'center_threshold is {self.center_threshold}: '
                             'expected at least 0 and less than 1')
        if self.nms_kernel < 1 or self.nms_kernel % 2 == 0:
            raise ValueError(f'nms_kernel is {self.nms_kernel}: expected an odd number, say 7')
        if not 1 <= self.top_k <= 1000:
            raise ValueError(f'top_k is {self.top_k}: expected 1 to 1000')
        if self.stuff_area < 0:
            raise ValueError(f'stuff_area is {self.stuff_area}: expected 0 or more pixels')
