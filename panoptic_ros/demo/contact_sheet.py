"""A contact sheet, the picture of a whole drive: camera, panoptic colours, objects."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from .. import overlay
from ..labels import LabelSpace
from ..panoptic import Panoptic
from .answers import Answer

Picture = npt.NDArray[np.uint8]

COLUMNS = ('camera', 'panoptic label image', 'objects')

_TILE_WIDTH = 640
_GAP = 8
_TITLE_HEIGHT = 44
_LEGEND_HEIGHT = 34
_PAPER = 24
_INK = (235, 235, 235)
_FONT = cv2.FONT_HERSHEY_DUPLEX


def contact_sheet(chosen: Sequence[Answer], label_space: LabelSpace) -> Picture:
    """
    Return a sheet with a row for each answer and the legend of the classes that occur.

    Raises
    ------
    ValueError
        There is no answer to show.

    """
    if not chosen:
        raise ValueError('no frame to show: choose at least one')
    rows = [_row(answer) for answer in chosen]
    width = rows[0].shape[1]
    present = sorted({int(c) for answer in chosen for c in answer.panoptic.segments.class_id})
    blocks = [_titles(width)]
    for row in rows:
        blocks += [row, _blank(_GAP, width)]
    blocks += _legend([(label_space.names[c], label_space.colors[c]) for c in present], width)
    return np.concatenate(blocks)


def _row(answer: Answer) -> Picture:
    """Draw at the tile's own size, so that captions stay readable."""
    height, width = answer.image.shape[:2]
    size = (_TILE_WIDTH, round(_TILE_WIDTH * height / width))
    shrinks = width > _TILE_WIDTH
    image = np.asarray(cv2.resize(answer.image, size, interpolation=(
        cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)), np.uint8)
    labels = np.asarray(cv2.resize(answer.panoptic.labels, size,
                                   interpolation=cv2.INTER_NEAREST), np.uint16)
    panoptic = Panoptic.from_labels(labels, answer.panoptic.label_space)
    camera = image.copy()
    _caption(camera, f't = {answer.seconds:.1f} s')
    colors = overlay.colorize(panoptic)
    objects = overlay.draw(image, panoptic, opacity=0.35)
    _caption(objects, f'{len(answer.panoptic.things)} objects')
    gap = _blank(size[1], _GAP)
    return np.concatenate([gap, camera, gap, colors, gap, objects, gap], axis=1)


def _titles(width: int) -> Picture:
    strip = _blank(_TITLE_HEIGHT, width)
    for column, title in enumerate(COLUMNS):
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


def _caption(picture: Picture, text: str) -> None:
    """Write into the lower left corner, so that it can be read on any background."""
    (width, height), baseline = cv2.getTextSize(text, _FONT, 0.6, 1)
    bottom = picture.shape[0]
    corner = picture[bottom - height - baseline - 10:, :width + 18]
    corner[:] = corner // 3
    cv2.putText(picture, text, (8, bottom - baseline - 4), _FONT, 0.6, _INK, 1, cv2.LINE_AA)


def _blank(height: int, width: int) -> Picture:
    return np.full((height, width, 3), _PAPER, np.uint8)
