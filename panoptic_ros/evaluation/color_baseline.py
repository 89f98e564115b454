"""Segmentation by colour alone, which must not solve a data set."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, UNLABELED_CLASS, LabelSpace
from .overlaps import LabelImage, label_image

_BITS = 6       # bits of each channel that the look-up table tells apart
_PIXELS_PER_FRAME = 2000


class ColorBaseline:
    """
    Each pixel takes the class of the nearest palette colour; connected regions are instances.

    Parameters
    ----------
    palette
        (N, 3) float32, BGR.
    class_id
        (N,) the class of each colour.
    label_space
        The classes.
    min_pixels
        Regions of things under this size are unlabelled.

    """

    def __init__(self, palette: npt.NDArray[np.float32], class_id: npt.NDArray[np.uint8],
                 label_space: LabelSpace, min_pixels: int = 100) -> None:
        self._label_space = label_space
        self._min_pixels = min_pixels
        step = 1 << (8 - _BITS)
        axis = np.arange(1 << _BITS, dtype=np.float32) * step + (step - 1) / 2
        table = np.empty((1 << _BITS,) * 3, np.uint8)
        for blue in range(1 << _BITS):
            color = np.stack(np.meshgrid(axis[blue], axis, axis, indexing='ij'), -1)
            distance = np.square(palette).sum(-1) - 2 * color.reshape(-1, 3) @ palette.T
            table[blue] = class_id[distance.argmin(-1)].reshape(table.shape[1:])
        self._table = table.ravel()

    @classmethod
    def fit(cls, frames: Iterable[tuple[npt.NDArray[np.uint8], LabelImage]],
            label_space: LabelSpace, colors: int = 256, seed: int = 0) -> ColorBaseline:
        """
        Cluster the colours of (BGR image, ground truth) frames; a cluster has its commonest class.

        This is stronger than one palette per class, which ignores how common each class is.

        Raises
        ------
        ValueError
            No frame has a labelled pixel.

        """
        rng = np.random.default_rng(seed)
        samples, classes = [np.empty((0, 3), np.uint8)], [np.empty(0, np.uint8)]
        for image, truth in frames:
            semantic = label_space.semantic(label_image(truth, 'truth'))
            labeled = np.flatnonzero(semantic != UNLABELED_CLASS)
            chosen = rng.permutation(labeled)[:_PIXELS_PER_FRAME]
            samples.append(image.reshape(-1, 3)[chosen])
            classes.append(semantic.ravel()[chosen])
        pixels = np.concatenate(samples).astype(np.float32)
        if not len(pixels):
            raise ValueError('no frame has a labelled pixel: expected images with ground truth')
        cv2.setRNGSeed(seed)
        criteria = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 20, 0.5)
        _, nearest, palette = cv2.kmeans(
            pixels, min(colors, len(np.unique(pixels, axis=0))), np.empty(0, np.int32), criteria,
            1, cv2.KMEANS_PP_CENTERS)
        votes = np.zeros((len(palette), len(label_space)), np.int64)
        np.add.at(votes, (np.asarray(nearest, np.intp).ravel(), np.concatenate(classes)), 1)
        return cls(np.asarray(palette, np.float32), votes.argmax(1).astype(np.uint8), label_space)

    def __call__(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
        """Return the label image (H, W) uint16 of a BGR image (H, W, 3)."""
        cell = (image >> (8 - _BITS)).astype(np.int32)
        semantic = self._table[(cell[..., 0] << 2 * _BITS) | (cell[..., 1] << _BITS)
                               | cell[..., 2]]
        divisor = self._label_space.label_divisor
        labels = semantic.astype(np.uint16) * np.uint16(divisor)
        for class_id in self._label_space.thing_ids:
            mask = semantic == class_id
            count, region, statistics, _ = cv2.connectedComponentsWithStats(
                mask.astype(np.uint8), connectivity=8)
            area = statistics[1:, cv2.CC_STAT_AREA]
            kept = np.argsort(-area, kind='stable')[:self._label_space.max_instances]
            kept = kept[area[kept] >= self._min_pixels]
            label_of = np.full(count, UNLABELED, np.uint16)
            label_of[kept + 1] = class_id * divisor + 1 + np.arange(len(kept))
            labels[mask] = label_of[region[mask]]
        return labels
