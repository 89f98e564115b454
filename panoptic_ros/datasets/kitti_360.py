"""KITTI-360 (Liao et al., 2022)."""

from __future__ import annotations

from pathlib import Path

from ..images import files as image_files
from ..labels import LabelSpace
from .dataset import Labels
from .instance_ids import InstanceIds
from .paired_files import PairedFiles, grey_codes
from .relabeling import Codes, relabel

_MERGED = {34: 'building', 35: 'fence', 37: 'pole'}
"""Garage, gate and small pole: the official evaluation counts them as these."""


class Kitti360(PairedFiles):
    """
    The labelled images of the left perspective camera of KITTI-360.

    The official layout is::

        data_2d_raw/{drive}/image_00/data_rect/{frame, 10 digits}.png
        data_2d_semantics/train/{drive}/image_00/instance/{frame}.png
        data_2d_semantics/train/2013_05_28_drive_{split}_frames.txt

    The classes are those of Cityscapes that the official evaluation uses: all but bus and train.
    Bus, train, and whatever else the data set labels (garbage bins, lamps, ...) are unlabelled
    here.  A thing without an instance number is crowd.

    Parameters
    ----------
    root
        The folder that holds ``data_2d_raw`` and ``data_2d_semantics``.
    split
        ``'train'`` or ``'val'`` for the frames of that list, or ``'all'`` for every labelled frame
        that is there.

    Raises
    ------
    FileNotFoundError
        The split's list, images or labels are missing.
    ValueError
        There is no such split, or its list is no list of frames or a pointer of git LFS.

    """

    title = 'KITTI-360'
    image_source = '"Perspective Images for Train & Val"'
    label_source = '"Semantics" of "2D data & labels"'
    any_name = '*/*'

    def __init__(self, root: str | Path, split: str = 'val') -> None:
        if split not in ('train', 'val', 'all'):
            raise ValueError(f"split is {split!r}: expected 'train', 'val' or 'all'; the labels "
                             'of the test sequences are withheld')
        super().__init__(root, split, LabelSpace.load('kitti-360'))
        self._ids = InstanceIds(self.label_space, count=45, first=1, merged=_MERGED)
        images, labels = (
            {f'{path.parents[2].name}/{path.stem}' for path in self._found(file(self.any_name))}
            for file in (self.image_file, self.label_file))
        self._pair(labels if split == 'all' else self._listed(), images, labels)

    def image_file(self, name: str) -> str:
        """Return the path of an image, relative to the root."""
        drive, frame = name.split('/')
        return f'data_2d_raw/{drive}/image_00/data_rect/{frame}.png'

    def label_file(self, name: str) -> str:
        """Return the path of an image's labels, relative to the root."""
        drive, frame = name.split('/')
        return f'data_2d_semantics/train/{drive}/image_00/instance/{frame}.png'

    def labels(self, index: int, pixels: Codes) -> Labels:
        """Return the labels that instance ids mean."""
        return relabel(grey_codes(pixels), self._ids)

    def _listed(self) -> set[str]:
        path = self.root / f'data_2d_semantics/train/2013_05_28_drive_{self.split}_frames.txt'
        if not path.is_file():
            raise FileNotFoundError(f'{path} does not exist: unpack {self.label_source} into '
                                    f"{self.root}, or take the split 'all'")
        data = path.read_bytes()
        image_files.refuse_pointer(path, data)
        names = set()
        for line in data.decode(errors='replace').splitlines():
            if line.strip():
                image = line.split()[0].split('/')
                if len(image) < 4:
                    raise ValueError(f'{path} has the line {line!r}: expected the paths of an '
                                     'image and of its labels')
                names.add(f'{image[-4]}/{image[-1].removesuffix(".png")}')
        return names
