"""One result in four panels: what each view of it shows."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
import numpy.typing as npt

from .. import overlay
from ..evaluation.class_agnostic import erase_classes
from ..labels import UNLABELED
from ..panoptic import Panoptic

Picture = npt.NDArray[np.uint8]

TITLES = ('panoptic: class and identity of every pixel', 'semantic: class, no identity',
          'instance: things, no stuff', 'class-agnostic: segments, no class')
"""The panels, row by row."""

_PANEL_WIDTH = 480
_GAP = 6
_TITLE_HEIGHT = 30
_OPACITY = 0.6
_GOLDEN_RATIO = 0.618034
_FONT = cv2.FONT_HERSHEY_DUPLEX


def four_views(image: Picture, panoptic: Panoptic) -> Picture:
    """
    Draw a result over its camera image as each view has it, two panels in each of two rows.

    Parameters
    ----------
    image
        (H, W, 3) uint8, BGR.
    panoptic
        The result for it.

    Returns
    -------
    (H', W', 3) uint8, BGR; its size follows from the shape of the image alone.

    """
    height = max(1, round(image.shape[0] * _PANEL_WIDTH / image.shape[1]))
    image = np.asarray(cv2.resize(image, (_PANEL_WIDTH, height), interpolation=cv2.INTER_AREA),
                       np.uint8)
    labels = np.asarray(cv2.resize(panoptic.labels, (_PANEL_WIDTH, height),
                                   interpolation=cv2.INTER_NEAREST), np.uint16)
    panoptic = Panoptic.from_labels(labels, panoptic.label_space)
    views = (overlay.draw(image, panoptic, _OPACITY), _semantic(image, panoptic),
             _instances(image, panoptic), _segments(image, panoptic))
    panels = [_titled(title, view) for title, view in zip(TITLES, views, strict=True)]
    gap = np.full((len(panels[0]), _GAP, 3), 255, np.uint8)
    rows = [np.hstack([left, gap, right]) for left, right in (panels[:2], panels[2:])]
    return np.vstack([rows[0], np.full((_GAP, rows[0].shape[1], 3), 255, np.uint8), rows[1]])


def _semantic(image: Picture, panoptic: Panoptic) -> Picture:
    space = panoptic.label_space
    colors = np.zeros((256, 3), np.uint8)       # a class is a uint8, 255 where unlabelled
    colors[:len(space)] = space.colors[:, ::-1]
    return _blended(image, colors[panoptic.semantic()], panoptic.labels)


def _instances(image: Picture, panoptic: Panoptic) -> Picture:
    things = np.where(panoptic.instances() > 0, panoptic.labels, np.uint16(UNLABELED))
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return overlay.draw(np.asarray(grey, np.uint8),
                        Panoptic.from_labels(things, panoptic.label_space), _OPACITY)


def _segments(image: Picture, panoptic: Panoptic) -> Picture:
    """Colour segments by their numbers; successive ones lie far apart around the hues."""
    labels = erase_classes(panoptic.labels, panoptic.label_space, 'result')
    table = np.zeros((UNLABELED + 1, 3), np.uint8)
    for number in range(1, int(labels[labels != UNLABELED].max(initial=0)) + 1):
        hue = number * _GOLDEN_RATIO % 1
        table[number] = [round(255 * part) for part in
                         colorsys.hsv_to_rgb(hue, 0.55 + 0.4 * (number % 3) / 2, 0.95)]
    picture = _blended(image, table[labels], labels)
    edge = np.zeros(labels.shape, np.bool_)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    picture[edge] = 255
    return picture


def _blended(image: Picture, colors: Picture, labels: npt.NDArray[np.uint16]) -> Picture:
    picture = np.asarray(cv2.addWeighted(image, 1 - _OPACITY, colors, _OPACITY, 0), np.uint8)
    unlabelled = labels == UNLABELED
    picture[unlabelled] = image[unlabelled]
    return picture


def _titled(title: str, picture: Picture) -> Picture:
    strip = np.full((_TITLE_HEIGHT, picture.shape[1], 3), 24, np.uint8)
    cv2.putText(strip, title, (8, 21), _FONT, 0.55, (235, 235, 235), 1, cv2.LINE_AA)
    return np.vstack([strip, picture])
