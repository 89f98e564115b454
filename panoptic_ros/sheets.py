"""Sheets: pictures in rows and columns with titles, and a legend of the classes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from .labels import UNLABELED_CLASS
from .panoptic import Panoptic

Picture = npt.NDArray[np.uint8]

_TILE_WIDTH = 640
_GAP = 8
_TITLE_HEIGHT = 44
_LEGEND_HEIGHT = 34
_PAPER = 24
_INK = (235, 235, 235)
_FONT = cv2.FONT_HERSHEY_DUPLEX


def sheet(titles: Sequence[str], rows: Sequence[Sequence[Picture]],
          shown: Sequence[Panoptic]) -> Picture:
    """
    Return a sheet with a row for each of some rows of tiles, and the legend of the classes.

    Parameters
    ----------
    titles
        The titles of the columns.
    rows
        The tiles of each row, from ``tile``, in one size within a row.
    shown
        The results whose classes the legend has; all are of one label space.

    Raises
    ------
    ValueError
        There is no row.

    """
    if not rows:
        raise ValueError('no frame to show: choose at least one')
    width = len(titles) * (_TILE_WIDTH + _GAP) + _GAP
    blocks = [_titles(titles, width)]
    for row in rows:
        gap = _blank(row[0].shape[0], _GAP)
        parts = [part for picture in row for part in (gap, picture)]
        blocks += [np.concatenate([*parts, gap], axis=1), _blank(_GAP, width)]
    space = shown[0].label_space
    present = np.unique(np.concatenate([np.unique(space.semantic(panoptic.labels))
                                        for panoptic in shown]))
    blocks += _legend([(space.names[c], space.colors[c]) for c in present.tolist()
                       if c != UNLABELED_CLASS], width)
    return np.concatenate(blocks)


def tile(image: Picture) -> Picture:
    """Return an image (H, W, 3) in the size of a tile."""
    shrinks = image.shape[1] > _TILE_WIDTH
    return np.asarray(cv2.resize(image, _size(image), interpolation=(
        cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)), np.uint8)


def tile_of_labels(panoptic: Panoptic) -> Panoptic:
    """Return a result in the size of a tile, so that what is drawn on it stays readable."""
    labels = cv2.resize(panoptic.labels, _size(panoptic.labels),
                        interpolation=cv2.INTER_NEAREST)
    return Panoptic.from_labels(np.asarray(labels, np.uint16), panoptic.label_space)


def caption(picture: Picture, text: str) -> None:
    """Write into the lower left corner, so that it can be read on any background."""
    (width, height), baseline = cv2.getTextSize(text, _FONT, 0.6, 1)
    bottom = picture.shape[0]
    corner = picture[bottom - height - baseline - 10:, :width + 18]
    corner[:] = corner // 3
    cv2.putText(picture, text, (8, bottom - baseline - 4), _FONT, 0.6, _INK, 1, cv2.LINE_AA)


def _size(image: npt.NDArray[np.generic]) -> tuple[int, int]:
    """Return the width and the height of a tile."""
    return _TILE_WIDTH, max(1, round(_TILE_WIDTH * image.shape[0] / image.shape[1]))


def _titles(titles: Sequence[str], width: int) -> Picture:
    strip = _blank(_TITLE_HEIGHT, width)
    for column, title in enumerate(titles):
        left = _GAP + column * (_TILE_WIDTH + _GAP)
        cv2.putText(strip, title, (left + 2, 30), _FONT, 0.75, _INK, 1, cv2.LINE_AA)
    return strip


def _legend(entries: Sequence[tuple[str, npt.NDArray[np.uint8]]], width: int) -> list[Picture]:
    """Return one strip for each line that the entries need."""
    strips = [_blank(_LEGEND_HEIGHT, width)]
    left = _GAP
    for name, color in entries:
        (text_width, _), _ = cv2.getTextSize(name, _FONT, 0.5, 1)
        if left + text_width + 50 > width:
            strips.append(_blank(_LEGEND_HEIGHT, width))
            left = _GAP
        cv2.rectangle(strips[-1], (left, 6), (left + 20, 26), color[::-1].tolist(), cv2.FILLED)
        cv2.rectangle(strips[-1], (left, 6), (left + 20, 26), (110, 110, 110), 1)
        cv2.putText(strips[-1], name, (left + 28, 22), _FONT, 0.5, _INK, 1, cv2.LINE_AA)
        left += text_width + 42
    return strips


def _blank(height: int, width: int) -> Picture:
    return np.full((height, width, 3), _PAPER, np.uint8)
