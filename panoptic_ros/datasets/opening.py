"""Data sets by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..labels import LabelSpace
from .cityscapes import Cityscapes
from .coco import CocoPanoptic
from .dataset import Dataset
from .kitti_360 import Kitti360
from .kitti_step import KittiStep

DATASETS: Mapping[str, Callable[..., Dataset]] = {
    'cityscapes': Cityscapes, 'coco': CocoPanoptic, 'kitti-360': Kitti360,
    'kitti-step': KittiStep}
"""The kinds of data sets that can be read."""

SPLITS: Mapping[str, tuple[str, str]] = {
    'cityscapes': ('train', 'val'), 'coco': ('train2017', 'val2017'),
    'kitti-360': ('train', 'val'), 'kitti-step': ('train', 'val')}
"""The splits of each kind to train on and to measure on."""

VIDEOS = ('kitti-step',)
"""The kinds that are videos."""


def open_dataset(kind: str, root: str | Path, split: str | None = None,
                 label_space: LabelSpace | None = None) -> Dataset:
    """
    Open a data set of one of the ``DATASETS``; by default its validation images.

    Only files in the format of COCO panoptic may have a label space of their own.

    Raises
    ------
    FileNotFoundError
        A part of the data set is missing.
    ValueError
        There is no such kind or split, or a label space is given to another kind than coco.

    """
    if kind not in DATASETS:
        raise ValueError(f'no data set {kind!r}: expected one of {", ".join(sorted(DATASETS))}')
    split = SPLITS[kind][1] if split is None else split
    if label_space is None:
        return DATASETS[kind](root, split)
    if kind != 'coco':
        raise ValueError(f'{kind} has classes of its own: leave out the label space '
                         f'{label_space.name!r}, which only files in the format of COCO panoptic '
                         'and plain folders may have')
    return CocoPanoptic(root, split, label_space)
