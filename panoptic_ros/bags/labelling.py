"""Segmenting recordings offline, every frame of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from .. import overlay
from ..images import encode
from ..panoptic import Panoptic
from ..segmenter import Segmenter
from . import messages
from .frames import IMAGE, CameraFrame, camera_frames, camera_topic
from .reader import Bag
from .writer import BagWriter

PREFIX = '/panoptic_node'
"""Where the node's private topics stand when it is not renamed."""

_PICTURES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')

Progress = Callable[[], None]
"""Called after every frame."""


@dataclass
class Labelled:
    """What was labelled."""

    frames: int = 0
    things: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    """What each stage of the segmenter took, by frame."""

    def segment(self, segmenter: Segmenter, image: np.ndarray) -> Panoptic:
        """Segment one image and count it."""
        times: dict[str, float] = {}
        panoptic = segmenter(image, times=times)
        for stage, seconds in times.items():
            self.seconds.setdefault(stage, []).append(seconds)
        self.frames += 1
        self.things += len(panoptic.things)
        return panoptic


def label_bag(segmenter: Segmenter, source: Bag, target: BagWriter, topic: str | None = None,
              prefix: str = PREFIX, with_camera: bool = True, with_overlay: bool = False,
              progress: Progress | None = None) -> Labelled:
    """
    Segment every frame of a bag's camera topic.

    The target receives what the node would publish for each, under the header and the time of
    its frame.

    Parameters
    ----------
    segmenter, source, target
        The model, the open bag, and the bag to write, which the caller closes.
    topic
        The camera topic; the bag's only one by default.
    prefix
        What stands before ``/panoptic``, ``/objects`` and ``/label_info``.
    with_camera
        Also copy the camera's messages.
    with_overlay
        Also draw ``PREFIX/overlay/compressed``, JPEG.
    progress
        Called after every frame.

    Raises
    ------
    BagError
        The source has no such topic, or is damaged.

    """
    camera = camera_topic(source, topic)
    names = {kind: f'{prefix}/{kind}' for kind in ('panoptic', 'objects', 'label_info')}
    target.add_topic(names['panoptic'], IMAGE)
    target.add_topic(names['objects'], messages.DETECTIONS)
    target.add_topic(names['label_info'], messages.LABEL_INFO, latched=True)
    target.write(names['label_info'], source.start, messages.label_info(
        segmenter.label_space, messages.header(source.start, '')))
    if with_camera:
        target.add_topic(camera.name, camera.type)
    if with_overlay:
        target.add_topic(f'{prefix}/overlay/compressed', 'sensor_msgs/msg/CompressedImage')
    done = Labelled()
    for frame in camera_frames(source, camera):
        panoptic = done.segment(segmenter, frame.image)
        results = {names['panoptic']: messages.image(panoptic.labels, '16UC1', frame.header),
                   names['objects']: messages.detections(panoptic, frame.header)}
        if with_camera:
            results[camera.name] = frame.record.data
        if with_overlay:
            results[f'{prefix}/overlay/compressed'] = _overlay(frame, panoptic)
        for name, message in results.items():
            target.write(name, frame.record.time, message)
        if progress is not None:
            progress()
    return done


def label_pictures(segmenter: Segmenter, pictures: Sequence[Path], folder: Path,
                   progress: Progress | None = None) -> Labelled:
    """
    Segment image files.

    For ``NAME.jpg`` the folder receives ``NAME_panoptic.png`` (uint16 labels) and
    ``NAME_overlay.jpg``.

    Raises
    ------
    ValueError
        A file is no image that OpenCV reads, or two have the same name.

    """
    names = [picture.stem for picture in pictures]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f'several pictures are called {", ".join(doubled)}: their labels would '
                         'overwrite each other; label them into folders of their own')
    folder.mkdir(parents=True, exist_ok=True)
    done = Labelled()
    for picture in pictures:
        data = np.fromfile(picture, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if image is None:
            raise ValueError(f'{picture} is no image that OpenCV reads: expected one of '
                             f'{", ".join(_PICTURES)}')
        pixels = np.asarray(image, np.uint8)
        panoptic = done.segment(segmenter, pixels)
        cv2.imwrite(str(folder / f'{picture.stem}_panoptic.png'), panoptic.labels)
        cv2.imwrite(str(folder / f'{picture.stem}_overlay.jpg'), overlay.draw(pixels, panoptic))
        if progress is not None:
            progress()
    return done


def find_pictures(paths: Sequence[Path]) -> Iterator[Path]:
    """
    Yield the image files among these files and under these folders, sorted.

    Raises
    ------
    ValueError
        A path does not exist, or a folder holds no picture.

    """
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in path.rglob('*') if p.suffix.lower() in _PICTURES)
            if not found:
                raise ValueError(f'no picture under {path}: expected {", ".join(_PICTURES)}')
            yield from found
        elif path.is_file():
            yield path
        else:
            raise ValueError(f'there is no {path}: expected a bag, a picture or a folder of them')


def _overlay(frame: CameraFrame, panoptic: Panoptic) -> object:
    data = encode(overlay.draw(frame.image, panoptic), '.jpg', (cv2.IMWRITE_JPEG_QUALITY, 90))
    return messages.compressed_image(data, 'bgr8; jpeg compressed bgr8', frame.header)
