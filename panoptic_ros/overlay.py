"""Drawings of a panoptic result, for people."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
import numpy.typing as npt

from .labels import UNLABELED, LabelSpace
from .panoptic import Panoptic

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GOLDEN_RATIO = 0.618034


def draw(image: npt.NDArray[np.uint8], panoptic: Panoptic,
         opacity: float = 0.5) -> npt.NDArray[np.uint8]:
    """
    Draw a result over its camera image: colours, outlines of instances, boxes and ids.

    Parameters
    ----------
    image
        (H, W, 3) uint8, BGR; it is not changed.
    panoptic
        The result for it.
    opacity
        Weight of the colours, from 0 to 1.

    Returns
    -------
    (H, W, 3) uint8, BGR.

    Raises
    ------
    ValueError
        Image and result differ in size, or the opacity is out of range.

    """
    if image.shape != (*panoptic.size, 3):
        raise ValueError(f'image is {image.shape}: expected {(*panoptic.size, 3)}, the size of '
                         'its panoptic result')
    if not 0 <= opacity <= 1:
        raise ValueError(f'opacity is {opacity}: expected 0 to 1')
    colored = colorize(panoptic)
    picture = np.asarray(cv2.addWeighted(image, 1 - opacity, colored, opacity, 0), np.uint8)
    unlabelled = panoptic.labels == UNLABELED
    picture[unlabelled] = image[unlabelled]
    picture[_outlines(panoptic)] = 255
    draw_boxes(picture, panoptic)
    return picture


def colorize(panoptic: Panoptic) -> npt.NDArray[np.uint8]:
    """
    Return each pixel's class colour, shaded by instance: (H, W, 3) uint8, BGR.

    The hues of a class's instances lie around its own hue, so that neighbours can be told apart.
    Unlabelled pixels are black.
    """
    table = np.zeros((UNLABELED + 1, 3), np.uint8)
    segments = panoptic.segments
    for label, class_id, instance in zip(segments.label, segments.class_id, segments.instance,
                                         strict=True):
        table[label] = instance_color(panoptic.label_space, int(class_id), int(instance))[::-1]
    return np.asarray(table[panoptic.labels], np.uint8)


def instance_color(label_space: LabelSpace, class_id: int, instance: int) -> tuple[int, int, int]:
    """Return a segment's RGB colour: that of its class for stuff, a shade of it for things."""
    red, green, blue = (int(c) for c in label_space.colors[class_id])
    if instance == 0:
        return red, green, blue
    hue, lightness, saturation = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    turn = (instance * _GOLDEN_RATIO) % 1
    shade = colorsys.hls_to_rgb((hue + 0.16 * (turn - 0.5)) % 1,
                                min(0.8, max(0.3, lightness) + 0.3 * turn),
                                max(0.5, saturation))
    return round(shade[0] * 255), round(shade[1] * 255), round(shade[2] * 255)


def _outlines(panoptic: Panoptic) -> npt.NDArray[np.bool_]:
    """Return where a thing's right or lower neighbour belongs to another segment."""
    labels = panoptic.labels
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    countable = np.zeros(UNLABELED + 1, bool)
    countable[panoptic.things.label] = True
    return edge & countable[labels]


def draw_boxes(picture: npt.NDArray[np.uint8], panoptic: Panoptic) -> None:
    """Draw the boxes, classes and numbers of a result's things into an image of its size."""
    things, label_space = panoptic.things, panoptic.label_space
    height, width = picture.shape[:2]
    scale = min(0.6, max(0.32, height / 1600))
    for row in range(len(things) - 1, -1, -1):      # the largest, usually nearest, comes last
        color = instance_color(label_space, int(things.class_id[row]), int(things.instance[row]))
        bgr = color[::-1]
        x0, y0, x1, y1 = (int(v) for v in things.box[row])
        cv2.rectangle(picture, (x0, y0), (x1 - 1, y1 - 1), bgr, 1)
        if y1 - y0 < 24 * height / 512:     # here a caption would hide the object
            continue
        text = f'{label_space.names[things.class_id[row]]} {things.instance[row]}'
        (text_width, text_height), baseline = cv2.getTextSize(text, _FONT, scale, 1)
        left = min(max(0, x0), max(0, width - text_width - 2))
        bottom = max(y0, text_height + baseline + 2)
        cv2.rectangle(picture, (left, bottom - text_height - baseline - 2),
                      (left + text_width + 2, bottom), bgr, cv2.FILLED)
        ink = (0, 0, 0) if sum(color) > 330 else (255, 255, 255)
        cv2.putText(picture, text, (left + 1, bottom - baseline), _FONT, scale, ink, 1,
                    cv2.LINE_AA)
