"""The frames of a drive with the node's answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..bags.frames import camera_frames, stamp_of
from ..bags.reader import Bag, BagError
from ..labels import LabelSpace
from ..panoptic import Panoptic
from .recording import CAMERA, TRUTH
from .session import NODE, PANOPTIC


@dataclass(frozen=True, eq=False)
class Answer:
    """A camera frame, its result and its ground truth."""

    seconds: float
    """Seconds since the first frame."""
    image: npt.NDArray[np.uint8]
    """(H, W, 3) BGR."""
    panoptic: Panoptic
    truth: npt.NDArray[np.uint16]
    """(H, W) label image."""


def answers(drive: Bag, output: Bag, label_space: LabelSpace) -> Iterator[Answer]:
    """
    Yield the frames that were answered, in order, matched by their stamps.

    Raises
    ------
    BagError
        A bag is damaged, an answer has no frame, or an answer has other classes than the truth.

    """
    _check_classes(output, label_space)
    results = _label_images(output, PANOPTIC)
    truths = _label_images(drive, TRUTH)
    first: int | None = None
    frames = camera_frames(drive, drive.topic(CAMERA))
    for stamp, labels in results:
        for frame in frames:
            first = frame.stamp if first is None else first
            truth = next(truths, None)
            if truth is None or truth[0] != frame.stamp:
                raise BagError(f'{drive.path}: {TRUTH} lacks the frame of stamp {frame.stamp}')
            if frame.stamp == stamp:
                yield Answer((stamp - first) / 1e9, frame.image,
                             Panoptic.from_labels(labels, label_space), truth[1])
                break
        else:
            raise BagError(f'{output.path}: the label image of stamp {stamp} answers no frame of '
                           f'{CAMERA}, or comes out of order')


def _label_images(bag: Bag, topic: str) -> Iterator[tuple[int, npt.NDArray[np.uint16]]]:
    for record in bag.messages([topic]):
        message: Any = bag.decode(record)
        if message.encoding != '16UC1':
            raise BagError(f'{topic} in {bag.path} is {message.encoding}: expected 16UC1')
        labels = np.frombuffer(message.data, np.uint16).reshape(message.height, message.width)
        yield stamp_of(message.header), labels


def _check_classes(output: Bag, label_space: LabelSpace) -> None:
    info: Any = output.decode(next(output.messages([f'{NODE}/label_info'])))
    names = tuple(entry.class_name for entry in info.class_map)
    if names != label_space.names:
        raise BagError(f'the model knows {len(names)} classes from {names[:3]}...: expected the '
                       f'{len(label_space)} of {label_space.name}, as the drive has')
