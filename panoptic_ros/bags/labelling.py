"""Segmenting recordings offline, every frame of them."""

from __future__ import annotations

import cv2

from .. import overlay
from ..images import encode
from ..panoptic import Panoptic
from ..pictures import Labelled, Progress
from ..segmenter import Segmenter
from ..tracking import Tracker
from . import messages
from .frames import IMAGE, CameraFrame, camera_frames, camera_topic
from .reader import Bag
from .writer import BagWriter

PREFIX = '/panoptic_node'
"""Where the node's private topics stand when it is not renamed."""


def label_bag(segmenter: Segmenter, source: Bag, target: BagWriter, topic: str | None = None,
              prefix: str = PREFIX, with_camera: bool = True, with_overlay: bool = False,
              with_tracking: bool = True, progress: Progress | None = None) -> Labelled:
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
    with_tracking
        Things keep their numbers from frame to frame.
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
    tracker = Tracker(segmenter.label_space) if with_tracking else None
    for frame in camera_frames(source, camera):
        panoptic = done.segment(segmenter, frame.image)
        if tracker is not None:
            panoptic = tracker(panoptic, 1e-9 * (frame.stamp or frame.record.time))
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


def _overlay(frame: CameraFrame, panoptic: Panoptic) -> object:
    data = encode(overlay.draw(frame.image, panoptic), '.jpg', (cv2.IMWRITE_JPEG_QUALITY, 90))
    return messages.compressed_image(data, 'bgr8; jpeg compressed bgr8', frame.header)
