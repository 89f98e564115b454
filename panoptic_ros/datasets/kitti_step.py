"""KITTI-STEP (Weber et al., 2021)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from ..labels import UNLABELED_CLASS, LabelSpace
from .dataset import Labels
from .paired_files import PairedFiles, color_codes
from .relabeling import VOID, Codes, Integers, labels_of, relabel

_FIRST_MOVING = 11
"""The first training id of what moves; what stands never has a number."""


class KittiStep(PairedFiles):
    """
    KITTI's tracking images with a panoptic label of every pixel.

    The layout is that of DeepLab2's guide, which the official evaluation expects::

        images/{split}/{sequence, 4 digits}/{frame, 6 digits}.png
        panoptic_maps/{split}/{sequence}/{frame}.png

    In a panoptic map, red is the Cityscapes training id (255 is void), and green * 256 + blue is
    the number of the instance, which stays the same through a sequence.  Only persons and cars are
    things; without a number they are crowd.  The other things of Cityscapes have no numbers and
    are stuff, as in the official evaluation (``class_has_instances_list`` in DeepLab2's
    ``data/dataset.py``).

    Parameters
    ----------
    root
        The folder that holds ``images`` and ``panoptic_maps``.
    split
        ``'train'`` or ``'val'``.

    Raises
    ------
    FileNotFoundError
        Images or labels are missing.
    ValueError
        The split has no labels.

    """

    title = 'KITTI-STEP'
    image_source = 'data_tracking_image_2.zip (and sort its sequences into train and val)'
    label_source = "kitti-step.tar.gz's panoptic_maps"
    any_name = '*/*'
    rate = 10.0
    """Frames per second of KITTI's cameras."""

    def __init__(self, root: str | Path, split: str = 'val') -> None:
        if split not in ('train', 'val'):
            raise ValueError(f"split is {split!r}: expected 'train' or 'val'; the labels of "
                             "KITTI-STEP's test split are withheld")
        super().__init__(root, split, LabelSpace.load('kitti-step'))
        images, labels = (
            {f'{path.parent.name}/{path.stem}' for path in self._found(file(self.any_name))}
            for file in (self.image_file, self.label_file))
        self._pair(images | labels, images, labels)

    def image_file(self, name: str) -> str:
        """Return the path of an image, relative to the root."""
        return f'images/{self.split}/{name}.png'

    def label_file(self, name: str) -> str:
        """Return the path of an image's labels, relative to the root."""
        return f'panoptic_maps/{self.split}/{name}.png'

    def clips(self) -> list[range]:
        """
        Return the indices of frames that follow each other.

        Each sequence gives a range, and one more after each gap.

        Raises
        ------
        ValueError
            A frame's name is no number.

        """
        starts: list[int] = []
        expected = ('', -1)
        for index, name in enumerate(self.names):
            sequence, _, frame = name.partition('/')
            if not frame.isdecimal():
                raise ValueError(f'{self.root / self.image_file(name)} has no number: expected '
                                 'the name of a frame, such as 000000.png')
            if (sequence, int(frame)) != expected:
                starts.append(index)
            expected = sequence, int(frame) + 1
        return [range(*clip) for clip in pairwise([*starts, len(self)])]

    def labels(self, index: int, pixels: Codes) -> Labels:
        """Return the labels that the colours of a panoptic map mean."""
        return relabel(color_codes(pixels), self._labels_of)

    def _labels_of(self, codes: Integers) -> Labels:
        class_id, instance = codes & 255, (codes & 0xFF00) + (codes >> 16)
        foreign = class_id[(class_id >= len(self.label_space)) & (class_id != UNLABELED_CLASS)]
        if len(foreign):
            raise ValueError(
                f'pixels have the class {foreign[0]}: expected a training id from 0 to '
                f'{len(self.label_space) - 1}, or {UNLABELED_CLASS} for void')
        numbered = class_id[(class_id < _FIRST_MOVING) & (instance > 0)]
        if len(numbered):
            raise ValueError(
                f'pixels of the class {numbered[0]}, {self.label_space.names[numbered[0]]!r}, '
                'have the number of an instance: expected numbers for persons (11) and cars (13) '
                'alone; are red and blue exchanged?')
        return labels_of(self.label_space, np.where(class_id == UNLABELED_CLASS, VOID, class_id),
                         instance)
