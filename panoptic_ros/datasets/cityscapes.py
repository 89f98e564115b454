"""Cityscapes (Cordts et al., 2016)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ..labels import UNLABELED_CLASS, LabelSpace
from .dataset import Labels
from .instance_ids import InstanceIds
from .paired_files import PairedFiles, color_codes, grey_codes
from .panoptic_json import VOID_ID, PanopticJson
from .relabeling import VOID, Codes, Integers, relabel

_THINGS = range(24, 34)
"""The dataset ids of classes with instances, caravans and trailers included."""


class Cityscapes(PairedFiles):
    """
    The finely annotated images of Cityscapes.

    The official layout is::

        leftImg8bit/{split}/{city}/{city}_{sequence}_{frame}_leftImg8bit.png
        gtFine/{split}/{city}/{city}_{sequence}_{frame}_gtFine_instanceIds.png

    When instance ids are missing, the panoptic files that Cityscapes' ``csCreatePanopticImgs``
    makes of them serve as well, with dataset ids or with training ids::

        gtFine/cityscapes_panoptic_{split}[_trainId].json
        gtFine/cityscapes_panoptic_{split}[_trainId]/{...}_gtFine_panoptic.png

    Instance numbers are the data set's own, which count from 0, plus 1.  Classes that the official
    evaluation ignores are unlabelled.  Groups are crowd.

    Parameters
    ----------
    root
        The folder that holds ``leftImg8bit`` and ``gtFine``.
    split
        ``'train'`` or ``'val'``.

    Raises
    ------
    FileNotFoundError
        Images or labels are missing.
    ValueError
        The split has no labels, the name of a file does not begin with its city, or the panoptic
        JSON file cannot be read.

    """

    title = 'Cityscapes'
    image_source = 'leftImg8bit_trainvaltest.zip'
    label_source = 'gtFine_trainvaltest.zip'
    any_name = '*'

    def __init__(self, root: str | Path, split: str = 'val') -> None:
        if split not in ('train', 'val'):
            raise ValueError(f"split is {split!r}: expected 'train' or 'val'; the labels of "
                             "Cityscapes' test split are withheld (its files are dummies)")
        super().__init__(root, split, LabelSpace.load('cityscapes'))
        self._ids = InstanceIds(self.label_space, count=34, first=0, numbered=_THINGS)
        self._panoptic = ''
        images = self._names(self.image_file, '_leftImg8bit.png')
        names = labels = self._names(self.label_file, '_gtFine_instanceIds.png')
        panoptic = [path for suffix in ('', '_trainId') if (
            path := self.root / f'gtFine/cityscapes_panoptic_{split}{suffix}.json').is_file()]
        if panoptic and not images <= labels:
            self._panoptic = panoptic[0].stem
            self._json = PanopticJson(panoptic[0], '_gtFine_panoptic.png')
            self.label_source = f'{self._panoptic}, which csCreatePanopticImgs makes,'
            names = set(self._json.names)
            labels = names & self._names(self.label_file, '_gtFine_panoptic.png')
        self._pair(names | images, images, labels)

    def image_file(self, name: str) -> str:
        """Return the path of an image, relative to the root."""
        return f'leftImg8bit/{self.split}/{name.split("_")[0]}/{name}_leftImg8bit.png'

    def label_file(self, name: str) -> str:
        """Return the path of an image's labels, relative to the root."""
        if self._panoptic:
            return f'gtFine/{self._panoptic}/{name}_gtFine_panoptic.png'
        return f'gtFine/{self.split}/{name.split("_")[0]}/{name}_gtFine_instanceIds.png'

    def labels(self, index: int, pixels: Codes) -> Labels:
        """Return the labels that instance ids mean: grey values, or colours of a panoptic PNG."""
        if not self._panoptic:
            return relabel(grey_codes(pixels), self._ids)
        return relabel(color_codes(pixels), partial(self._panoptic_labels, index))

    def _panoptic_labels(self, index: int, ids: Integers) -> Labels:
        """Return the labels that instance ids mean, if the JSON file lists the same ids."""
        self._json.check(index, ids)
        labels = self._ids(ids)
        segments, category, _ = self._json.segments(index)
        category_of = np.full(UNLABELED_CLASS + 1, VOID)
        category_of[:len(self.label_space)] = (
            range(len(self.label_space)) if self._panoptic.endswith('_trainId')
            else [c.dataset_id for c in self.label_space.categories])
        meant = category_of[self.label_space.semantic(labels[ids != VOID_ID])]
        wrong = np.flatnonzero(meant != category)
        if len(wrong):
            raise ValueError(
                f'segment {segments[wrong[0]]} is of category {category[wrong[0]]}: expected '
                'segments to have their instance ids, as csCreatePanopticImgs writes them')
        return labels

    def _names(self, file: Callable[[str], str], suffix: str) -> set[str]:
        names = set()
        for path in self._found(file('*')):
            name = path.name.removesuffix(suffix)
            if path != self.root / file(name):
                raise ValueError(
                    f"{path} begins with {name.split('_')[0]!r}: expected its city, the name of "
                    f'its folder, {path.parent.name!r}; rename it, or move it to '
                    f'{self.root / file(name)}')
            names.add(name)
        return names
