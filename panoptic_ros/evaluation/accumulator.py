"""What the measures have in common: they count image by image and can be added."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

from ..labels import LabelSpace
from .overlaps import LabelImage, Overlaps

A = TypeVar('A', bound='Accumulator')


class Accumulator(ABC):
    """
    What a measure keeps of the images so far, which is little and never the images.

    ``a.merge(b)`` adds what another process has counted.
    """

    def __init__(self, label_space: LabelSpace) -> None:
        self.label_space = label_space
        self.images = 0

    def update(self: A, prediction: LabelImage, truth: LabelImage) -> A:
        """
        Count one image.

        Parameters
        ----------
        prediction, truth
            Label images (H, W) uint16 of the label space, or ``Panoptic``.

        Raises
        ------
        ValueError
            The sizes differ, or an image is not a label image of the label space.

        """
        return self.add(Overlaps.measure(prediction, truth, self.label_space))

    def add(self: A, overlaps: Overlaps) -> A:
        """Count one image whose overlaps have been measured already."""
        self._count(overlaps)
        self.images += 1
        return self

    def merge(self: A, other: A) -> A:
        """
        Add what another accumulator of the same measure has counted.

        Raises
        ------
        ValueError
            The other has another label space.

        """
        if other.label_space != self.label_space:
            raise ValueError(f'cannot merge label space {other.label_space.name!r} into '
                             f'{self.label_space.name!r}: expected the same classes and divisor')
        self._merge(other)
        self.images += other.images
        return self

    @abstractmethod
    def _count(self, overlaps: Overlaps) -> None: ...

    @abstractmethod
    def _merge(self: A, other: A) -> None: ...
