"""The thresholds of the grouping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

from ..plain_data import Between, check, read, show


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
    nms_kernel: Annotated[int, Between(1, 255)] = 7
    """Side of the square in output pixels in which a centre must be the maximum; odd."""
    top_k: Annotated[int, Between(1, 1000)] = 200
    """Most instances in an image."""
    stuff_area: Annotated[int, Between(0, 1 << 26)] = 2048
    """Stuff classes that cover fewer output pixels are unlabelled."""

    def __post_init__(self) -> None:
        check(self)
        if not 0 <= self.center_threshold < 1:
            raise ValueError(f'center_threshold is {self.center_threshold}: '
                             'expected at least 0 and less than 1')
        if self.nms_kernel % 2 == 0:
            raise ValueError(f'nms_kernel is {self.nms_kernel}: expected an odd number, say 7')

    @classmethod
    def recommended(cls, by_model: Mapping[str, Any]) -> GroupingOptions:
        """
        Return the options that a model's metadata name, with the published ones for the others.

        Raises
        ------
        ValueError
            There is no such option, or a value is out of range.

        """
        unknown = sorted(set(by_model) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f'no option {show(unknown[0])}: expected some of '
                             f'{", ".join(field.name for field in fields(cls))}')
        return read(cls, by_model)
