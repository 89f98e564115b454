"""Data sets by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from .cityscapes import Cityscapes
from .coco import CocoPanoptic
from .dataset import Dataset
from .kitti_360 import Kitti360
from .kitti_step import KittiStep

DATASETS: Mapping[str, Callable[..., Dataset]] = {
    'cityscapes': Cityscapes, 'coco': CocoPanoptic, 'kitti-360': Kitti360,
    'kitti-step': KittiStep}
"""The kinds of data sets that can be read."""

VIDEOS = ('kitti-step',)
"""The kinds that are videos."""


def open_dataset(kind: str, root: str | Path, split: str | None = None) -> Dataset:
    """
    Open a data set of one of the ``DATASETS``; by default its validation images.

    Raises
    ------
    FileNotFoundError
        A part of the data set is missing.
    ValueError
        There is no such kind or split.

    """
    if kind not in DATASETS:
        raise ValueError(f'no data set {kind!r}: expected one of {", ".join(sorted(DATASETS))}')
    return DATASETS[kind](root) if split is None else DATASETS[kind](root, split)
