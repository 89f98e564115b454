"""Label images in the COCO panoptic format, which the official evaluators read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..images import files as image_files
from ..labels import UNLABELED, LabelSpace
from .overlaps import LabelImage, label_image


class CocoPanopticWriter:
    """
    Writes a folder of PNG files and the JSON file beside it (Kirillov et al., cocodataset.org).

    A segment's id is its label + 1, because 0 is void there.  Categories have the data set's own
    ids. Thing classes with instance 0 become crowd.

    Parameters
    ----------
    folder
        The folder for the PNG files, which is made if missing.  ``save`` writes ``<folder>.json``.
    label_space
        The classes of the label images.

    """

    def __init__(self, folder: str | Path, label_space: LabelSpace) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._label_space = label_space
        self._annotations: list[dict[str, Any]] = []

    @property
    def categories(self) -> list[dict[str, Any]]:
        """The JSON file's categories."""
        return [{'id': category.dataset_id, 'name': category.name,
                 'isthing': int(category.is_thing), 'color': list(category.color)}
                for category in self._label_space.categories]

    def add(self, image_id: str, labels: LabelImage) -> dict[str, Any]:
        """
        Write one image's PNG and return its annotation, which ``save`` will write.

        Raises
        ------
        ValueError
            The labels are not (H, W) uint16.
        OSError
            The PNG cannot be written.

        """
        labels = label_image(labels, 'labels')
        identifier = np.where(labels == UNLABELED, 0, labels.astype(np.int32) + 1)
        bgr = np.stack([identifier >> 16, identifier >> 8 & 255, identifier & 255], -1)
        path = self.folder / f'{image_id}.png'
        image_files.write(path, bgr.astype(np.uint8))
        segments = []
        for label, area in zip(*np.unique(labels, return_counts=True), strict=True):
            if label != UNLABELED:
                class_id, instance = divmod(int(label), self._label_space.label_divisor)
                category = self._label_space.categories[class_id]
                segments.append({
                    'id': int(label) + 1, 'category_id': category.dataset_id, 'area': int(area),
                    'iscrowd': int(category.is_thing and instance == 0)})
        annotation = {'image_id': image_id, 'file_name': path.name, 'segments_info': segments}
        self._annotations.append(annotation)
        return annotation

    def save(self) -> Path:
        """Write the JSON file of all images so far and return its path."""
        path = self.folder.with_name(f'{self.folder.name}.json')
        path.write_text(json.dumps({
            'images': [{'id': a['image_id'], 'file_name': a['file_name']}
                       for a in self._annotations],
            'categories': self.categories, 'annotations': self._annotations}), encoding='utf-8')
        return path
