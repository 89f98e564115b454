"""COCO panoptic (Lin et al., 2014; Kirillov et al., 2019)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ..labels import UNLABELED, LabelSpace
from .dataset import Labels
from .paired_files import PairedFiles, color_codes
from .panoptic_json import VOID_ID, PanopticJson
from .relabeling import Codes, Integers, labels_of, relabel


class CocoPanoptic(PairedFiles):
    """
    COCO's images with panoptic annotations.

    The official layout is::

        {split}/{image id, 12 digits}.jpg
        annotations/panoptic_{split}.json
        annotations/panoptic_{split}/{image id}.png

    The PNG files come in an archive within the archive of the annotations; unpack it, too.  The
    JSON file lists the images.

    An instance's number is its place among the segment ids of its class.  Crowd segments of a
    class become one.

    Parameters
    ----------
    root
        The folder that holds ``annotations`` and the images' folder.
    split
        ``'val2017'``, ``'train2017'``, or any other split that has such files.
    label_space
        The classes of files in this format that are not COCO's, COCO's own by default.  The
        ``dataset_id`` of a class is the id of its category.

    Raises
    ------
    FileNotFoundError
        Images or annotations are missing.
    ValueError
        The JSON file cannot be read.

    """

    title = 'COCO panoptic'
    any_name = '*'

    def __init__(self, root: str | Path, split: str = 'val2017',
                 label_space: LabelSpace | None = None) -> None:
        super().__init__(root, split, label_space or LabelSpace.load('coco'))
        archive = 'panoptic_annotations_trainval2017.zip'
        self.image_source = f'{split}.zip'
        self.label_source = f'{archive} (and panoptic_{split}.zip that is in it)'
        path = self.root / f'annotations/panoptic_{split}.json'
        if not path.is_file():
            raise FileNotFoundError(f'{path} does not exist: unpack {archive} into {self.root} '
                                    "(only 'train2017' and 'val2017' have public annotations)")
        self._json = PanopticJson(path)
        self._class_of = {
            category.dataset_id: i for i, category in enumerate(self.label_space.categories)}
        self._pair(self._json.names, self._stems(self.image_file('*')),
                   self._stems(self.label_file('*')))

    def image_file(self, name: str) -> str:
        """Return the path of an image, relative to the root."""
        return f'{self.split}/{name}.jpg'

    def label_file(self, name: str) -> str:
        """Return the path of an image's labels, relative to the root."""
        return f'annotations/panoptic_{self.split}/{name}.png'

    def labels(self, index: int, pixels: Codes) -> Labels:
        """Return the labels that the segment ids of an image mean; the ids are colours."""
        return relabel(color_codes(pixels), partial(self._labels_of, index))

    def _labels_of(self, index: int, codes: Integers) -> Labels:
        self._json.check(index, codes)
        ids, category, crowd = self._json.segments(index)
        try:
            class_id = np.array([self._class_of[i] for i in category.tolist()], np.int64)
        except KeyError as error:
            raise ValueError(
                f'a segment is of category {error}, which is none of the {len(self.label_space)} '
                f'of label space {self.label_space.name!r}: with classes of your own, give their '
                'label space, in which the dataset_id is the id of the category') from error
        before = np.tril((class_id[:, None] == class_id) & (crowd == 0))
        labels = np.append(labels_of(self.label_space, class_id, before.sum(1) * (1 - crowd)),
                           np.uint16(UNLABELED))
        return labels[np.where(codes == VOID_ID, -1, np.searchsorted(ids, codes))]

    def _stems(self, pattern: str) -> set[str]:
        return {path.stem for path in self._found(pattern)}
